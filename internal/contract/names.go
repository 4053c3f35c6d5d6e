package contract

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// name makes every inline object and enum of a body a named component, so each has a Go type, and gives names to what
// has none in Go. It comes after the operations were read: it changes the schemas for the generator of the models alone.
func (c *Contract) name() error {
	components := obj(c.tree["components"])
	if components == nil {
		components = object{}
		c.tree["components"] = components
	}
	c.places = map[string][]string{}
	for _, section := range []string{"responses", "headers", "examples", "links"} { // of which the operations keep nothing
		delete(components, section)
	}
	schemas := obj(components["schemas"])
	if schemas == nil {
		schemas = object{}
		components["schemas"] = schemas
	}
	for _, name := range keys(schemas) {
		if err := c.nameInside(obj(schemas[name]), name, []string{"components", "schemas", name}); err != nil {
			return err
		}
	}
	for i := range c.Operations {
		o := &c.Operations[i]
		base := upperFirst(o.ID)
		for _, part := range []any{c.resolve(o.tree["requestBody"]), obj(o.tree["responses"])[itoa(o.Status)]} {
			delete(obj(part), "headers")
			delete(obj(part), "links")
			for _, media := range obj(obj(part)["content"]) {
				delete(obj(media), "example")
				delete(obj(media), "examples")
			}
		}
		for _, part := range []struct {
			schema     object
			name, path string
		}{{o.body, base + "RequestBody", "requestBody"}, {o.answer, base + "ResponseBody", "responses " + itoa(o.Status)}} {
			place := under(under(o.at, strings.Fields(part.path)...), "content", "application/json", "schema")
			if err := c.nameInline(part.schema, part.name, place); err != nil {
				return err
			}
		}
		for i, p := range list(o.tree["parameters"]) {
			if err := c.nameParameter(c.resolve(p), under(o.at, "parameters", itoa(i))); err != nil {
				return err
			}
		}
	}
	for _, name := range keys(schemas) {
		if err := c.forGo(obj(schemas[name]), c.place(name)); err != nil {
			return err
		}
	}
	c.renameComponents()
	return nil
}

// nameInline makes an inline schema a component if Go needs a type for it.
func (c *Contract) nameInline(s object, name string, at []string) error {
	if s == nil || s["$ref"] != nil {
		return nil
	}
	parts := list(s["allOf"])
	wraps := len(parts) == 1 && obj(parts[0])["$ref"] != nil && s["properties"] == nil && s["required"] == nil && s["additionalProperties"] == nil
	if wraps || s["properties"] == nil && parts == nil && s["enum"] == nil {
		return c.nameInside(s, name, at)
	}
	schemas := obj(obj(c.tree["components"])["schemas"])
	if schemas[name] != nil {
		return c.lines.errorf(at, "the type of this inline schema would be called %s, as a component is: make it a component of its own", name)
	}
	inner := object{}
	for key, value := range s {
		inner[key] = value
		if key != "x-go-name" {
			delete(s, key)
		}
	}
	delete(inner, "x-go-name")
	schemas[name], s["$ref"], c.places[name] = inner, schemaPrefix+name, at
	return c.nameInside(inner, name, at)
}

// place is where a component is written: inline, if it was made of a schema there.
func (c *Contract) place(name string) []string {
	if at, inline := c.places[name]; inline {
		return at
	}
	return []string{"components", "schemas", name}
}

func (c *Contract) nameInside(s object, name string, at []string) error {
	if s["$ref"] != nil {
		return nil
	}
	for _, field := range keys(obj(s["properties"])) {
		if err := c.nameInline(obj(obj(s["properties"])[field]), name+upperFirst(ASCII(field)), under(at, "properties", field)); err != nil {
			return err
		}
	}
	for i, part := range list(s["allOf"]) { // its fields become fields of the whole
		if err := c.nameInside(obj(part), name, under(at, "allOf", itoa(i))); err != nil {
			return err
		}
	}
	if err := c.nameInline(obj(s["items"]), name+"Item", under(at, "items")); err != nil {
		return err
	}
	return c.nameInline(obj(s["additionalProperties"]), name+"Value", under(at, "additionalProperties"))
}

// nameParameter names a parameter and its enum, and types JSON in a string as any value.
func (c *Contract) nameParameter(p object, at []string) error {
	if name := str(p["name"]); p["x-go-name"] == nil && ASCII(name) != name {
		p["x-go-name"] = upperFirst(ASCII(name))
	}
	schema := obj(p["schema"])
	if schema["x-json-string"] != nil {
		p["schema"] = object{"x-go-type-skip-optional-pointer": true}
		return nil
	}
	if items := obj(schema["items"]); items != nil {
		schema = items
	}
	return c.nameEnum(schema, under(at, "schema"))
}

