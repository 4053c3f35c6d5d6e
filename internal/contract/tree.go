package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

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

// maxDepth limits a contract's nesting, because the libraries recurse.
const maxDepth = 100

type object = map[string]any

// lines maps places of a YAML or JSON file to lines.
type lines struct {
	file string
	root *yaml.Node
}

// parse reads a YAML or JSON text. It panics with an [Error].
func parse(file string, content []byte) (l lines, tree object) {
	l = lines{file: file}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		panic(&Error{File: file, Line: yamlErrorLine(err), What: err.Error()})
	}
	if len(doc.Content) > 0 {
		l.root = doc.Content[0]
	}
	if l.root == nil || l.root.Kind != yaml.MappingNode {
		panic(&Error{File: file, Line: 1, What: "it is not a YAML map"})
	}
	return l, obj(l.value(l.root, 0))
}

var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// value converts a node to what JSON has, with numbers as they are written.
func (l lines) value(node *yaml.Node, depth int) any {
	refuse := func(node *yaml.Node, what string) { panic(&Error{File: l.file, Line: node.Line, What: what}) }
	if depth > maxDepth {
		refuse(node, fmt.Sprintf("it nests more than %d levels", maxDepth))
	}
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		refuse(node, "YAML anchors are not carried: write the part out, or make it a component")
	}
	switch tag := node.ShortTag(); {
	case node.Kind == yaml.MappingNode:
		tree := object{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				refuse(key, "a key is not plain text")
			}
			if _, twice := tree[key.Value]; twice {
				refuse(key, "the key "+strconv.Quote(key.Value)+" stands twice in one map")
			}
			tree[key.Value] = l.value(node.Content[i+1], depth+1)
		}
		return tree
	case node.Kind == yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			list[i] = l.value(item, depth+1)
		}
		return list
	case tag == "!!null":
		return nil
	case tag == "!!bool":
		return strings.EqualFold(node.Value, "true")
	case tag != "!!int" && tag != "!!float":
		return node.Value
	case !number.MatchString(node.Value):
		refuse(node, node.Value+" is not a number as JSON has it: write it as one, or in quotes")
	}
	return json.Number(node.Value)
}

var errorLine = regexp.MustCompile(`line ([0-9]{1,9})`)

// yamlErrorLine parses the line from the parser's error text, its only source.
func yamlErrorLine(err error) int {
	if found := errorLine.FindStringSubmatch(err.Error()); found != nil {
		n, _ := strconv.Atoi(found[1])
		return max(n, 1)
	}
	return 1
}

// child returns a field or item of a node, and the node with its line.
func child(node *yaml.Node, step string) (value, at *yaml.Node) {
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

// errorf makes the error of a place, with the line of the nearest around it that is in the file: an overlay may add places.
func (l lines) errorf(at []string, format string, args ...any) *Error {
	line, node, steps := 1, l.root, slices.Clone(at)
	for i, step := range at {
		next, key := child(node, step)
		if next == nil {
			break
		}
		node, line = next, key.Line
		if name, _ := child(node, "name"); name != nil && i > 0 && at[i-1] == "parameters" { // a number says little
			steps[i] = name.Value
		}
	}
	return &Error{File: l.file, Line: line, At: strings.Join(steps, " "), What: fmt.Sprintf(format, args...)}
}

// under appends to a copy of a place.
func under(at []string, steps ...string) []string { return append(slices.Clone(at), steps...) }

// Values of a tree; what has another type is empty.
func obj(v any) object          { o, _ := v.(object); return o }
func list(v any) []any          { l, _ := v.([]any); return l }
func str(v any) string          { s, _ := v.(string); return s }
func is(v any) bool             { b, _ := v.(bool); return b }
func count(v any) int           { n, _ := strconv.Atoi(string(num(v))); return n }
func num(v any) (n json.Number) { n, _ = v.(json.Number); return n }

// within returns a map of a map, which it makes if it is not there.
func within(o object, key string) object {
	if obj(o[key]) == nil {
		o[key] = object{}
	}
	return obj(o[key])
}

// clone copies a part of a tree.
func clone(v any) (copied any) {
	decoder := json.NewDecoder(strings.NewReader(jsonText(v)))
	decoder.UseNumber()
	_ = decoder.Decode(&copied) // what was encoded
	return copied
}

// jsonText is a part of a tree as JSON, without the escapes for HTML.
func jsonText(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a tree has no value that cannot be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

func texts(v any) (all []string) {
	all, _ = v.([]string)
	for _, item := range list(v) {
		all = append(all, str(item))
	}
	return all
}

func keys(m object) []string { return slices.Sorted(maps.Keys(m)) }

// oneLine returns the first paragraph of a text as one line of printable text.
func oneLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	return strings.Join(strings.Fields(Printable(strings.ReplaceAll(first, "\n", " "))), " ")
}

// Printable drops characters that would break a comment.
func Printable(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, line))
}

func itoa(i int) string { return strconv.Itoa(i) }

// unescape decodes a step of a reference.
func unescape(step string) string {
	if plain, err := url.PathUnescape(step); err == nil {
		step = plain
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}
