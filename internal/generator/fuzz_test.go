package generator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

// FuzzGenerate gives the generator any text as a contract. It makes Go that parses and whose own names are whole, or an error
// with a line; it never panics.
func FuzzGenerate(f *testing.F) {
	text, err := os.ReadFile(shapes) // openapi.yaml is six times as long: making what is found in it short would take minutes
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	const head = "openapi: 3.0.3\ninfo: {title: a, version: a}\nsecurity: []\n"
	for _, seed := range []string{
		"", "[]", "openapi: 3.0.3", head + "paths: {}", head + "paths: {/a: null}",
		head + "paths: {/a: {get: null}}",
		head + "paths: {/a: {get: {operationId: a, responses: {'200': {description: a}}}}}",
		head + "paths: {/a: {get: {operationId: a, parameters: [null], responses: {'200': {description: a}}}}}",
		head + "paths: {/a: {get: {operationId: a, responses: {'200': {description: a, content: {application/json: {schema: {type: object, properties: {a: {type: string}, A: {type: string}}}}}}}}}}",
		head + "paths: {/a: {get: {operationId: New, responses: {'200': {description: \"a\\u2028*/\", content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/A'}}}}}}}}}\ncomponents: {schemas: {A: {type: object, properties: {a: {$ref: '#/components/schemas/A'}}}}}",
		head + "paths: {/a/{ctx}: {put: {operationId: a, parameters: [{name: ctx, in: path, required: true, schema: {type: string}}], responses: {'200': {description: a}}}}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := contract.Parse("fuzz.yaml", []byte(text))
		if err == nil {
			_, err = generator.Foreign(c, "fuzz.yaml", "robot")
		}
		if err == nil {
			return // Foreign has checked what it made
		}
		if place := (*contract.Error)(nil); !errors.As(err, &place) || place.Line < 1 {
			t.Errorf("no line: %v", err)
		}
	})
}

// FuzzCatalogue gives the generator rows of error codes as JSON. Rows that it takes become a constant each.
func FuzzCatalogue(f *testing.F) {
	const row = `{"code":"a.b","name":"AB","status":400,"kind":"rejected","retry":true,"waitSeconds":1,"token":"keep","description":"One.","observed":true}`
	for _, seed := range []string{
		"[" + row + "]",
		"[" + row + "," + row + "]",
		"[" + strings.Replace(row, `"One."`, `"*/ \u0000\u2028\ufeff"`, 1) + "]",
		"[" + strings.Replace(row, `"a.b"`, `"\u017fystem"`, 1) + "]",
		"[" + strings.Replace(row, `"AB"`, `"Ünï"`, 1) + "]",
		"[" + strings.Replace(row, `400`, `4e2`, 1) + "]",
		`[null]`, `[[]]`, `["row"]`, `[{}]`, `[]`, `{}`, `null`,
	} {
		f.Add(seed)
	}
	const contractOf = `{"openapi":"3.0.3","info":{"title":"a","version":"a"},"security":[],"paths":{"/a":{"get":{"operationId":"a","x-error-codes":%s,"responses":{"200":{"description":"a"}}}}}}`
	f.Fuzz(func(t *testing.T, rows string) {
		var list any
		if json.Unmarshal([]byte(rows), &list) != nil {
			t.Skip("not JSON")
		}
		c, err := contract.Parse("fuzz.json", fmt.Appendf(nil, contractOf, rows))
		if err != nil {
			if place := (*contract.Error)(nil); !errors.As(err, &place) || place.Line < 1 {
				t.Errorf("no line: %v", err)
			}
			return
		}
		src, err := generator.Foreign(c, "fuzz.json", "robot")
		if err != nil {
			t.Fatalf("taken, but not generated: %v", err)
		}
		for _, e := range c.Operations[0].Codes {
			if !strings.Contains(string(src), "\tCodeA"+e.Name+" ") {
				t.Errorf("row %s has no constant", e.Code)
			}
		}
	})
}