// forGo changes an object's fields as Go has them.
func (c *Contract) forGo(s object, at []string) error {
	if err := c.nameEnum(s, at); err != nil {
		return err
	}
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
	for _, name := range keys(obj(s["properties"])) {
		property := obj(obj(s["properties"])[name])
		if property["x-go-name"] == nil && ASCII(name) != name {
			property["x-go-name"] = upperFirst(ASCII(name))
		}
		if property["x-json-string"] != nil {
			replace(property, "description", "x-go-name", "deprecated")
		}
		optional := !slices.Contains(required, any(name))
		if optional && c.flag(property, "nullable") {
			property["x-oapi-codegen-extra-tags"] = object{"nullable": "true"} // see generator.finish
		}
		kind := c.kind(property)
		fields, _ := c.fields(property)
		if kind == "array" || kind == "object" && len(fields) == 0 { // nil is absent, an empty one is sent
			property["x-go-type-skip-optional-pointer"], property["x-omitempty"], property["x-omitzero"] = true, false, optional
		}
		delete(property, "readOnly")
		delete(property, "writeOnly")
		if err := c.forGo(property, under(at, "properties", name)); err != nil {
			return err
		}
	}
	taken := map[string]any{}
	for i, part := range list(s["allOf"]) {
		place := under(at, "allOf", itoa(i))
		inner, _ := c.fields(part)
		for _, name := range keys(inner) {
			if other := taken[name]; other != nil && c.form(other) != c.form(inner[name]) {
				return c.lines.errorf(place, "the field %s is %s here, and %s in an earlier part of the allOf: give it one type, or write the object out", name, c.form(inner[name]), c.form(other))
			}
			taken[name] = inner[name]
		}
		if err := c.forGo(obj(part), place); err != nil {
			return err
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner := obj(s[key]); inner != nil && inner["$ref"] == nil {
			if err := c.forGo(inner, under(at, key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Collisions refuses parameters and fields that have one name in Go, by the rule that the generator of the models has.
func (c *Contract) Collisions(goName func(string) string) error {
	check := func(at []string, names map[string]object, taken map[string]string) error {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			in := goName(cmp.Or(str(names[name]["x-go-name"]), name))
			if other, is := taken[in]; is {
				return c.lines.errorf(at, "%q and %q have one name in Go, %s: give one of them another with x-go-name", other, name, Decode(in))
			}
			taken[in] = name
		}
		return nil
	}
	for _, name := range keys(obj(obj(c.tree["components"])["schemas"])) {
		schema := obj(obj(obj(c.tree["components"])["schemas"])[name])
		properties, _ := c.fields(schema)
		fields, taken := map[string]object{}, map[string]string{}
		for field, property := range properties {
			fields[field] = obj(property)
		}
		if len(fields) > 0 && (obj(schema["additionalProperties"]) != nil || is(schema["additionalProperties"])) {
			taken["AdditionalProperties"] = "the fields without a name"
		}
		if err := check(c.place(name), fields, taken); err != nil {
			return err
		}
	}
	for _, o := range c.Operations {
		path, others := map[string]object{}, map[string]object{}
		for _, p := range list(o.tree["parameters"]) {
			spec := c.resolve(p)
			if name := str(spec["name"]); spec["in"] == "path" {
				path[name] = spec
			} else if others[name] != nil {
				return c.lines.errorf(under(o.at, "parameters"), "the parameters %q of the query and %q of the header have one name in Go: give one of them another with x-go-name", name, name)
			} else {
				others[name] = spec
			}
		}
		for _, group := range []map[string]object{path, others} {
			if err := check(under(o.at, "parameters"), group, map[string]string{}); err != nil {
				return err
			}
		}
	}
	return nil
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
	for _, key := range keys(s) {
		if !slices.Contains(left, key) {
			delete(s, key)
		}
	}
	return s
}

// nameEnum names the values of an enum in Go, and moves whole numbers to where a library cannot round them.
func (c *Contract) nameEnum(s object, at []string) error {
	if s["enum"] == nil || s["$ref"] != nil {
		return nil
	}
	var values, names []string
	var kept []any
	for _, value := range list(s["enum"]) {
		text := fmt.Sprint(value)
		if !slices.Contains(values, text) {
			values, kept = append(values, text), append(kept, value)
		}
	}
	s["enum"] = kept
	given := texts(s["x-enum-varnames"])
	if given != nil && len(given) != len(values) {
		return c.lines.errorf(under(at, "x-enum-varnames"), "it has %d names for %d values", len(given), len(values))
	}
	taken, folded := map[string]string{}, map[string]int{}
	for _, value := range values {
		folded[fold(value)]++
	}
	for i, value := range values {
		name := ASCII(value)
		if given != nil {
			name = given[i]
		} else if folded[fold(value)] > 1 {
			name = spelled(value)
		}
		if other, is := taken[fold(name)]; is {
			return c.lines.errorf(under(at, "enum"), "the values %q and %q have one name in Go: name all with x-enum-varnames", other, value)
		}
		taken[fold(name)] = value
		names = append(names, name)
	}
	if !slices.Equal(names, values) {
		s["x-enum-varnames"] = names
	}
	if s["type"] == "integer" {
		s["x-enum-texts"] = values
		delete(s, "enum")
	}
	return nil
}

// restoreEnums gives Doc the whole numbers of its enums as texts.
func (c *Contract) restoreEnums() {
	restore := func(extensions map[string]any, enum *[]any) {
		*enum = append(*enum, list(extensions["x-enum-texts"])...)
	}
	for _, schema := range c.Doc.Components.Schemas {
		restore(schema.Value.Extensions, &schema.Value.Enum)
	}
	for _, o := range c.Operations {
		for _, p := range o.Spec.Parameters {
			schema := p.Value.Schema.Value
			if schema.Items != nil {
				schema = schema.Items.Value
			}
			restore(schema.Extensions, &schema.Enum)
		}
	}
}

// fold returns what of a name tells it from others in Go, which has a word for some signs in front.
func fold(name string) string {
	front := name[:len(name)-len(strings.TrimLeft(name, signs))]
	return strings.ToLower(front + special.ReplaceAllString(ASCII(name), ""))
}

const signs = "-+&|~=><#.*^%_"

// What Go cannot have in a name, or the generator of the models would drop, is written in letters that it keeps; Decode
// makes it readable. A name does not depend on others, so that one more changes none.
var (
	foreign = regexp.MustCompile(`[^\x00-\x7F]+`)
	special = regexp.MustCompile(`[^A-Za-z0-9]+`)
	coded   = regexp.MustCompile(`[Xx]hx((?:[a-p]{6})+)hx`)
)

// ASCII writes a name in ASCII, which [Decode] undoes: 姓名 will be X姓名.
func ASCII(name string) string {
	if name != "" && special.FindString(name) == name && foreign.FindString(name) == "" && strings.Trim(name, signs) != "" {
		return spelled(name)
	}
	return foreign.ReplaceAllStringFunc(name, encodeName)
}

// spelled writes a name with everything that is no letter or digit.
func spelled(name string) string { return special.ReplaceAllStringFunc(name, encodeName) }

func encodeName(run string) string {
	var b strings.Builder
	b.WriteString("Xhx")
	for _, r := range run {
		for shift := 20; shift >= 0; shift -= 4 {
			b.WriteByte('a' + byte(r>>shift&0xF))
		}
	}
	b.WriteString("hx")
	return b.String()
}

// Decode writes the encoded names of a Go source: letters as they are, others by their number.
func Decode(source string) string {
	return coded.ReplaceAllStringFunc(source, func(name string) string {
		var b strings.Builder
		b.WriteString(name[:1])
		for digits := name[3 : len(name)-2]; digits != ""; digits = digits[6:] {
			var r rune
			for _, digit := range digits[:6] {
				r = r<<4 | (digit - 'a')
			}
			if unicode.IsLetter(r) || unicode.IsDigit(r) && r > unicode.MaxASCII {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, "U%04X", r)
			}
		}
		return b.String()
	})
}

var componentName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// renameComponents gives components names that OpenAPI allows.
func (c *Contract) renameComponents() {
	var visit func(node any)
	visit = func(node any) {
		for key, value := range obj(node) {
			if ref, is := value.(string); is && key == "$ref" {
				section, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
				obj(node)[key] = "#/components/" + section + "/" + allowed(unescape(name))
				continue
			}
			visit(value)
		}
		for _, item := range list(node) {
			visit(item)
		}
	}
	visit(c.tree)
	for _, section := range obj(c.tree["components"]) {
		for _, name := range keys(obj(section)) {
			if to := allowed(name); to != name {
				obj(section)[to] = obj(section)[name]
				delete(obj(section), name)
			}
		}
	}
}

func allowed(name string) string {
	if componentName.MatchString(name) {
		return name
	}
	return special.ReplaceAllStringFunc(ASCII(name), encodeName)
}
