package contract

import (
	"cmp"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed subset.yaml
var subsetText []byte

// subset is subset.yaml, and what it says of its parts.
var subset = sync.OnceValues(func() (*jsonschema.Schema, object) {
	_, tree, err := parse("subset.yaml", subsetText)
	if err != nil {
		panic(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("subset.yaml", tree); err != nil {
		panic(err)
	}
	return compiler.MustCompile("subset.yaml"), tree
})

// fault is where a contract leaves the subset.
type fault struct {
	at   []string
	line int
	what string
}

// inSubset refuses what a contract may not hold. Of several faults it names the first in the file.
func (c *Contract) inSubset() error {
	schema, said := subset()
	failed := (*jsonschema.ValidationError)(nil)
	if err := schema.Validate(c.tree); err == nil {
		return nil
	} else if !errors.As(err, &failed) {
		return c.lines.errorf(nil, "%v", err)
	}
	faults := c.faults(failed, said)
	first := slices.MinFunc(faults, func(a, b fault) int {
		return cmp.Or(a.line-b.line, len(b.at)-len(a.at), slices.Compare(a.at, b.at), strings.Compare(a.what, b.what))
	})
	return c.lines.errorf(first.at, "%s", first.what)
}

// faults lists the ends of a tree of errors.
func (c *Contract) faults(e *jsonschema.ValidationError, said object) (all []fault) {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf: // alternatives are one fault
	default:
		for _, cause := range e.Causes {
			all = append(all, c.faults(cause, said)...)
		}
		if all != nil {
			return all
		}
	}
	at := e.InstanceLocation
	if k, is := e.ErrorKind.(*kind.AdditionalProperties); is {
		at = under(at, slices.Min(k.Properties))
	}
	what := sayingOf(said, e.SchemaURL)
	if what == "" {
		what = e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
	}
	if k, is := e.ErrorKind.(*kind.Required); is {
		what += " (missing: " + strings.Join(k.Missing, ", ") + ")"
	}
	return []fault{{at, c.lines.line(at...), what}}
}

// sayingOf returns what subset.yaml says of a part of its own, or of the nearest around it.
func sayingOf(said object, url string) (what string) {
	_, pointer, _ := strings.Cut(url, "#")
	var node any = said
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if items := list(node); items != nil {
			i, _ := strconv.Atoi(step)
			node = items[i]
		} else {
			node = obj(node)[unescape(step)]
		}
		if text := str(obj(node)["x-say"]); text != "" {
			what = text
		}
	}
	return what
}
