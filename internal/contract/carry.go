package contract

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// Carried lists what a contract may hold. Everything else is refused, with its line.
const Carried = `OpenAPI 3.0, in one file, with references to its own components; no YAML anchors.
Operations: GET, POST, PUT, PATCH and DELETE, each with an operationId.
Paths: whole segments are parameters, as in /users/{userId}.
Parameters: in path, query and header; a string, integer, number or boolean, with or without enum, or an array of them
  (exploded or not in a query, joined by commas elsewhere); required or optional. Not: cookies, objects, other styles,
  content, the headers that every request has (the token, Content-Type, User-Agent, ...).
Bodies: application/json, required, optional or none; not on GET.
Answers: one status 2xx that is the success, with a JSON object, array, map, string, integer, number or boolean, or without
  a body. Every other answer is an error of the common shape.
Schemas: objects, nested and recursive, nullable fields, additionalProperties, allOf, arrays, maps, free-form values,
  enums of strings or integers (open: other values are kept). Not: oneOf, anyOf, not, files, an object that
  requires itself, extensions that put Go code into the output (x-go-name is fine).
Servers: one https URL of its own for an operation or a path, or one for each of the contract's servers, in their order.
Tokens: an apiKey in a header; an apiKey in a query for operations whose security names it.
Extensions: x-repeat (safe or unsent), x-permission, x-app-type (internal or any),
  x-paging (in, out, more, items), x-error-codes, x-go-name,
  x-success (fields that a success has although its schema does not require them),
  x-json-string (maxBytes; on a string of a body's own: JSON in a string, which takes a value in Go).
`

