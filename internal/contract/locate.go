package contract

import (
	"errors"
	"regexp"
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

// named scores how well a text names a word, as a whole one and in any case, because Go names are capitalised: a quoted word
// scores higher.
func named(text, word string) int {
	const quoted = 1 << 10
	if len(word) < 2 || !strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
		return 0
	}
	plain := regexp.QuoteMeta(word)
	if in, _ := regexp.MatchString("(?i)'"+plain+`'|"`+plain+`"|`+"`"+plain+"`", text); in {
		return quoted + len(word)
	}
	if in, _ := regexp.MatchString(`(?i)(^|\W)`+plain+`(\W|$)`, text); in {
		return len(word)
	}
	return 0
}
