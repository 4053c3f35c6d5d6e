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
	_, tree := parse("subset.yaml", subsetText)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("subset.yaml", tree); err != nil {
		panic(err)
	}
	return compiler.MustCompile("subset.yaml"), tree
})

// inSubset refuses what a contract may not hold. Of several faults it names the first in the file.
func (c *Contract) inSubset() {
	schema, said := subset()
	failed := (*jsonschema.ValidationError)(nil)
	if err := schema.Validate(c.tree); err == nil {
		return
	} else if !errors.As(err, &failed) {
		c.refuse(nil, "%v", err)
	}
	panic(slices.MinFunc(c.faults(failed, said), func(a, b *Error) int {
		return cmp.Or(a.Line-b.Line, strings.Count(b.At, " ")-strings.Count(a.At, " "), strings.Compare(a.At, b.At), strings.Compare(a.What, b.What))
	}))
}

// faults lists the ends of a tree of errors.
func (c *Contract) faults(e *jsonschema.ValidationError, said object) (all []*Error) {
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
	what := cmp.Or(sayingOf(said, e.SchemaURL), e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		at = under(at, slices.Min(k.Properties))
	case *kind.Required:
		what += " (missing: " + strings.Join(k.Missing, ", ") + ")"
	}
	return []*Error{c.lines.errorf(at, "%s", what)}
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
