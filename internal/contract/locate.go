package contract

import (
	"errors"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var quoted = regexp.MustCompile("[\"'`]([^\"'`]{2,})[\"'`]|[\\pL\\pN_]{2,}")

// Locate adds a place to a library's error: the place of the longest text of the contract quoted in the error, or else of its
// longest word, in any case, because Go names are capitalised.
func (c *Contract) Locate(err error) error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own
	}
	text, _, _ := strings.Cut(err.Error(), "\nSchema:") // and the value, which the place shows
	text = strings.ReplaceAll(text, "\n", " ")
	weights := map[string]int{}
	for _, found := range quoted.FindAllStringSubmatch(text, -1) {
		if word := strings.ToLower(found[0]); found[1] == "" {
			weights[word] = max(weights[word], len(word))
		} else {
			weights[strings.ToLower(found[1])] = 1<<10 + len(word)
		}
	}
	line, longest := yamlErrorLine(err), 0
	var visit func(node *yaml.Node)
	visit = func(node *yaml.Node) {
		for i, inner := range node.Content {
			visit(inner)
			isKey := node.Kind == yaml.MappingNode && i%2 == 0
			if weight := weights[strings.ToLower(inner.Value)]; weight > longest && (isKey || inner.Kind == yaml.ScalarNode) {
				line, longest = inner.Line, weight
			}
		}
	}
	if line == 1 {
		visit(c.lines.root)
	}
	return &Error{File: c.lines.file, Line: line, What: text}
}
