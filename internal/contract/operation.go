package contract

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// The fields of an operation that are this project's own.
const (
	repeatExtension     = "x-repeat"
	permissionExtension = "x-permission"
	pagingExtension     = "x-paging"
	successExtension    = "x-success"
)

// operations returns the contract's operations by name.
func (c *Contract) operations() ([]Operation, error) {
	var ops []Operation
	for path, item := range c.Doc.Paths.Map() {
		for method, op := range item.Operations() {
			o, err := c.operation(path, method, item, op)
			if err != nil {
				return nil, err
			}
			ops = append(ops, o)
		}
	}
	slices.SortFunc(ops, func(a, b Operation) int { return cmp.Compare(a.ID, b.ID) })
	return ops, nil
}

func (c *Contract) operation(path, method string, item *openapi3.PathItem, op *openapi3.Operation) (o Operation, err error) {
	at := []string{"paths", path, strings.ToLower(method)}
	o = Operation{
		ID: op.OperationID, Method: method, Path: path,
		Summary: op.Summary, Description: op.Description, Spec: op, at: at,
	}
	if op.ExternalDocs != nil {
		o.Docs = op.ExternalDocs.URL
	}
	if o.Permission, err = c.text(op.Extensions, permissionExtension, at); err != nil {
		return o, err
	}
	if o.Safe, err = c.repeat(method, op, at); err != nil {
		return o, err
	}
	security := c.Doc.Security
	if op.Security != nil {
		security = *op.Security
	}
	o.Public, o.TokenQuery = len(security) == 0, c.tokenQuery(security)
	if !o.Public && c.TokenHeader == "" && o.TokenQuery == "" {
		return o, c.lines.errorf(at, "it needs a security scheme, of which the contract has none in components securitySchemes")
	}
	if err := c.server(&o, item, op); err != nil {
		return o, err
	}
	for _, refs := range []openapi3.Parameters{item.Parameters, op.Parameters} {
		for _, ref := range refs {
			o.Parameters = slices.DeleteFunc(o.Parameters, func(p *openapi3.Parameter) bool { return p.Name == ref.Value.Name && p.In == ref.Value.In })
			o.Parameters = append(o.Parameters, ref.Value)
		}
	}
	if err := c.success(&o); err != nil {
		return o, err
	}
	if err := c.successFields(&o); err != nil {
		return o, err
	}
	if rows, ok := op.Extensions[codesExtension]; ok {
		if o.Codes, err = c.readCodes(rows, under(at, codesExtension), c.Codes); err != nil {
			return o, err
		}
	}
	return o, c.paging(&o)
}

// text is an extension that is one line of printable text.
func (c *Contract) text(extensions map[string]any, name string, at []string) (string, error) {
	value, ok := extensions[name]
	if !ok {
		return "", nil
	}
	text, ok := value.(string)
	if !ok || text == "" || strings.ContainsFunc(text, isNotPrint) {
		return "", c.lines.errorf(under(at, name), "it is not one line of printable text")
	}
	return text, nil
}

// repeat says whether a call may be repeated although the service may have processed it.
func (c *Contract) repeat(method string, op *openapi3.Operation, at []string) (bool, error) {
	switch value, ok := op.Extensions[repeatExtension]; {
	case !ok:
		return method == "GET", nil
	case value == "safe":
		return true, nil
	case value == "unsent":
		return false, nil
	default:
		return false, c.lines.errorf(under(at, repeatExtension), "%v is neither safe nor unsent", value)
	}
}

// server finds the base URL of an operation that has one of its own, or one for each of the contract's servers.
func (c *Contract) server(o *Operation, item *openapi3.PathItem, op *openapi3.Operation) error {
	servers, place := item.Servers, under(o.at[:2], "servers")
	if op.Servers != nil {
		servers, place = *op.Servers, under(o.at, "servers")
	}
	if len(servers) > 1 && len(servers) != len(c.Doc.Servers) {
		return c.lines.errorf(place, "an operation has one server of its own at most, or one for each of the contract's")
	}
	for i, server := range servers {
		base, err := url.Parse(server.URL)
		if err != nil || base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" || len(server.Variables) > 0 || strings.ContainsAny(server.URL, "{}") {
			return c.lines.errorf(place, "%q is not an https URL without user, query and variables", server.URL)
		}
		own := strings.TrimRight(server.URL, "/")
		if i == 0 {
			o.Server = own
		}
		if first, err := url.Parse(o.Server); err != nil || first.EscapedPath() != strings.TrimRight(base.EscapedPath(), "/") {
			return c.lines.errorf(place, "the servers of an operation have one path")
		}
		if len(servers) > 1 {
			o.Regions = append(o.Regions, Region{Of: strings.TrimRight(c.Doc.Servers[i].URL, "/"), Server: own})
		}
	}
	return nil
}

