package contract

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// name makes every inline object and enum a named component, so that each has a Go type, and gives names to what has none in
// Go. It comes after the operations were read: it changes the schemas for the generator of the models alone.
func (c *Contract) name() {
	schemas := within(within(c.tree, "components"), "schemas")
	c.places = map[string][]string{}
	for _, name := range keys(schemas) {
		c.places[allowed(name)] = []string{"components", "schemas", name}
		if allowed(name) != name {
			schemas[allowed(name)] = schemas[name]
			delete(schemas, name)
		}
	}
	for _, name := range keys(schemas) {
		c.forGo(obj(schemas[name]), name, c.places[name])
	}
	for i := range c.Operations {
		c.nameTypes(&c.Operations[i])
	}
	for _, property := range c.flagged { // now that no other schema is held to them
		delete(property, "readOnly")
		delete(property, "writeOnly")
	}
}

// nameTypes names the types of what an operation takes and gives. Its parameters, but for those of the path, are an object.
func (c *Contract) nameTypes(o *Operation) {
	base := upperFirst(o.ID)
	params, required, at := object{}, []any{}, under(o.at, "parameters")
	for i, spec := range o.specs {
		name, schema := str(spec["name"]), obj(clone(spec["schema"]))
		if o.Parameters[i].In == "path" {
			delete(schema, "x-json-string") // its text is given
			o.types["path "+name] = schema
			continue
		}
		if params[name] != nil {
			c.refuse(at, "the parameters %q of the query and %q of the header have one name in Go: call the operation with client.Do", name, name)
		}
		delete(schema, "nullable")
		for _, key := range []string{"x-go-name", "description", "deprecated"} {
			if spec[key] != nil {
				schema[key] = spec[key]
			}
		}
		if plainReference(schema); o.Parameters[i].Required {
			required = append(required, name)
		}
		params[name] = schema
	}
	if len(params) > 0 {
		o.types["params"] = object{"type": "object", "description": "has the parameters of " + o.ID + ".", "properties": params, "required": required}
	}
	for _, key := range keys(o.types) {
		_, own, _ := strings.Cut(key, " ")
		name, place := base+"Params"+upperFirst(ASCII(own)), at
		switch key {
		case "params":
			name = base + "Params"
		case "body":
			name, place = base+"RequestBody", under(o.at, "requestBody", "content", "application/json", "schema")
		case "answer":
			name, place = base+"ResponseBody", under(o.at, "responses", itoa(o.Status), "content", "application/json", "schema")
		}
		c.hoist(obj(o.types[key]), name, place)
	}
	if o.Paging != nil {
		o.types["item"] = obj(c.resolve(c.field(o.answer, o.Paging.Items)))["items"]
	}
}

// hoist makes an inline schema a component if Go needs a type for it.
func (c *Contract) hoist(s object, name string, at []string) {
	parts := list(s["allOf"])
	wraps := len(parts) == 1 && obj(parts[0])["$ref"] != nil && s["properties"] == nil && s["required"] == nil && s["additionalProperties"] == nil
	if wraps || s["$ref"] != nil || s["properties"] == nil && parts == nil && s["enum"] == nil {
		c.forGo(s, name, at)
		return
	}
	schemas := obj(obj(c.tree["components"])["schemas"])
	if schemas[name] != nil {
		c.refuse(at, "the type of this inline schema would be called %s, as a component is: make it a component of its own", name)
	}
	inner := maps.Clone(s)
	delete(inner, "x-go-name")
	schemas[name], c.places[name] = inner, at
	replace(s, "x-go-name")["$ref"] = schemaPrefix + name
	c.forGo(inner, name, at)
}

// forGo changes a schema, and what is inside it, as Go has it.
func (c *Contract) forGo(s object, name string, at []string) {
	if ref := str(s["$ref"]); ref != "" {
		s["$ref"] = schemaPrefix + allowed(unescape(strings.TrimPrefix(ref, schemaPrefix)))
	}
	if s == nil || s["$ref"] != nil {
		return
	}
	c.nameEnum(s, at)
	var required []any
	properties, _ := c.fields(s)
	for _, name := range texts(s["required"]) {
		if property, has := properties[name]; has && !c.flag(property, "readOnly") && !slices.Contains(required, any(name)) {
			required = append(required, name)
		}
	}
	if delete(s, "required"); required != nil {
		s["required"] = required
	}
	for _, field := range keys(obj(s["properties"])) {
		property := obj(obj(s["properties"])[field])
		c.property(property, name, field, !slices.Contains(required, any(field)), under(at, "properties", field))
	}
	c.parts(s, name, at)
	c.hoist(obj(s["items"]), name+"Item", under(at, "items"))
	c.hoist(obj(s["additionalProperties"]), name+"Value", under(at, "additionalProperties"))
}

