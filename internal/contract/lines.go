package contract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is an unsupported part of a contract, with its place.
type Error struct {
	File string
	Line int    // 1 if the place has none of its own
	At   string // such as "paths /v1.0/users get parameters 2"
	What string
}

// Error puts the place first, as compilers do: editors jump to it.
func (e *Error) Error() string {
	if e.At == "" {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
	}
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.At, e.What)
}

// lines maps places of a YAML or JSON file to lines.
type lines struct {
	file string
	root *yaml.Node
}

func newLines(file string, content []byte) (lines, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return lines{}, &Error{File: file, Line: yamlErrorLine(err), What: err.Error()}
	}
	l := lines{file: file}
	if len(doc.Content) > 0 {
		l.root = doc.Content[0]
	}
	if l.root == nil || l.root.Kind != yaml.MappingNode {
		return lines{}, &Error{File: file, Line: 1, What: "it is not a YAML map"}
	}
	return l, nil
}

// yamlErrorLine parses the line from the parser's error text, its only source.
func yamlErrorLine(err error) int {
	if _, after, ok := strings.Cut(err.Error(), "line "); ok {
		digits := strings.TrimRightFunc(after[:min(len(after), 9)], func(r rune) bool { return r < '0' || r > '9' })
		digits, _, _ = strings.Cut(digits, ":")
		if n, err := strconv.Atoi(digits); err == nil && n > 0 {
			return n
		}
	}
	return 1
}

// line returns the line of a place, or of the nearest parent in the file: an overlay may add places.
func (l lines) line(at ...string) int {
	node, found := l.root, 1
	for _, step := range at {
		next, key := child(node, step)
		if next == nil {
			break
		}
		node, found = next, key.Line
	}
	return found
}

// child returns a field or item of a node, and the node with its line.
func child(node *yaml.Node, step string) (value, at *yaml.Node) {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node == nil {
		return nil, nil
	}
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1], node.Content[i]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i]
		}
	}
	return nil, nil
}

// errorf makes the error of a place.
func (l lines) errorf(at []string, format string, args ...any) error {
	return &Error{File: l.file, Line: l.line(at...), At: strings.Join(at, " "), What: fmt.Sprintf(format, args...)}
}

// under appends to a copy of a place.
func under(at []string, steps ...string) []string { return append(slices.Clone(at), steps...) }
