// Package contract reads an OpenAPI contract with this project's extensions. It refuses unsupported parts by name and
// line, and says what to do instead; subset.yaml lists the supported ones.
package contract

import (
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Contract is a contract that was read and checked.
type Contract struct {
	// Doc has the schemas, for the generator of the models: every inline object and every field that needs one has a name in Go.
	Doc *openapi3.T
	// Operations are sorted by name.
	Operations []Operation
	// Codes is the catalogue shared by all operations; it may be empty.
	Codes []generated.ErrorCode
	// Kinds are the rows of x-error-kinds, which say to people what a kind of error means and what to do; they may be empty.
	Kinds []any
	// Translated are the Chinese descriptions of codes; they may be empty.
	Translated []Translation
	// Limits are the service's limits, by their names in x-limits; nil if the contract has none.
	Limits map[string]any
	// TokenHeader is the request header of the access token; empty if the contract names none.
	TokenHeader string
	// RequestIDHeader is the response header of the component RequestId; empty: none.
	RequestIDHeader string

	lines       lines
	tree        object
	queryTokens map[string]string   // query parameters of the token, by security scheme
	described   int                 // fields of the operation that is being read
	places      map[string][]string // where the schema of a component is written
	flagged     []object            // fields with readOnly or writeOnly, perhaps
}

// Operation is an operation with what its method and its types are made of.
type Operation struct {
	generated.Route
	Description string
	Deprecated  bool
	// Types are schemas of Doc: "path NAME" and "form NAME" are arguments, "params" has the other parameters, and there are
	// "body", "answer", and "item" of a page.
	Types openapi3.Schemas

	tree, body, answer object   // schemas of the body and of a success
	item               object   // of the path
	specs              []object // of Parameters
	types              object
	at                 []string
}

// Title is the contract's title and version.
func (c *Contract) Title() string { return oneLine(c.Doc.Info.Title + " " + c.Doc.Info.Version) }

// Routes are the operations as data, for the emulator and the command.
func (c *Contract) Routes() (all []generated.Route) {
	for _, o := range c.Operations {
		all = append(all, o.Route)
	}
	return all
}

// refuse ends the reading with the error of a place.
func (c *Contract) refuse(at []string, format string, args ...any) {
	panic(c.lines.errorf(at, format, args...))
}

func (c *Contract) component(ref string) (any, bool) {
	section, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	components := obj(obj(c.tree["components"])[section])
	if component, found := components[unescape(name)]; found {
		return component, true
	}
	component, found := components[allowed(unescape(name))]
	return component, found
}

// resolve follows the references of a part of the tree; nil: they lead nowhere.
func (c *Contract) resolve(v any) object {
	for range maxDepth {
		ref := str(obj(v)["$ref"])
		if ref == "" {
			return obj(v)
		}
		v, _ = c.component(ref)
	}
	return nil
}

// kind returns a schema's type, which an object may omit; empty: any.
func (c *Contract) kind(v any) string {
	for range maxDepth {
		s := c.resolve(v)
		parts := list(s["allOf"])
		switch t := str(s["type"]); {
		case t != "":
			return t
		case s["properties"] != nil || s["additionalProperties"] != nil:
			return "object"
		case len(parts) == 0:
			return ""
		}
		v = parts[0]
	}
	return ""
}

// fields returns an object's properties, those of the parts of an allOf included, and which of them are required.
func (c *Contract) fields(schema any) (properties object, required []string) {
	s := c.resolve(schema)
	properties = object{}
	for _, part := range list(s["allOf"]) {
		inner, names := c.fields(part)
		for name, property := range inner {
			properties[name] = property
		}
		required = append(required, names...)
	}
	for name, property := range obj(s["properties"]) {
		properties[name] = property
	}
	return properties, append(required, texts(s["required"])...)
}

// flag returns whether a schema, or one that it names, has a keyword such as nullable.
func (c *Contract) flag(v any, keyword string) bool {
	for range maxDepth {
		if is(obj(v)[keyword]) {
			return true
		}
		switch parts := list(obj(v)["allOf"]); {
		case obj(v)["$ref"] != nil:
			v, _ = c.component(str(obj(v)["$ref"]))
		case len(parts) == 1:
			v = parts[0]
		default:
			return false
		}
	}
	return false
}

const schemaPrefix = "#/components/schemas/"

// field finds a property of an object, or object.field within it; nil: it has none.
func (c *Contract) field(schema any, name string) any {
	properties, _ := c.fields(schema)
	outer, inner, nested := strings.Cut(name, ".")
	if property := properties[name]; property != nil || !nested || properties[outer] == nil {
		return property
	}
	return c.field(properties[outer], inner)
}

// Translation is a description of an error code, and the same in Chinese.
type Translation struct{ Text, Chinese string }