// success finds the one answer that is a success, and what it must hold.
func (c *Contract) success(o *Operation) error {
	at := under(o.at, "responses")
	var found *openapi3.Response
	for status, ref := range o.Spec.Responses.Map() {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		code, err := strconv.Atoi(status)
		if err != nil || len(status) != 3 || code == 206 {
			return c.lines.errorf(under(at, status), "a success has one status, such as 200")
		}
		if found != nil {
			return c.lines.errorf(under(at, status), "an operation has one answer that is a success, here are two")
		}
		found, o.Status = ref.Value, code
	}
	if found == nil {
		return c.lines.errorf(at, "no answer is a success")
	}
	if len(found.Content) == 0 {
		o.Empty = true
		return nil
	}
	place := under(at, strconv.Itoa(o.Status), "content")
	media, err := c.json(found.Content, place)
	if err != nil {
		return err
	}
	if o.Status == 204 || o.Status == 205 {
		return c.lines.errorf(place, "an answer %d has no body", o.Status)
	}
	o.Answer = media.Schema
	for _, name := range requiredFields(media.Schema.Value) {
		if !slices.Contains(o.Required, name) {
			o.Required = append(o.Required, name)
		}
	}
	return nil
}

// successFields are what tells a success from an answer that says with the same status and schema that it is none, as those
// of the legacy API do.
func (c *Contract) successFields(o *Operation) error {
	value, ok := o.Spec.Extensions[successExtension]
	if !ok {
		return nil
	}
	at := under(o.at, successExtension)
	names, ok := value.([]any)
	if !ok || o.Answer == nil {
		return c.lines.errorf(at, "it is not a list of fields of the answer")
	}
	for _, item := range names {
		name, _ := item.(string)
		if field(o.Answer.Value, name) == nil {
			return c.lines.errorf(at, "%v is no field of the answer", item)
		}
		if !slices.Contains(o.Required, name) {
			o.Required = append(o.Required, name)
		}
	}
	return nil
}

// json is the one media type of a body.
func (c *Contract) json(content openapi3.Content, at []string) (*openapi3.MediaType, error) {
	for name, media := range content {
		if len(content) > 1 || name != "application/json" {
			return nil, c.lines.errorf(under(at, name), "a body is application/json and nothing else")
		}
		if media == nil || media.Schema == nil {
			return nil, c.lines.errorf(under(at, name), "the body has no schema")
		}
		return media, nil
	}
	return nil, nil
}

// requiredFields are those of an object that must be there and not empty. A field that may be null need not be.
func requiredFields(schema *openapi3.Schema) (names []string) {
	for _, part := range schema.AllOf {
		names = append(names, requiredFields(part.Value)...)
	}
	for _, name := range schema.Required {
		if property := field(schema, name); property != nil && !property.Value.Nullable {
			names = append(names, name)
		}
	}
	return names
}

// field finds a property, in the parts of an allOf too.
func field(schema *openapi3.Schema, name string) *openapi3.SchemaRef {
	if property := schema.Properties[name]; property != nil {
		return property
	}
	for _, part := range schema.AllOf {
		if property := field(part.Value, name); property != nil {
			return property
		}
	}
	return nil
}

// paging reads how pages are asked for and handed out, and holds it against the operation.
func (c *Contract) paging(o *Operation) error {
	value, ok := o.Spec.Extensions[pagingExtension]
	if !ok {
		return nil
	}
	at := under(o.at, pagingExtension)
	raw, err := json.Marshal(value)
	if err != nil {
		return c.lines.errorf(at, "%v", err)
	}
	p := &Paging{}
	if err := decodeStrict(raw, p); err != nil {
		return c.lines.errorf(at, "%v", err)
	}
	if p.In == "" || p.Out == "" || p.Items == "" {
		return c.lines.errorf(at, "in, out and items are needed: what takes a page's token, what holds the next one, what holds the items")
	}
	var in *openapi3.SchemaRef
	for _, parameter := range o.Parameters {
		if parameter.In == openapi3.ParameterInQuery && parameter.Name == p.In {
			in = parameter.Schema
		}
	}
	if body := o.Spec.RequestBody; in == nil && body != nil {
		if media := body.Value.Content["application/json"]; media != nil && media.Schema != nil {
			in, p.Body = field(media.Schema.Value, p.In), true
		}
	}
	if in == nil {
		return c.lines.errorf(under(at, "in"), "%s is neither a query parameter nor a field of the body", p.In)
	}
	if o.Answer == nil {
		return c.lines.errorf(at, "the answer has no body")
	}
	for _, f := range []struct{ key, name, kind string }{{"out", p.Out, kindOf(in.Value)}, {"more", p.More, "boolean"}, {"items", p.Items, "array"}} {
		if f.name == "" {
			continue
		}
		property := field(o.Answer.Value, f.name)
		if property == nil {
			return c.lines.errorf(under(at, f.key), "%s is no field of the answer", f.name)
		}
		if kindOf(property.Value) != f.kind {
			return c.lines.errorf(under(at, f.key), "%s is not of type %s", f.name, f.kind)
		}
	}
	if kind := kindOf(in.Value); kind != "string" && kind != "integer" || len(in.Value.Enum) > 0 {
		return c.lines.errorf(under(at, "in"), "%s is neither a string nor an integer", p.In)
	}
	o.Paging = p
	return nil
}