// property changes a field of an object.
func (c *Contract) property(p object, owner, name string, optional bool, at []string) {
	if p["x-go-name"] == nil && ASCII(name) != name {
		p["x-go-name"] = upperFirst(ASCII(name))
	}
	if p["x-json-string"] != nil { // any value
		replace(p, "description", "x-go-name", "deprecated")
	}
	c.hoist(p, owner+upperFirst(ASCII(name)), at)
	if optional && c.flag(p, "nullable") {
		p["x-oapi-codegen-extra-tags"] = map[string]any{"nullable": "true"} // see generator.finish
	}
	kind := c.kind(p)
	fields, _ := c.fields(p)
	if kind == "array" || kind == "object" && len(fields) == 0 { // nil is absent, an empty one is sent
		p["x-go-type-skip-optional-pointer"], p["x-omitempty"], p["x-omitzero"] = true, false, optional
	}
	c.flagged = append(c.flagged, p)
}

// parts changes the parts of an allOf, whose fields become fields of the whole.
func (c *Contract) parts(s object, name string, at []string) {
	taken := map[string]any{}
	for i, part := range list(s["allOf"]) {
		place := under(at, "allOf", itoa(i))
		inner, _ := c.fields(part)
		for _, name := range keys(inner) {
			if other := taken[name]; other != nil && c.form(other) != c.form(inner[name]) {
				c.refuse(place, "the field %s is %s here, and %s in an earlier part of the allOf: give it one type, or write the object out", name, c.form(inner[name]), c.form(other))
			}
			taken[name] = inner[name]
		}
		c.forGo(obj(part), name, place)
	}
}

// Collisions refuses types, fields and values of an enum that have one name in Go, by the rule that the generator of the models has.
func (c *Contract) Collisions(goName func(string) string) (err error) {
	take := func(taken map[string]string, at []string, kind, name, in string) {
		this := fmt.Sprintf("the %s %q", kind, name)
		if other, is := taken[in]; is && err == nil {
			with := map[string]string{"value": "name all with x-enum-varnames"}[kind]
			err = c.lines.errorf(at, "%s and %s have one name in Go, %s: %s", other, this, Decode(in), cmp.Or(with, "give one of them another with x-go-name"))
		}
		taken[in] = this
	}
	schemas := obj(obj(c.tree["components"])["schemas"])
	types := map[string]string{"Client": "Client of every package", "New": "New of every package", "Routes": "Routes of every package"}
	for _, name := range keys(schemas) {
		schema, at := obj(schemas[name]), c.places[name]
		typ := goName(cmp.Or(str(schema["x-go-name"]), name))
		take(types, at, "type", name, typ)
		for i, value := range texts(schema["x-enum-texts"]) {
			take(types, under(at, "enum"), "value", value, typ+cmp.Or(goName(texts(schema["x-enum-varnames"])[i]), "Empty"))
		}
		properties, _ := c.fields(schema)
		fields := map[string]string{}
		if len(properties) > 0 && (obj(schema["additionalProperties"]) != nil || is(schema["additionalProperties"])) {
			fields["AdditionalProperties"] = "what holds the fields without a name"
		}
		for _, field := range keys(properties) {
			take(fields, at, "field", field, goName(cmp.Or(str(obj(properties[field])["x-go-name"]), field)))
		}
	}
	return err
}

// form names a schema's type: its component, or its kind and format.
func (c *Contract) form(schema any) string {
	if ref := str(obj(schema)["$ref"]); ref != "" {
		return strings.TrimPrefix(ref, schemaPrefix)
	}
	return strings.TrimSpace(cmp.Or(c.kind(schema), "any value") + " " + str(obj(schema)["format"]))
}

// replace leaves only some keywords of a schema.
func replace(s object, left ...string) object {
	maps.DeleteFunc(s, func(key string, _ any) bool { return !slices.Contains(left, key) })
	return s
}

// nameEnum names the values of an enum in Go, and moves them to where a library cannot round them.
func (c *Contract) nameEnum(s object, at []string) {
	if s["enum"] == nil || s["$ref"] != nil {
		return
	}
	var values, names []string
	for _, value := range list(s["enum"]) {
		if text := fmt.Sprint(value); !slices.Contains(values, text) {
			values = append(values, text)
		}
	}
	given := texts(s["x-enum-varnames"])
	if given != nil && len(given) != len(values) {
		c.refuse(under(at, "x-enum-varnames"), "it has %d names for %d values", len(given), len(values))
	}
	for i, value := range values {
		if names = append(names, ASCII(value)); given != nil {
			names[i] = given[i]
		}
	}
	s["x-enum-texts"], s["x-enum-varnames"] = values, names
	delete(s, "enum")
}
