package contract

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// This project's extensions of an operation.
const (
	repeatExtension     = "x-repeat"
	permissionExtension = "x-permission"
	appTypeExtension    = "x-app-type"
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
	if kind, ok := op.Extensions[appTypeExtension]; ok && kind != "internal" && kind != "any" {
		return o, c.lines.errorf(under(at, appTypeExtension), "%v is neither internal nor any", kind)
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

// text returns an extension's value, which must be one line of printable text.
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

// repeat reports whether an operation is safe to repeat.
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

// server finds an operation's own base URL, or one for each server of the contract.
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

// paging reads x-paging, and checks it against the operation.
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
