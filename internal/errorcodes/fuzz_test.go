package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// FuzzReadCatalogue gives the reader rows as JSON. Whatever they are, it does not panic; and rows that it accepts
// generate a file that parses and has one constant for each of them.
func FuzzReadCatalogue(f *testing.F) {
	doc, err := openapi3.NewLoader().LoadFromFile(contractFile)
	if err != nil {
		f.Fatal(err)
	}
	rows, err := json.Marshal(doc.Components.Schemas["ApiError"].Value.Extensions[extension])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(rows))
	const row = `{"code":"a.b","name":"AB","status":400,"kind":"rejected","retry":true,"waitSeconds":1,"token":"keep","description":"One.","observed":true}`
	for _, seed := range []string{
		"[" + row + "]",
		"[" + row + "," + row + "]",
		"[" + strings.Replace(row, `"One."`, `"*/ \u0000\u2028\ufeff"`, 1) + "]",
		"[" + strings.Replace(row, `"a.b"`, `"\u017fystem \ud800"`, 1) + "]",
		"[" + strings.Replace(row, `"AB"`, `"Ünï"`, 1) + "]",
		"[" + strings.Replace(row, `400`, `4e2`, 1) + "]",
		`[null]`, `[[]]`, `["row"]`, `[{}]`, `[]`, `{}`, `null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rows string) {
		var value any
		if json.Unmarshal([]byte(rows), &value) != nil {
			t.Skip("not JSON")
		}
		schema := openapi3.NewObjectSchema()
		schema.Extensions = map[string]any{extension: value}
		entries, err := readCatalogue(&openapi3.T{Components: &openapi3.Components{
			Schemas: openapi3.Schemas{"ApiError": schema.NewRef()},
		}})
		if err != nil {
			return
		}
		src, err := render("errorcodes", catalogueData(entries))
		if err != nil {
			t.Fatalf("accepted, but not generated: %v", err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), "errorcodes.gen.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		constants := map[string]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				constants[spec.Names[0].Name] = true
			}
			return true
		})
		for _, e := range entries {
			if !constants["Code"+e.Name] {
				t.Errorf("row %s has no constant of its own", e.Code)
			}
		}
	})
}
