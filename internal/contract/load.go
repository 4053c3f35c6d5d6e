package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Change changes a contract's text before it is read. Package overlay has one that applies an overlay.
type Change func(content []byte) ([]byte, error)

// Load reads a contract from a file. It refuses references to other files, and fetches nothing.
func Load(file string, change Change) (*Contract, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return read(file, content, change)
}

// Parse is Load for a contract in memory. name is the file's name in errors.
func Parse(name string, content []byte) (*Contract, error) { return read(name, content, nil) }

func read(file string, content []byte, change Change) (c *Contract, err error) {
	// The contract may be anything: a panic of a library must not look like our fault.
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, &Error{File: file, Line: 1, What: fmt.Sprintf("the contract's reader failed: %v", p)}
		}
	}()
	c = &Contract{}
	if c.lines, c.tree, err = parse(file, content); err != nil {
		return nil, err
	}
	if change != nil {
		if content, err = change(content); err != nil {
			return nil, err
		}
		if _, c.tree, err = parse(file, content); err != nil {
			return nil, err
		}
	}
	if err := c.references(); err != nil {
		return nil, err
	}
	c.plain()
	for _, step := range []func() error{c.inSubset, c.finite, c.read, c.name, c.load} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// load makes Doc of the schemas.
func (c *Contract) load() error {
	schemas := within(within(c.tree, "components"), "schemas")
	const of = "types..of." // which is no component's, and no type's, of an operation
	for _, o := range c.Operations {
		schemas[of+o.ID] = object{"type": "object", "properties": o.types}
	}
	raw, err := json.Marshal(object{"openapi": "3.0.3", "info": c.tree["info"], "servers": c.tree["servers"], "paths": object{}, "components": object{"schemas": schemas}})
	if err != nil {
		return c.Locate(err)
	}
	if c.Doc, err = openapi3.NewLoader().LoadFromData(raw); err != nil {
		return c.Locate(err)
	}
	if err := c.Doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
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
func (c *Contract) references() error {
	var visit func(node any, at []string) error
	visit = func(node any, at []string) error {
		for _, key := range keys(obj(node)) {
			value := obj(node)[key]
			if ref, text := value.(string); text && key == "$ref" {
				if what := c.badReference(ref); what != "" {
					return c.lines.errorf(under(at, key), "%s", what)
				}
			}
			if key == "example" {
				continue
			}
			if err := visit(value, under(at, key)); err != nil {
				return err
			}
		}
		for i, item := range list(node) {
			if err := visit(item, under(at, strconv.Itoa(i))); err != nil {
				return err
			}
		}
		return nil
	}
	if c.tree["swagger"] != nil { // its references are others, and subset.yaml refuses it
		return nil
	}
	return visit(c.tree, nil)
}

// badReference returns the fault of a reference. It follows references to references.
func (c *Contract) badReference(ref string) string {
	for range maxDepth {
		rest, ok := strings.CutPrefix(ref, "#/components/")
		_, name, pair := strings.Cut(rest, "/")
		if !ok || !pair || strings.Contains(name, "/") {
			return "the reference " + strconv.Quote(ref) + " is not one to a component of this file: copy what it names into components"
		}
		component, found := c.component(ref)
		if !found {
			return "there is no " + ref
		}
		if ref = str(obj(component)["$ref"]); ref == "" {
			return ""
		}
	}
	return "the reference leads back to itself"
}

// finite refuses infinite types: recursive through required fields or allOf. A list or a map of itself ends with an empty
// one.
func (c *Contract) finite() error {
	const looking, done = 1, 2
	state := map[string]int{}
	var visit func(name string) string // the recursive component
	var within func(schema any) string
	within = func(schema any) string {
		if ref := str(obj(schema)["$ref"]); ref != "" {
			return visit(unescape(strings.TrimPrefix(ref, schemaPrefix)))
		}
		for _, part := range list(obj(schema)["allOf"]) {
			if bad := within(part); bad != "" {
				return bad
			}
		}
		for _, name := range texts(obj(schema)["required"]) {
			if property, found := obj(obj(schema)["properties"])[name]; found && !c.flag(property, "nullable") {
				if bad := within(property); bad != "" {
					return bad
				}
			}
		}
		return ""
	}
	schemas := obj(obj(c.tree["components"])["schemas"])
	visit = func(name string) string {
		switch state[name] {
		case looking:
			return name
		case done:
			return ""
		}
		state[name] = looking
		if bad := within(schemas[name]); bad != "" {
			return bad
		}
		state[name] = done
		return ""
	}
	for _, name := range keys(schemas) {
		if bad := visit(name); bad != "" {
			return c.lines.errorf([]string{"components", "schemas", bad}, "an object of it would hold another without end: make a field of the circle optional or nullable")
		}
	}
	return nil
}
