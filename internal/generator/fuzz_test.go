package generator_test

import (
	"errors"
	"os"
	"regexp"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

// aLibrarys are words of libraries, which say nothing to the author of a contract.
var aLibrarys = regexp.MustCompile(`cannot unmarshal|openapi3|%!|interface \{|runtime error|reader failed|codegen failed`)

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
		"", "[]", "openapi: 3.0.3", head + "paths: {}", head + "paths: {/a: null}", head + "paths: {/a: {get: null}}",
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
		if word := aLibrarys.FindString(err.Error()); word != "" {
			t.Errorf("%q in %v", word, err)
		}
	})
}
