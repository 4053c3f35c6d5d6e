package contract

import (
	"cmp"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

var inBraces = regexp.MustCompile(`\{([^{}]*)\}`)

// parameters reads the parameters of an operation and of its path. An operation's takes the place of the path's.
func (c *Contract) parameters(o *Operation) {
	for _, level := range []struct {
		list any
		at   []string
	}{{o.item["parameters"], o.at[:2]}, {o.tree["parameters"], o.at}} {
		for i, p := range list(level.list) {
			spec, at := obj(p), under(level.at, "parameters", itoa(i))
			name, in := str(spec["name"]), str(spec["in"])
			switch {
			case in == "query" && slices.ContainsFunc(slices.Collect(maps.Values(c.queryTokens)), func(token string) bool { return strings.EqualFold(token, name) }):
				c.refuse(at, "parameter %s: it carries the access token, which a security scheme says: leave it out", name)
			case in == "path" && !strings.Contains(o.Path, "{"+name+"}"):
				c.refuse(at, "parameter %s: the path %s has no {%s}", name, o.Path, name)
			}
			if i := slices.IndexFunc(o.Parameters, func(p generated.Field) bool { return p.Name == name && p.In == in }); i >= 0 {
				o.Parameters, o.specs = slices.Delete(o.Parameters, i, i+1), slices.Delete(o.specs, i, i+1)
			}
			o.Parameters, o.specs = append(o.Parameters, c.parameter(spec, at)), append(o.specs, spec)
		}
	}
	for _, m := range inBraces.FindAllStringSubmatch(o.Path, -1) {
		if !slices.ContainsFunc(o.Parameters, func(p generated.Field) bool { return p.In == "path" && p.Name == m[1] }) {
			c.refuse(o.at, "the path's {%s} is no parameter: describe it, in: path", m[1])
		}
	}
}

func (c *Contract) parameter(spec object, at []string) generated.Field {
	f := c.fieldOf(spec["schema"], 0)
	c.plainText(f, spec["schema"], under(at, "schema"))
	f.Name, f.In, f.Description = str(spec["name"]), str(spec["in"]), oneLine(str(spec["description"]))
	f.Required = is(spec["required"]) || f.In == "path"
	f.Explode = f.List && f.In == "query" && spec["explode"] != false
	if example, has := spec["example"]; has {
		f.Example = exampleText(example)
	}
	return f
}

// plainText refuses what is no text, number or boolean, and no list of them, where a request has texts.
func (c *Contract) plainText(f generated.Field, schema any, at []string) {
	s := c.resolve(schema)
	if f.List {
		s = c.resolve(s["items"])
	}
	if !f.JSON && !slices.Contains([]string{"string", "integer", "number", "boolean"}, f.Type) {
		c.refuse(at, "it is neither a string, integer, number or boolean nor an array of them: make it a string, with x-json-string if it holds JSON")
	} else if format := str(s["format"]); format == "byte" || format == "binary" {
		c.refuse(at, "its format is not carried: make it a string without format, and encode the bytes yourself")
	}
}

// body reads the description of an operation's body.
func (c *Contract) body(o *Operation) {
	body := obj(o.tree["requestBody"])
	content := obj(body["content"])
	if form := obj(content["multipart/form-data"]); form != nil {
		c.formOf(o, c.resolve(form["schema"]), is(body["required"]))
		return
	}
	if o.body = obj(obj(content["application/json"])["schema"]); o.body == nil {
		return
	}
	o.types["body"] = o.body
	c.described = 0
	o.Body = generated.BodyOptional
	if is(body["required"]) {
		o.Body = generated.BodyRequired
	}
	f := c.fieldOf(o.body, 0)
	f.Required = o.Body == generated.BodyRequired
	o.Content = &f
}

// formOf reads a body of multipart/form-data. Its fields are arguments of the method: the generator of the models has no part in it.
func (c *Contract) formOf(o *Operation, schema object, required bool) {
	at := under(o.at, "requestBody", "content", "multipart/form-data", "schema")
	o.Body, o.Content = generated.BodyRequired, &generated.Field{Type: "form", Required: true}
	properties, must := c.fields(schema)
	files := 0
	for _, name := range keys(properties) {
		property := c.resolve(properties[name])
		f := c.fieldOf(property, 0)
		f.Name, f.Required = name, slices.Contains(must, name)
		if f.Type == "string" && str(property["format"]) == "binary" && !f.List {
			f.Type = "file"
			files++
		} else if c.plainText(f, property, under(at, "properties", name)); f.List {
			c.refuse(under(at, "properties", name), "a field of multipart/form-data has one value or file: make it a string with JSON")
		}
		o.Content.Fields = append(o.Content.Fields, f)
		o.types["form "+name] = clone(properties[name])
	}
	if files == 0 || !required {
		c.refuse(at, "multipart/form-data is for required bodies with a file, a string of format binary: send other bodies as application/json")
	}
}

// formats are examples of the formats that a string has.
var formats = map[string]string{"date": "2024-01-31", "date-time": "2024-01-31T08:00:00Z", "byte": "dGV4dA==", "uuid": "30ee8654-1aa2-4d88-8248-9518547248aa"}

// An operation's description is at most this deep, and about this large: components may hold themselves and each other.
const maxFields, maxDescribed = 6, 2000

// fieldOf describes a schema for a request.
func (c *Contract) fieldOf(schema any, depth int) generated.Field {
	s := c.resolve(schema)
	if parts := list(s["allOf"]); len(parts) == 1 && s["properties"] == nil && s["required"] == nil {
		f := c.fieldOf(parts[0], depth)
		f.Nullable, f.ReadOnly, f.Example = f.Nullable || is(s["nullable"]), f.ReadOnly || is(s["readOnly"]), cmp.Or(exampleText(s["example"]), f.Example)
		return f
	}
	f := generated.Field{Type: c.kind(s), Nullable: is(s["nullable"]), ReadOnly: is(s["readOnly"])}
	for _, value := range append([]any{s["example"], s["default"]}, list(s["enum"])...) {
		f.Example = cmp.Or(f.Example, exampleText(value))
	}
	f.Example = cmp.Or(f.Example, formats[str(s["format"])])
	if f.Type == "array" {
		if depth > maxFields { // a list of itself
			return f
		}
		item := c.fieldOf(s["items"], depth+1)
		if item.List {
			item.Type, item.Fields = "array", nil
		}
		item.Nullable, item.ReadOnly, item.List, item.MinItems, item.MaxItems = f.Nullable, f.ReadOnly, true, count(s["minItems"]), count(s["maxItems"])
		if properties, _ := c.fields(s["items"]); len(properties) > 0 && len(item.Fields) == 0 { // it is too deep
			item.Example = "[]"
		}
		item.Example = cmp.Or(f.Example, item.Example)
		return item
	}
	if jsonString := obj(s["x-json-string"]); jsonString != nil {
		f.JSON, f.MaxBytes = true, count(jsonString["maxBytes"])
		return f
	}
	f.MinLength, f.MaxLength, f.Minimum, f.Maximum = count(s["minLength"]), count(s["maxLength"]), string(num(s["minimum"])), string(num(s["maximum"]))
	if f.Type != "object" || depth >= maxFields || c.described > maxDescribed {
		return f
	}
	properties, required := c.fields(s)
	c.described += len(properties)
	for _, name := range keys(properties) {
		inner := c.fieldOf(properties[name], depth+1)
		inner.Name, inner.Required = name, slices.Contains(required, name) && !inner.ReadOnly
		f.Fields = append(f.Fields, inner)
	}
	return f
}

// exampleText returns an example as a reader of a list of fields would write it: nobody reads more than 100 characters.
func exampleText(value any) string {
	text, is := value.(string)
	if text = oneLine(text); !is && value != nil {
		text = jsonText(value)
	}
	runes := []rune(text)
	return string(runes[:min(len(runes), 100)])
}

// example finds the body of a success: the contract's own, or one made from its schema.
func (c *Contract) example(o *Operation, media object, at []string) {
	value, has := media["example"]
	for _, name := range keys(obj(media["examples"])) {
		if inner, is := c.resolve(obj(media["examples"])[name])["value"]; is && !has {
			value, has = inner, true
		}
	}
	success := obj(o.tree["x-success"])
	if o.Synthetic = !has; !has {
		c.described = 0
		value = madeUp(c.fieldOf(o.answer, 0), 0)
	}
	for _, name := range append(keys(success), o.Required...) {
		want, isSaid := success[name]
		fields, inner := inside(value, name)
		switch got := fields[inner]; {
		case fields == nil: // a list
		case isSaid && !has:
			fields[inner] = want
		case got == nil || got == "":
			c.refuse(at, "the example's %s is empty, so that it is no success: give an example with it", name)
		case isSaid && !strings.EqualFold(jsonText(got), jsonText(want)):
			c.refuse(at, "the example's %s is %s, so that it is no success: give an example of one", name, jsonText(got))
		}
	}
	o.Example = jsonText(value)
}

// inside finds the object that has a field, or for object.field the one within it.
func inside(value any, name string) (object, string) {
	outer, inner, nested := strings.Cut(name, ".")
	if fields := obj(value); !nested || fields[name] != nil {
		return fields, name
	}
	return inside(obj(value)[outer], inner)
}

// madeUp makes a value of a field: its example, or the simplest value with every field.
func madeUp(f generated.Field, depth int) any {
	if value := exampleOf(f); value != nil {
		return value
	}
	switch {
	case f.List:
		f.List = false
		return slices.Repeat([]any{madeUp(f, depth+1)}, max(1, min(f.MinItems, 16)))
	case f.Type == "string":
		text := "text" + strings.Repeat("x", max(0, min(f.MinLength, 1<<10)-len("text")))
		return text[:min(len(text), cmp.Or(f.MaxLength, len(text)))]
	case f.Type == "boolean":
		return true
	case f.Type == "array":
		return []any{}
	case f.Type == "integer" || f.Type == "number":
		if f.Minimum != "" && f.Minimum[0] != '-' && f.Minimum != "0" {
			return json.Number(f.Minimum)
		}
		if f.Maximum != "" && (f.Maximum[0] == '-' || f.Maximum == "0") {
			return json.Number(f.Maximum)
		}
		return 1
	}
	value := object{}
	for _, inner := range f.Fields {
		if inner.Required || depth <= 3 {
			value[inner.Name] = madeUp(inner, depth+1)
		}
	}
	return value
}

// exampleOf is the value of a field's example; nil: it has none, or one of another type, as exported contracts do.
func exampleOf(f generated.Field) any {
	kind, into := f.Type, map[string]any{"boolean": new(bool), "integer": new(json.Number), "number": new(json.Number), "object": new(object), "array": new([]any)}
	if f.List {
		kind = "array"
	}
	decoder := json.NewDecoder(strings.NewReader(f.Example))
	decoder.UseNumber()
	switch {
	case f.Example == "" || f.Example == "null" || kind == "integer" && strings.ContainsAny(f.Example, ".eE"):
		return nil
	case kind == "string":
		return f.Example
	case into[kind] == nil || decoder.Decode(into[kind]) != nil:
		return nil
	}
	return reflect.ValueOf(into[kind]).Elem().Interface()
}