// checkNodes refuses structures that would make a library recurse for ever.
func checkNodes(l lines) error {
	components, _ := child(l.root, "components")
	var visit func(node *yaml.Node, depth int) error
	visit = func(node *yaml.Node, depth int) error {
		fail := func(node *yaml.Node, what string) error { return &Error{File: l.file, Line: node.Line, What: what} }
		if depth > maxDepth {
			return fail(node, "it nests more than "+strconv.Itoa(maxDepth)+" levels")
		}
		if node.Kind == yaml.AliasNode || node.Anchor != "" {
			return fail(node, "YAML anchors are not carried")
		}
		for i, inner := range node.Content {
			if node.Kind == yaml.MappingNode && i%2 == 0 {
				if inner.Kind != yaml.ScalarNode || inner.Tag == "!!merge" {
					return fail(inner, "a key is not plain text")
				}
				if inner.Value == "$ref" {
					if problem := checkRef(components, node.Content[i+1]); problem != "" {
						return fail(inner, problem)
					}
				}
				continue
			}
			if err := visit(inner, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return visit(l.root, 0)
}

// checkRef returns the fault of a reference. It follows references to references.
func checkRef(components, ref *yaml.Node) string {
	for range maxDepth {
		rest, ok := strings.CutPrefix(ref.Value, "#/components/")
		section, name, pair := strings.Cut(rest, "/")
		if ref.Kind != yaml.ScalarNode || !ok || !pair || strings.Contains(name, "/") {
			return "the reference " + strconv.Quote(ref.Value) + " is not one to a component of this file"
		}
		group, _ := child(components, section)
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		component, _ := child(group, name)
		if component == nil {
			return "there is no " + ref.Value
		}
		next, _ := child(component, "$ref")
		if next == nil {
			return ""
		}
		ref = next
	}
	return "the reference leads back to itself"
}

// carries refuses unsupported parts of a contract.
func (c *Contract) carries() error {
	doc := c.Doc
	if !strings.HasPrefix(doc.OpenAPI, "3.0.") {
		return c.lines.errorf([]string{"openapi"}, "%q is not OpenAPI 3.0", doc.OpenAPI)
	}
	if doc.Paths == nil || doc.Paths.Len() == 0 {
		return c.lines.errorf([]string{"paths"}, "the contract has no operation")
	}
	if doc.Components == nil {
		doc.Components = &openapi3.Components{}
	}
	if doc.Components.Schemas == nil {
		doc.Components.Schemas = openapi3.Schemas{}
	}
	for _, name := range sortedKeys(doc.Components.Schemas) {
		if err := c.carriesSchema(doc.Components.Schemas[name], []string{"components", "schemas", name}, 0); err != nil {
			return err
		}
	}
	if err := c.finite(); err != nil {
		return err
	}
	ids := map[string]bool{}
	for _, path := range sortedKeys(doc.Paths.Map()) {
		item := doc.Paths.Value(path)
		at := []string{"paths", path}
		if item == nil || item.Ref != "" {
			return c.lines.errorf(at, "it is empty or a reference")
		}
		if what := checkPath(path); what != "" {
			return c.lines.errorf(at, "%s", what)
		}
		if err := c.carriesParameters(item.Parameters, under(at, "parameters")); err != nil {
			return err
		}
		operations := item.Operations()
		for _, method := range sortedKeys(operations) {
			place, id := under(at, strings.ToLower(method)), operations[method].OperationID
			if ids[id] && id != "" {
				return c.lines.errorf(under(place, "operationId"), "another operation is called %s", id)
			}
			ids[id] = true
			if err := c.carriesOperation(method, operations[method], place); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPath returns the fault of a path. A parameter must be a whole segment: then its value can neither end the segment
// nor change another.
func checkPath(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "a path begins with a slash"
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		name, isParameter := strings.CutPrefix(segment, "{")
		if isParameter {
			segment = strings.TrimSuffix(name, "}")
		}
		switch {
		case segment == "" || segment == "." || segment == "..":
			return "a segment of the path is empty or made of dots"
		case isParameter && !strings.HasSuffix(name, "}"), strings.ContainsAny(segment, "{}"):
			return "a parameter is a whole segment of the path"
		case strings.ContainsFunc(segment, func(r rune) bool { return !pathRune(r) }):
			return "a segment of the path has a character that would be escaped"
		}
	}
	return ""
}

func pathRune(r rune) bool {
	return r == '-' || r == '_' || r == '.' || r == '~' || r == '@' || r == ':' || r == '$' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// operationName reports whether name is a valid operationId.
func operationName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !nameRune(r) }) && letter(rune(name[0]))
}

func (c *Contract) carriesOperation(method string, op *openapi3.Operation, at []string) error {
	if !slices.Contains(methods, method) {
		return c.lines.errorf(at, "the method is none of %s", strings.Join(methods, ", "))
	}
	if !operationName(op.OperationID) {
		return c.lines.errorf(under(at, "operationId"), "an operationId is letters, digits, - and _, and begins with a letter")
	}
	if len(op.Callbacks) > 0 {
		return c.lines.errorf(under(at, "callbacks"), "callbacks are not carried")
	}
	if err := c.carriesParameters(op.Parameters, under(at, "parameters")); err != nil {
		return err
	}
	if op.RequestBody != nil && op.RequestBody.Value != nil {
		place := under(at, "requestBody")
		if method == http.MethodGet {
			return c.lines.errorf(place, "a GET has no body")
		}
		media, err := c.json(op.RequestBody.Value.Content, under(place, "content"))
		if err != nil {
			return err
		}
		if media == nil {
			return c.lines.errorf(place, "the body has no schema")
		}
		if err := c.carriesSchema(media.Schema, under(place, "content", "application/json", "schema"), 0); err != nil {
			return err
		}
	}
	if op.Responses == nil || op.Responses.Len() == 0 {
		return c.lines.errorf(at, "it has no responses")
	}
	for _, status := range sortedKeys(op.Responses.Map()) {
		response := op.Responses.Value(status).Value
		for name, media := range response.Content {
			if media != nil && media.Schema != nil {
				if err := c.carriesSchema(media.Schema, under(at, "responses", status, "content", name, "schema"), 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ownHeaders lists the headers set by the client or net/http on every request.
var ownHeaders = []string{
	"accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie",
	"expect", "host", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
}

func (c *Contract) carriesParameters(parameters openapi3.Parameters, list []string) error {
	for i, ref := range parameters {
		p, at := ref.Value, under(list, strconv.Itoa(i))
		fail := func(what string) error { return c.lines.errorf(at, "parameter %s: %s", p.Name, what) }
		if p.Schema == nil || p.Schema.Value == nil {
			return fail("it has no schema")
		}
		schema := p.Schema.Value
		explode := p.In == openapi3.ParameterInQuery
		style := openapi3.SerializationSimple
		switch p.In {
		case openapi3.ParameterInPath:
		case openapi3.ParameterInQuery:
			style = openapi3.SerializationForm
			if p.Explode != nil {
				explode = *p.Explode
			}
			if c.carriesToken(openapi3.ParameterInQuery, p.Name) {
				return fail("it carries the access token, which a security scheme says")
			}
		case openapi3.ParameterInHeader:
			if slices.Contains(ownHeaders, strings.ToLower(p.Name)) || c.carriesToken(openapi3.ParameterInHeader, p.Name) {
				return fail("every request has this header already")
			}
			if strings.ContainsFunc(p.Name, func(r rune) bool { return !nameRune(r) }) {
				return fail("a header's name is letters, digits, - and _")
			}
		default:
			return fail("it is in neither path, query nor header")
		}
		if p.Name == "" || strings.ContainsFunc(p.Name, isNotPrint) || strings.ContainsAny(p.Name, "{}/\"`\\ ") {
			return fail("its name has a character that is not carried")
		}
		if p.Style != "" && p.Style != style || p.AllowReserved || p.Explode != nil && *p.Explode && !explode {
			return fail("its style is not " + style)
		}
		item := p.Schema
		if kindOf(schema) == "array" {
			item = schema.Items
		}
		if item == nil || item.Value == nil || !scalar(item.Value) {
			return fail("it is neither a string, integer, number or boolean nor an array of them")
		}
		if item.Value.Format == "byte" || item.Value.Format == "json" {
			return fail("its format is not carried")
		}
		if err := c.carriesSchema(p.Schema, under(at, "schema"), 0); err != nil {
			return err
		}
	}
	return nil
}

// carriesToken reports whether a security scheme sends the token in this place. The schemes may still be invalid.
func (c *Contract) carriesToken(in, name string) bool {
	if c.Doc.Components == nil {
		return false
	}
	for _, scheme := range c.Doc.Components.SecuritySchemes {
		if scheme.Value != nil && scheme.Value.In == in && strings.EqualFold(scheme.Value.Name, name) {
			return true
		}
	}
	return false
}
