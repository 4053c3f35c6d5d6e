// Command describe writes the schemas of the admin API's description from the structs that it reads and writes: types and bounds
// from their tags, texts from their comments. Run it in the folder of package dingtalktest.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const (
	file  = "admin/openapi.yaml"
	begin = "    # Below: made by go generate from the structs of package dingtalktest. DO NOT EDIT.\n"
)

// described are the structs, and whether requests have them.
var described = []struct {
	name  string
	input bool
}{{"Fault", true}, {"FaultKind", false}, {"Group", true}, {"Message", false}, {"Request", false}, {"Settings", true}, {"Tally", false}}

func main() {
	log.SetFlags(0)
	page, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	byHand, _, found := bytes.Cut(page, []byte(begin))
	if !found {
		log.Fatalf("%s: it has no line %q", file, begin)
	}
	structs, docs := load()
	out := bytes.NewBuffer(append(byHand, begin...))
	for _, d := range described {
		schema(out, d.name, structs[d.name], d.input, docs[d.name])
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// load reads the package's structs and the first sentences of their comments.
func load() (structs map[string]*ast.StructType, docs map[string]string) {
	structs, docs = map[string]*ast.StructType{}, map[string]string{}
	names, _ := filepath.Glob("*.go") // The pattern is valid.
	for _, name := range names {
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			log.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if general, ok := n.(*ast.GenDecl); ok && general.Tok == token.TYPE {
				named := general.Specs[0].(*ast.TypeSpec)
				if t, ok := named.Type.(*ast.StructType); ok {
					structs[named.Name.Name], docs[named.Name.Name] = t, new(doc.Package).Synopsis(general.Doc.Text())
				}
			}
			return true
		})
	}
	return structs, docs
}

func schema(out *bytes.Buffer, name string, t *ast.StructType, input bool, synopsis string) {
	var required []string
	var properties strings.Builder
	for _, f := range t.Fields.List {
		if f.Tag == nil {
			continue
		}
		tags := reflect.StructTag(strings.Trim(f.Tag.Value, "`"))
		field, options, _ := strings.Cut(tags.Get("json"), ",")
		if field == "-" {
			continue
		}
		if tags.Get("required") != "" || !input && options == "" {
			required = append(required, field)
		}
		said := property(f.Type, tags)
		if text := strings.Join(strings.Fields(f.Doc.Text()+f.Comment.Text()), " "); text != "" && !strings.Contains(said, "$ref") {
			said += ", description: " + strconv.Quote(strings.ToUpper(text[:1])+text[1:])
		}
		fmt.Fprintf(&properties, "        %s: { %s }\n", field, said)
	}
	fmt.Fprintf(out, "    %s:\n      type: object\n      description: %q\n", name, synopsis)
	if len(required) > 0 {
		fmt.Fprintf(out, "      required: [%s]\n", strings.Join(required, ", "))
	}
	if input {
		out.WriteString("      additionalProperties: false\n")
	}
	out.WriteString("      properties:\n" + properties.String())
}

// property is the schema of a field, without its description.
func property(t ast.Expr, tags reflect.StructTag) string {
	bound := func(least, most string) (said string) {
		for _, limit := range [][2]string{{least, tags.Get("min")}, {most, tags.Get("max")}} {
			if limit[1] != "" {
				said += ", " + limit[0] + ": " + limit[1]
			}
		}
		return said
	}
	switch t := t.(type) {
	case *ast.StarExpr:
		if said := property(t.X, tags); said != moment {
			return said + ", nullable: true"
		}
		return moment // of what is not shown
	case *ast.ArrayType:
		if t.Elt.(*ast.Ident).Name == "byte" {
			return "type: string, format: byte"
		}
		said := "type: array, items: { " + property(t.Elt, tags) + " }"
		if tags.Get("readOnly") != "" {
			said += ", readOnly: true"
		}
		return said
	case *ast.MapType:
		value := property(t.Value, tags)
		if tags.Get("nullable") != "" {
			value += ", nullable: true"
		}
		return "type: object, additionalProperties: { " + value + " }"
	case *ast.SelectorExpr:
		return map[string]string{"Time": moment, "Header": "type: object, additionalProperties: { type: array, items: { type: string } }"}[t.Sel.Name] +
			map[string]string{"Code": "type: string"}[t.Sel.Name]
	case *ast.Ident:
		switch name := t.Name; {
		case name == "string":
			return "type: string" + bound("minLength", "maxLength")
		case name == "bool":
			return "type: boolean"
		case name == "int":
			return "type: integer" + bound("minimum", "maximum")
		case name == "Fault":
			return `$ref: "#/components/schemas/AnyFault"`
		case slices.Contains([]string{"int32", "int64"}, name):
			return "type: integer, format: " + name
		}
		return `$ref: "#/components/schemas/` + t.Name + `"`
	}
	log.Fatalf("no schema for %T", t)
	return ""
}

const moment = "type: string, format: date-time"
