package contract

import (
	"cmp"
	"encoding/json"
	"maps"
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
			o.Parameters, o.specs = append(o.Parameters, c.parameter(spec)), append(o.specs, spec)
		}
	}
	for _, m := range inBraces.FindAllStringSubmatch(o.Path, -1) {
		if !slices.ContainsFunc(o.Parameters, func(p generated.Field) bool { return p.In == "path" && p.Name == m[1] }) {
			c.refuse(o.at, "the path's {%s} is no parameter: describe it, in: path", m[1])
		}
	}
}

func (c *Contract) parameter(spec object) generated.Field {
	f := c.fieldOf(spec["schema"], 0)
	f.Name, f.In, f.Description = str(spec["name"]), str(spec["in"]), oneLine(str(spec["description"]))
	f.Required = is(spec["required"]) || f.In == "path"
	f.Explode = f.List && f.In == "query" && spec["explode"] != false
	if example, has := spec["example"]; has {
		f.Example = exampleText(example)
	}
	return f
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

// formOf reads a body of multipart/form-data. Its fields are arguments of the method: the generator of the models has no part
// in it.
func (c *Contract) formOf(o *Operation, schema object, required bool) {
	at := under(o.at, "requestBody", "content", "multipart/form-data", "schema")
	o.Body, o.Content = generated.BodyRequired, &generated.Field{Type: "form", Required: true}
	properties, must := c.fields(schema)
	files := 0
	for _, name := range keys(properties) {
		property := c.resolve(properties[name])
		f := c.fieldOf(property, 0)
		f.Name, f.Required = name, slices.Contains(must, name)
		switch {
		case f.Type == "string" && str(property["format"]) == "binary" && !f.List:
			f.Type = "file"
			files++
		case f.List || !slices.Contains([]string{"string", "integer", "number", "boolean"}, f.Type) || property["enum"] != nil:
			c.refuse(under(at, "properties", name), "a field of multipart/form-data is a file (a string of format binary), a string, integer, number or boolean: make it a string with JSON")
		}
		o.Content.Fields = append(o.Content.Fields, f)
		o.types["form "+name] = clone(property)
	}
	if files == 0 || !required {
		c.refuse(at, "multipart/form-data is for required bodies with a file, a string of format binary: send other bodies as application/json")
	}
}

// An operation's description is at most this deep, and about this large: components may hold themselves and each other.
const maxFields, maxDescribed = 6, 2000

// fieldOf describes a schema for a request.
func (c *Contract) fieldOf(schema any, depth int) generated.Field {
	s := c.resolve(schema)
	if parts := list(s["allOf"]); len(parts) == 1 && s["properties"] == nil && s["required"] == nil {
		f := c.fieldOf(parts[0], depth)
		f.Nullable, f.ReadOnly = f.Nullable || is(s["nullable"]), f.ReadOnly || is(s["readOnly"])
		return f
	}
	f := generated.Field{Type: c.kind(s), Nullable: is(s["nullable"]), ReadOnly: is(s["readOnly"]), Example: exampleText(s["example"])}
	if f.Type == "array" {
		if depth > maxFields { // a list of itself
			return f
		}
		item := c.fieldOf(s["items"], depth+1)
		if item.List {
			item.Type, item.Fields = "array", nil
		}
		item.Nullable, item.ReadOnly, item.List, item.MinItems, item.MaxItems = f.Nullable, f.ReadOnly, true, count(s["minItems"]), count(s["maxItems"])
		if f.Example != "" {
			item.Example = f.Example
		}
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

// exampleText returns an example as a reader of a list of fields would write it.
func exampleText(value any) string {
	if text, is := value.(string); is || value == nil {
		return cut(oneLine(text))
	}
	return cut(jsonText(value))
}

// cut shortens an example: nobody reads more of it, and 3,270 operations have many.
func cut(text string) string {
	const most = 100
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// jsonText is a part of a tree as JSON, without the escapes for HTML.
func jsonText(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a tree has no value that cannot be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// example finds the body of a success: the contract's own, or one made from its schema.
func (c *Contract) example(o *Operation, media object, at []string) {
	value, has := media["example"]
	for _, name := range keys(obj(media["examples"])) {
		if inner, is := c.resolve(obj(media["examples"])[name])["value"]; is && !has {
			value, has = inner, true
		}
	}
	if o.Synthetic = !has; !has {
		c.described = 0
		value = c.madeUp(o.answer, 0)
	}
	for _, name := range o.Required {
		if fields := obj(value); fields != nil && (fields[name] == nil || fields[name] == "") {
			c.refuse(at, "the example's %s is empty, so that it is no success: give an example with it", name)
		}
	}
	o.Example = jsonText(value)
}

// madeUp makes a value of a schema: its example, or the simplest value with every field.
func (c *Contract) madeUp(schema any, depth int) any {
	s := c.resolve(schema)
	for _, key := range []string{"example", "default"} {
		if value, has := s[key]; has && c.holds(s, value) {
			if text, is := value.(string); is && s["minLength"] == nil {
				return cut(text)
			}
			return value
		}
	}
	if values := list(s["enum"]); len(values) > 0 {
		return values[0]
	}
	const deep = 8 // limits recursive types
	switch c.kind(s) {
	case "string":
		return madeUpText(s)
	case "integer", "number":
		if least := num(s["minimum"]); least != "" && least[0] != '-' && least != "0" {
			return least
		}
		if most := num(s["maximum"]); most != "" && (most[0] == '-' || most == "0") {
			return most
		}
		return 1
	case "boolean":
		return true
	case "array":
		if depth > deep {
			return []any{}
		}
		items := []any{c.madeUp(s["items"], depth+1)}
		for len(items) < min(count(s["minItems"]), 16) {
			items = append(items, items[0])
		}
		return items
	}
	value := object{}
	properties, required := c.fields(s)
	for _, name := range keys(properties) {
		switch must := slices.Contains(required, name); {
		case c.flag(properties[name], "writeOnly"), !must && (depth > 3 || c.described > maxDescribed): // ends a recursive type
		case depth > 3 && c.flag(properties[name], "nullable"):
			value[name] = nil
		default:
			c.described++
			value[name] = c.madeUp(properties[name], depth+1)
		}
	}
	if inner := obj(s["additionalProperties"]); inner != nil && depth <= deep {
		value["key"] = c.madeUp(inner, depth+1)
	}
	return value
}

// holds reports whether an example has its schema's type. Exported contracts have others.
func (c *Contract) holds(schema object, value any) bool {
	kind, is := c.kind(schema), ""
	switch v := value.(type) {
	case string:
		is = "string"
	case json.Number:
		if is = "number"; !strings.ContainsAny(string(v), ".eE") && kind == "integer" {
			is = kind
		}
	case bool:
		is = "boolean"
	case []any:
		is = "array"
	case object:
		is = "object"
	}
	return is != "" && (kind == "" || kind == is)
}

var formats = map[string]string{"date": "2024-01-31", "date-time": "2024-01-31T08:00:00Z", "byte": "dGV4dA==", "uuid": "30ee8654-1aa2-4d88-8248-9518547248aa"}

func madeUpText(s object) string {
	text := cmp.Or(formats[str(s["format"])], "text")
	text += strings.Repeat("x", max(0, min(count(s["minLength"]), 1<<10)-len(text)))
	if s["maxLength"] != nil {
		text = text[:min(len(text), count(s["maxLength"]))]
	}
	return text
}
