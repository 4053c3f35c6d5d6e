package contract

import (
	"cmp"
	"maps"
	"mime"
	"slices"
	"strings"
)

// plain rewrites shapes of a document as those that subset.yaml describes: what OpenAPI 3.1 writes otherwise, keywords that
// restrict values and not their form, and ways around a limit of OpenAPI 3.0, such as an allOf that makes a reference null.
func (c *Contract) plain() {
	each(obj(c.tree["components"])["schemas"], c.plainSchema)
	for _, item := range obj(c.tree["paths"]) {
		each(obj(item)["parameters"], c.plainPart)
		for _, op := range obj(item) {
			each(obj(op)["parameters"], c.plainPart)
			each(obj(op)["responses"], c.plainPart)
			c.plainPart(obj(op)["requestBody"])
		}
	}
}

// plainPart rewrites a parameter, a body or an answer. What it refers to takes its place.
func (c *Contract) plainPart(part any) {
	node := obj(part)
	if target := c.resolve(node); target != nil && node["$ref"] != nil {
		delete(node, "$ref")
		maps.Copy(node, obj(clone(target)))
	}
	if plainContent(node); node["in"] != nil {
		delete(node, "examples")
	}
	for _, media := range obj(node["content"]) {
		c.plainSchema(obj(media)["schema"])
	}
	schema := obj(node["schema"])
	if c.plainSchema(schema); schema != nil && node["x-json-string"] != nil {
		schema["x-json-string"] = node["x-json-string"]
	}
}

// each calls do for what is in a map or a list.
func each(of any, do func(any)) {
	for _, inner := range obj(of) {
		do(inner)
	}
	for _, inner := range list(of) {
		do(inner)
	}
}

// plainContent leaves JSON, under its plain name, of several media types. */* is what frameworks write for JSON.
func plainContent(of object) {
	content := obj(of["content"])
	for _, name := range keys(content) {
		media, _, err := mime.ParseMediaType(name)
		if err == nil && (media == "application/json" || media == "*/*" || strings.HasSuffix(media, "+json")) {
			chosen := content[name]
			if exact, has := content["application/json"]; has {
				chosen = exact
			}
			of["content"] = object{"application/json": chosen}
			return
		}
	}
}

// known are the keywords of OpenAPI 3.0's schemas; unknown ones that say nothing of a value's form are left out.
var known = []string{
	"type", "format", "title", "description", "default", "example", "enum", "nullable", "readOnly", "writeOnly", "deprecated",
	"allOf", "oneOf", "anyOf", "not", "items", "properties", "additionalProperties", "required", "discriminator",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
	"uniqueItems", "minProperties", "maxProperties", "$ref", "patternProperties", "prefixItems",
}

func (c *Contract) plainSchema(v any) {
	s := obj(v)
	if s == nil {
		return
	}
	for name, inner := range obj(s["properties"]) {
		if inner == true { // 3.1's way to write any value
			obj(s["properties"])[name] = object{}
		}
		c.plainSchema(inner)
	}
	for _, key := range []string{"items", "additionalProperties", "not"} {
		c.plainSchema(s[key])
	}
	for _, key := range []string{"allOf", "oneOf", "anyOf", "prefixItems"} {
		each(s[key], c.plainSchema)
	}
	plainTypes(s)
	plainChoice(s)
	delete(s, "x-enum-texts") // see nameEnum
	maps.DeleteFunc(s, func(key string, _ any) bool { return !slices.Contains(known, key) && !strings.HasPrefix(key, "x-") })
	plainReference(s)
	c.plainAllOf(s)
}

