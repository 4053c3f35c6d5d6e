package contract

import (
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Locate adds a place to a library's error: the place of the longest text of the contract quoted in the error.
func (c *Contract) Locate(err error) error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own
	}
	text, _, _ := strings.Cut(err.Error(), "\nSchema:") // and the value, which the place shows
	text = strings.ReplaceAll(text, "\n", " ")
	if line := yamlErrorLine(err); line > 1 {
		return &Error{File: c.lines.file, Line: line, What: text}
	}
	line, longest := 1, 0
	var visit func(node *yaml.Node, depth int)
	visit = func(node *yaml.Node, depth int) {
		if depth > maxDepth || node.Kind == yaml.AliasNode {
			return
		}
		for i, inner := range node.Content {
			visit(inner, depth+1)
			isKey := node.Kind == yaml.MappingNode && i%2 == 0
			if !isKey && inner.Kind != yaml.ScalarNode {
				continue
			}
			if weight := named(text, inner.Value); weight > longest {
				line, longest = inner.Line, weight
			}
		}
	}
	visit(c.lines.root, 0)
	return &Error{File: c.lines.file, Line: line, What: text}
}

// named scores how well a text names a word: a quoted word scores higher.
func named(text, word string) int {
	const quoted = 1 << 10
	switch {
	case !namesWord(text, word):
		return 0
	case strings.ContainsAny(text, "'\"`") && slices.ContainsFunc([]string{"'", "\"", "`"}, func(q string) bool {
		return strings.Contains(strings.ToLower(text), strings.ToLower(q+word+q))
	}):
		return quoted + len(word)
	default:
		return len(word)
	}
}

// namesWord reports whether text holds word as a whole word, ignoring case, because Go names are capitalised.
func namesWord(text, word string) bool {
	if len(word) < 2 {
		return false
	}
	text, word = strings.ToLower(text), strings.ToLower(word)
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if (start == 0 || !wordByte(text[start-1])) && (end == len(text) || !wordByte(text[end])) {
			return true
		}
		from = start + 1
	}
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
