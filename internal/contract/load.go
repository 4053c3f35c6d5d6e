package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Parse reads a contract; name is its file's in errors. It refuses references to other files, and fetches nothing. A changed
// text, such as one with an overlay, is read instead, with the lines of the first.
func Parse(name string, content []byte, changed ...[]byte) (c *Contract, err error) {
	// The contract may be anything: what a library makes of it must not look like our fault.
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *Error: // of refuse
			c, err = nil, p
		default:
			c, err = nil, &Error{File: name, Line: 1, What: fmt.Sprintf("the contract's reader failed: %v", p)}
		}
	}()
	c = &Contract{}
	c.lines, c.tree = parse(name, content)
	for _, text := range changed {
		_, c.tree = parse(name, text)
	}
	for _, step := range []func(){c.plain, c.references, c.inSubset, c.finite, c.read, c.name} {
		step()
	}
	return c, c.load()
}

// load makes Doc of the schemas.
func (c *Contract) load() error {
	schemas := within(within(c.tree, "components"), "schemas")
	const of = "types..of." // which is no component's, and no type's, of an operation
	for _, o := range c.Operations {
		schemas[of+o.ID] = object{"type": "object", "properties": o.types}
	}
	info, servers := obj(c.tree["info"]), []object{}
	for _, server := range list(c.tree["servers"]) {
		servers = append(servers, object{"url": obj(server)["url"], "description": str(obj(server)["description"])})
	}
	raw, err := json.Marshal(object{
		"openapi": "3.0.3", "info": object{"title": info["title"], "version": info["version"]}, "servers": servers,
		"paths": object{}, "components": object{"schemas": schemas},
	})
	if err != nil {
		return c.Locate(err)
	}
	if c.Doc, err = openapi3.NewLoader().LoadFromData(raw); err != nil {
		return c.Locate(err)
	}
	if err := c.Doc.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation()); err != nil {
		return c.Locate(err)
	}
	for i := range c.Operations {
		o := &c.Operations[i]
		o.Types = c.Doc.Components.Schemas[of+o.ID].Value.Properties
		delete(c.Doc.Components.Schemas, of+o.ID)
		delete(schemas, of+o.ID)
	}
	for _, schema := range c.Doc.Components.Schemas { // whole numbers, which a library would round
		schema.Value.Enum = append(schema.Value.Enum, list(schema.Value.Extensions["x-enum-texts"])...)
	}
	return nil
}

// references refuses references that lead nowhere, out of the file, or back to themselves.
func (c *Contract) references() {
	var visit func(node any, at []string)
	visit = func(node any, at []string) {
		ref := str(obj(node)["$ref"])
		if ref == "#/components/headers/RequestId" && len(at) > 0 {
			c.RequestIDHeader = at[len(at)-1]
		}
		if ref != "" && c.resolve(node) == nil {
			_, found := c.component(ref)
			switch {
			case found:
				c.refuse(under(at, "$ref"), "the reference leads back to itself")
			case !strings.HasPrefix(ref, "#/components/") || strings.Count(ref, "/") != 3:
				c.refuse(under(at, "$ref"), "the reference %q is not one to a component of this file: copy what it names into components", ref)
			}
			c.refuse(under(at, "$ref"), "there is no %s", ref)
		}
		for _, key := range keys(obj(node)) {
			if key != "example" {
				visit(obj(node)[key], under(at, key))
			}
		}
		for i, item := range list(node) {
			visit(item, under(at, strconv.Itoa(i)))
		}
	}
	if c.tree["swagger"] == nil { // its references are others, and subset.yaml refuses it
		visit(c.tree, nil)
	}
}

// finite refuses infinite types: recursive through required fields or allOf. A list or a map of itself ends with an empty one.
func (c *Contract) finite() {
	const looking, done = 1, 2
	state := map[string]int{}
	schemas := obj(obj(c.tree["components"])["schemas"])
	var visit func(name string)
	var within func(schema any)
	within = func(schema any) {
		s := obj(schema)
		if ref := str(s["$ref"]); ref != "" {
			visit(unescape(strings.TrimPrefix(ref, schemaPrefix)))
			return
		}
		each(s["allOf"], within)
		for _, name := range texts(s["required"]) {
			if property := obj(s["properties"])[name]; !c.flag(property, "nullable") {
				within(property)
			}
		}
	}
	visit = func(name string) {
		switch state[name] {
		case looking:
			c.refuse([]string{"components", "schemas", name}, "an object of it would hold another without end: make a field of the circle optional or nullable")
		case 0:
			state[name] = looking
			within(schemas[name])
			state[name] = done
		}
	}
	for _, name := range keys(schemas) {
		visit(name)
	}
}