// plainTypes writes type lists, const, examples and limits as OpenAPI 3.0 does, and null in an enum as nullable.
func plainTypes(s object) {
	if types := list(s["type"]); types != nil {
		rest := slices.DeleteFunc(slices.Clone(types), func(t any) bool { return t == "null" })
		if len(rest) < len(types) {
			s["nullable"] = true
		}
		switch len(rest) {
		case 0:
			delete(s, "type")
		case 1:
			s["type"] = rest[0]
		}
	}
	if s["type"] == "null" {
		delete(s, "type")
		s["nullable"] = true
	}
	if value, has := s["const"]; has {
		if s["enum"] == nil && (s["type"] == "string" || s["type"] == "integer" || s["type"] == nil && str(value) != "") {
			s["type"], s["enum"] = cmp.Or(str(s["type"]), "string"), []any{value}
		}
	}
	if values := list(s["enum"]); slices.Contains(values, nil) {
		s["nullable"], s["enum"] = true, slices.DeleteFunc(slices.Clone(values), func(v any) bool { return v == nil })
		if len(values) == 1 {
			delete(s, "enum")
		}
	}
	if s["enum"] != nil && s["type"] == nil {
		s["type"] = "string"
		if num(list(s["enum"])[0]) != "" {
			s["type"] = "integer"
		}
	}
	if examples := list(s["examples"]); len(examples) > 0 && s["example"] == nil {
		s["example"] = examples[0]
	}
	for exclusive, limit := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if n := num(s[exclusive]); n != "" {
			s[limit], s[exclusive] = n, true
		}
	}
}

// plainChoice writes a choice between one schema and null, or of one schema, as an allOf.
func plainChoice(s object) {
	for _, key := range []string{"oneOf", "anyOf"} {
		choice := list(s[key])
		rest := slices.DeleteFunc(slices.Clone(choice), func(part any) bool {
			return obj(part)["type"] == nil && is(obj(part)["nullable"]) && len(obj(part)) == 1
		})
		if len(choice) == 0 || len(rest) != 1 || s["allOf"] != nil {
			continue
		}
		delete(s, key)
		delete(s, "discriminator")
		s["allOf"] = rest
		if len(rest) < len(choice) {
			s["nullable"] = true
		}
	}
}

// plainReference keeps what stands beside a reference, which OpenAPI 3.0 ignores: a description, and whether it may be null.
func plainReference(s object) {
	if s["$ref"] == nil || s["x-json-string"] != nil {
		return
	}
	beside := object{}
	for _, key := range []string{"description", "deprecated", "nullable", "readOnly", "writeOnly", "example"} {
		if value, has := s[key]; has {
			beside[key] = value
		}
	}
	maps.DeleteFunc(s, func(key string, _ any) bool { return key != "$ref" && !strings.HasPrefix(key, "x-") })
	if len(beside) > 0 {
		s["allOf"] = []any{object{"$ref": s["$ref"]}}
		delete(s, "$ref")
		maps.Copy(s, beside)
	}
}

// plainAllOf moves parts that have no form of their own into the whole, and joins parts that are no objects.
func (c *Contract) plainAllOf(s object) {
	var rest []any
	for _, part := range list(s["allOf"]) {
		p := obj(part)
		form := slices.ContainsFunc(keys(p), func(key string) bool {
			return slices.Contains([]string{"$ref", "properties", "additionalProperties", "allOf", "items", "enum", "oneOf", "anyOf", "not", "format"}, key)
		})
		if form || p == nil || p["type"] != nil && p["type"] != "object" && s["type"] == nil {
			rest = append(rest, part)
			continue
		}
		for key, value := range p {
			switch {
			case key == "required":
				s[key] = append(slices.Clone(list(s[key])), list(value)...)
			case key == "nullable" || s[key] == nil && key != "type":
				s[key] = value
			}
		}
	}
	if list(s["allOf"]) == nil {
		return
	}
	if s["allOf"] = rest; len(rest) == 0 {
		delete(s, "allOf")
		if s["type"] == nil && s["required"] != nil {
			s["type"] = "object"
		}
		return
	}
	if len(rest) == 1 && obj(rest[0])["$ref"] != nil || slices.ContainsFunc(rest, func(part any) bool { return c.kind(part) == "object" || c.kind(part) == "" }) {
		return
	}
	delete(s, "allOf")
	for _, part := range rest {
		for key, value := range c.resolve(part) {
			if s[key] == nil {
				s[key] = value
			}
		}
	}
}
