package generator_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

// Contracts with one operation, and a place for what a case is about.
const (
	contractHead = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n"
	bodyOf       = contractHead + "  /v1.0/x:\n    post:\n      operationId: op\n      requestBody: {required: true, content: {application/json: {schema: HERE}}}\n      responses: {'200': {description: ok}}\n"
	answerOf     = contractHead + "  /v1.0/x:\n    get:\n      operationId: op\n      responses: {'200': {description: ok, content: {application/json: {schema: HERE}}}}\n"
	partsOf      = contractHead + "  /v1.0/x:\n    post:\n      operationId: op\n      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}\n      responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}\ncomponents:\n  schemas:\n    HERE\n"
	getOf        = contractHead + "  /v1.0/x:\n    get:\n      operationId: op\n      HERE\n"
	pathOf       = contractHead + "  HERE\n"
	done         = "responses: {'200': {description: ok}}"
)

// cases are contracts of others, each cut to what it is about: want is part of what is generated, with its white space
// folded, or of the refusal, which names the line and what to do. sent is how the body given is sent, or why it is not.
var cases = []struct{ name, contract, here, want, refused, given, sent string }{
	// names
	{name: "a field in Chinese", contract: bodyOf, here: "{type: object, required: [姓名], properties: {姓名: {type: string}, 标签: {type: array, items: {type: string}}, 用户Id: {type: string}}}",
		want: "X姓名 string `json:\"姓名\"` X标签 []string `json:\"标签,omitzero\"` X用户ID *string", given: `{"姓名":"a"}`, sent: `{"姓名":"a"}`},
	{name: "an object in Chinese", contract: bodyOf, here: "{type: object, properties: {部门: {type: object, properties: {名: {type: string}}}}}", want: "X部门 *OpRequestBodyX部门 `json:"},
	{name: "Cyrillic, an emoji, a half and a sign", contract: bodyOf, here: "{type: object, properties: {имя: {type: string}, 😀: {type: string}, '½': {type: string}, '%': {type: string}}}", want: "XU1F600 *string"},
	{name: "a component in Chinese", contract: partsOf, here: "A: {$ref: '#/components/schemas/%E5%91%98%E5%B7%A5'}\n    员工: {type: object, properties: {a: {type: string}}}", want: "type X员工 struct"},
	{name: "Chinese values", contract: bodyOf, here: "{type: object, properties: {e: {type: string, enum: ['', 待审批, 已通过]}}}", want: `OpRequestBodyEEmpty OpRequestBodyE = "" OpRequestBodyEX已通过 OpRequestBodyE = "已通过" OpRequestBodyEX待审批 OpRequestBodyE = "待审批"`},
	{name: "values that differ in signs", contract: bodyOf, here: `{type: object, properties: {e: {type: string, enum: [Foo Bar, Foo-Bar, "18+", "<18", "+1", "-1", "*", " ", ""]}}}`, want: `OpRequestBodyEFooXU0020Bar OpRequestBodyE = "Foo Bar"`},
	{name: "values that differ in case", contract: bodyOf, here: "{type: object, properties: {e: {type: string, enum: [foo, Foo]}}}", refused: `case.yaml:7: paths /v1.0/x post requestBody content application/json schema properties e enum: the values "foo" and "Foo" have one name in Go: name all with x-enum-varnames`},
	{name: "values with names", contract: bodyOf, here: "{type: object, properties: {e: {type: string, enum: [foo, Foo], x-enum-varnames: [Lower, Upper]}}}", want: `OpRequestBodyEUpper OpRequestBodyE = "Foo"`},
	{name: "whole numbers beyond 2^53", contract: bodyOf, here: "{type: object, properties: {e: {type: integer, format: int64, enum: [-1, 5000000000, 9007199254740993, 9223372036854775807]}}}",
		want: "OpRequestBodyEMinus1 OpRequestBodyE = -1 OpRequestBodyEN5000000000 OpRequestBodyE = 5000000000 OpRequestBodyEN9007199254740993 OpRequestBodyE = 9007199254740993 OpRequestBodyEN9223372036854775807", given: `{"e":9007199254740993}`, sent: `{"e":9007199254740993}`},
	{name: "fields with one name", contract: bodyOf, here: "{type: object, properties: {userId: {type: string}, user_id: {type: string}}}", refused: `schema: "userId" and "user_id" have one name in Go, UserID: give one of them another with x-go-name`},
	{name: "additionalProperties as a field", contract: bodyOf, here: "{type: object, properties: {additionalProperties: {type: string}}, additionalProperties: {type: string}}", refused: "have one name in Go, AdditionalProperties"},
	{name: "a parameter in Chinese", contract: getOf, here: "parameters: [{name: 关键字, in: query, schema: {type: string}}]\n      " + done, want: "X关键字 *string `json:\"关键字,omitempty\"`"},
	{name: "two parameters of one name", contract: getOf, here: "parameters: [{name: id, in: query, schema: {type: string}}, {name: id, in: header, schema: {type: string}}]\n      " + done, refused: `the parameters "id" of the query and "id" of the header have one name in Go`},
	{name: "operations with one name", contract: pathOf, here: "/a: {get: {operationId: get-user, " + done + "}}\n  /b: {get: {operationId: getUser, " + done + "}}", refused: ":5: paths /b get operationId: the operations get-user and getUser have one name in Go"},
	{name: "do and format", contract: pathOf, here: "/a: {get: {operationId: do, " + done + "}}\n  /b: {get: {operationId: format, " + done + "}}", want: "func (c *Client) Do(ctx context.Context"},
	{name: "keys that are no text", contract: answerOf, here: "{type: object, properties: {1: {type: string}, 2.5: {type: string}, true: {type: string}, null: {type: string}}}", want: "Null *string `json:\"null,omitempty\"` True *string"},
	// null, required, only read, only written
	{name: "null in an enum", contract: bodyOf, here: "{type: object, properties: {e: {type: string, nullable: true, enum: [a, null]}}}", want: "E generated.Nullable[OpRequestBodyE] `json:\"e,omitzero\"`"},
	{name: "optional and null", contract: bodyOf, here: "{type: object, required: [r, l], properties: {m: {type: string, nullable: true}, r: {type: string, nullable: true}, l: {type: array, nullable: true, items: {type: string}}}}",
		want: "L []string `json:\"l\"` M generated.Nullable[string] `json:\"m,omitzero\"` R *string `json:\"r\"`", given: `{"m":null,"r":null,"l":null}`, sent: `{"l":null,"m":null,"r":null}`},
	{name: "a reference that may be null", contract: partsOf, here: "A: {type: object, properties: {p: {nullable: true, allOf: [{$ref: '#/components/schemas/E'}]}, d: {$ref: '#/components/schemas/E', description: One.}, f: {allOf: [{$ref: '#/components/schemas/T'}, {nullable: true}]}}}\n    E: {type: string, enum: [a]}\n    T: {type: string, format: date-time}", want: "P generated.Nullable[E] `json:\"p,omitzero\"`"},
	{name: "required alone in an allOf", contract: partsOf, here: "A: {allOf: [{$ref: '#/components/schemas/B'}, {required: [a]}]}\n    B: {type: object, properties: {a: {type: string}}}", given: `{}`, sent: "the field a of the body is not set"},
	{name: "a field of two types", contract: partsOf, here: "A: {allOf: [{type: object, properties: {x: {type: string}}}, {type: object, properties: {x: {type: integer}}}]}", refused: "the field x is integer here, and string in an earlier part of the allOf"},
	{name: "a required field that is none", contract: bodyOf, here: "{type: object, required: [ghost], properties: {a: {type: string}}}", given: `{}`, sent: `{}`},
	{name: "only read", contract: bodyOf, here: "{type: object, required: [id, n], properties: {id: {type: string, readOnly: true}, n: {type: string}}}", want: "ID *string `json:\"id,omitempty\"`", given: `{"id":"1","n":"a"}`, sent: `{"n":"a"}`},
	{name: "only written", contract: partsOf, here: "A: {type: object, required: [n, p], properties: {n: {type: string}, p: {type: string, writeOnly: true}}}", want: `Required: []string{"n"}`, given: `{"n":"a"}`, sent: "the field p of the body is not set"},
	{name: "recursion that may be null", contract: partsOf, here: "A: {type: object, nullable: true, required: [next], properties: {next: {$ref: '#/components/schemas/A'}}}", want: "type A struct { Next *A `json:\"next\"`"},
	{name: "recursion that never ends", contract: partsOf, here: "A: {type: object, required: [next], properties: {next: {$ref: '#/components/schemas/A'}}}", refused: ":11: components schemas A: an object of it would hold another without end: make a field of the circle optional or nullable"},
	{name: "a list of itself", contract: partsOf, here: "A: {type: array, items: {$ref: '#/components/schemas/A'}}", want: "type A []A"},
	{name: "a map of itself", contract: partsOf, here: "A: {type: object, additionalProperties: {$ref: '#/components/schemas/A'}}", want: "type A map[string]A"},
	{name: "lengths and limits", contract: bodyOf, here: "{type: object, properties: {s: {type: string, minLength: 1, maxLength: 2}, n: {type: integer, maximum: 9007199254740993}, l: {type: array, maxItems: 1, items: {type: object, required: [a], properties: {a: {type: string}}}}}}",
		given: `{"l":[{}]}`, sent: "the field l[0].a of the body is not set"},
	{name: "a text that is too long", contract: bodyOf, here: "{type: object, properties: {s: {type: string, maxLength: 2}}}", given: `{"s":"群群群"}`, sent: "the field s of the body has 3 characters, and at most 2 are allowed"},
	{name: "an empty text", contract: bodyOf, here: "{type: object, required: [s, z, f, l], properties: {s: {type: string}, z: {type: integer}, f: {type: boolean}, l: {type: array, items: {}}}}", given: `{"s":"","z":0,"f":false,"l":[]}`, sent: `{"f":false,"l":[],"s":"","z":0}`},
	{name: "a number that is too large", contract: bodyOf, here: "{type: object, properties: {n: {type: integer, maximum: 9007199254740992}}}", given: `{"n":9007199254740993}`, sent: "the field n of the body is 9007199254740993, and at most 9007199254740992 is allowed"},
	// media types, OpenAPI 3.1, others
	{name: "a media type with a charset", contract: strings.Replace(answerOf, "application/json", "'application/json; charset=utf-8'", 1), here: "{type: object, properties: {a: {type: string}}}", want: "(OpResponseBody, error)"},
	{name: "any media type", contract: strings.Replace(answerOf, "application/json", "'*/*'", 1), here: "{type: string}", want: "(string, error)"},
	{name: "a file as the answer", contract: strings.Replace(answerOf, "application/json", "application/octet-stream", 1), here: "{type: string, format: binary}", refused: "an answer is application/json and nothing else: fetch files and pages with net/http"},
	{name: "a file in JSON", contract: bodyOf, here: "{type: object, properties: {f: {type: string, format: binary}}}", refused: "files are not carried in JSON: send them as multipart/form-data"},
	{name: "a form", contract: strings.Replace(bodyOf, "application/json", "application/x-www-form-urlencoded", 1), here: "{type: object}", refused: "a body is application/json or multipart/form-data, and nothing else"},
	{name: "a file to upload", contract: strings.Replace(bodyOf, "application/json", "multipart/form-data", 1), here: "{type: object, required: [媒体], properties: {媒体: {type: string, format: binary}, note: {type: string}, n: {type: integer}}}", want: "Op(ctx context.Context, n *int64, note *string, x媒体 generated.File"},
	{name: "a pattern of Java", contract: bodyOf, here: "{type: object, properties: {a: {type: string, pattern: '^(?!x).*$'}}}", want: "A *string"},
	{name: "examples of other types", contract: answerOf, here: "{type: object, properties: {a: {type: integer, example: abc}, b: {type: string, example: 1}}}", want: `Example: "{\"a\":1,\"b\":\"text\"}"`},
	{name: "3.1: types, const, choice", contract: strings.Replace(bodyOf, "3.0.3", "3.1.0", 1), here: "{type: object, properties: {t: {type: [string, 'null'], examples: [a]}, c: {const: x}, p: {anyOf: [{type: integer}, {type: 'null'}]}, n: {type: integer, exclusiveMinimum: 0}, const: {type: string}}}",
		want: "C *OpRequestBodyC `json:\"c,omitempty\"` Const *string `json:\"const,omitempty\"` N *int64 `json:\"n,omitempty\"` P generated.Nullable[int64]"},
	{name: "3.1: two types", contract: strings.Replace(bodyOf, "3.0.3", "3.1.0", 1), here: "{type: [string, integer]}", refused: "a schema has one type: a value of several is free-form, {}"},
	{name: "Swagger 2.0", contract: "swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: ok, schema: {$ref: '#/definitions/A'}}}}}}\n", refused: ":1: swagger: this is Swagger 2.0: convert it"},
	{name: "a key that stands twice", contract: contractHead + "  /a: {}\n  /a: {}\n", refused: `:5: the key "/a" stands twice in one map`},
	{name: "one of several", contract: bodyOf, here: "{oneOf: [{type: string}, {type: integer}]}", refused: "oneOf is not carried: write one object with the fields of all, none required, or a free-form value, {}"},
	// operations
	{name: "deprecated", contract: getOf, here: "deprecated: true\n      " + done, want: "// Deprecated: the contract says that op is deprecated. func (c *Client) Op("},
	{name: "a suffix and two parameters in a segment", contract: pathOf, here: "'/v1.0/{a}-{b}.json': {get: {operationId: op, parameters: [{name: a, in: path, required: true, schema: {type: string}}, {name: b, in: path, required: true, schema: {type: string}}], " + done + "}}", want: "Op(ctx context.Context, a string, b string, opts"},
	{name: "GET with a body", contract: getOf, here: "requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {a: {type: string}}}}}}\n      " + done, given: `{"a":"b"}`, sent: `{"a":"b"}`},
	{name: "JSON in a query", contract: getOf, here: "parameters: [{name: q, in: query, schema: {type: string, x-json-string: {}}}]\n      " + done, want: "Q interface{} `json:\"q,omitempty\"`"},
	{name: "nothing is said of security", contract: getOf, here: done, want: `operationOp = generated.Operation{ID: "op", Method: "GET", Path: "/v1.0/x", Repeat`},
	{name: "no token", contract: getOf, here: "security: []\n      " + done, want: "Public: true"},
	{name: "a permission without a token", contract: getOf, here: "security: []\n      x-permission: a\n      " + done, refused: "an operation that is sent without a token has no permission"},
	{name: "another token", contract: getOf + "components: {securitySchemes: {t: {type: apiKey, in: header, name: x-other}}}\n", here: done, refused: "the client sends the access token in the header x-acs-dingtalk-access-token, not in x-other"},
	{name: "values of a success, and an own code", contract: getOf, here: "x-success: {success: true}\n      responses: {'200': {description: ok, content: {application/json: {schema: {type: object, properties: {success: {type: boolean}, Code: {type: string}}}}}}}", want: `Success: map[string]string{"success": "true"}, OwnFields: []string{"code"}`},
	{name: "pages of a number", contract: getOf, here: "parameters: [{name: page, in: query, schema: {type: integer}}, {name: size, in: query, schema: {type: integer}}]\n      x-paging: {page: page, size: size, items: result.list}\n      responses: {'200': {description: ok, content: {application/json: {schema: {type: object, properties: {result: {type: object, properties: {list: {type: array, items: {type: string}}}}}}}}}}", want: "dingtalk.Pages[string](ctx, c.client, newOpRequest(params)"},
	{name: "pages one level down", contract: getOf, here: "parameters: [{name: t, in: query, schema: {type: integer}}]\n      x-paging: {in: t, out: next, items: result.list}\n      responses: {'200': {description: ok, content: {application/json: {schema: {type: object, properties: {result: {type: object, properties: {next: {type: string}, list: {type: array, items: {type: string}}}}}}}}}}", refused: "x-paging out: next is no field of the answer: write result.next"},
}

func TestCases(t *testing.T) {
	overlay := map[string]map[string]string{"Replace": {}}
	packages := []string{"build", "-overlay", filepath.Join(t.TempDir(), "overlay.json")}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range cases {
		text := strings.Replace(tt.contract, "HERE", tt.here, 1)
		c, err := contract.Parse("case.yaml", []byte(text))
		var src []byte
		if err == nil {
			src, err = generator.Foreign(c, "case.yaml", "cases")
		}
		if tt.refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), "case.yaml:") || !strings.Contains(err.Error(), tt.refused) || strings.ContainsAny(err.Error(), "\n%") || strings.Contains(err.Error(), ".tmpl") {
				t.Errorf("%s: %v\nwant a refusal with %s", tt.name, err, tt.refused)
			}
			continue
		}
		if err != nil || !strings.Contains(folded(string(src)), tt.want) {
			t.Errorf("%s: %v; there is no %s in\n%s", tt.name, err, tt.want, src)
			continue
		}
		if tt.given != "" {
			if got := sending(t, c.Routes()[0], tt.given); !strings.HasSuffix(got, tt.sent) {
				t.Errorf("%s: sent %s, want %s", tt.name, got, tt.sent)
			}
		}
		folder := fmt.Sprintf("internal/case%d", i)
		file := filepath.Join(t.TempDir(), "case.go")
		if err := os.WriteFile(file, src, 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(root, folder, "case.go")] = file
		packages = append(packages, "./"+folder)
	}
	raw, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(packages[2], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", packages...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// sending is the body that a server gets, or why it gets none.
func sending(t *testing.T, route generated.Route, body string) string {
	t.Helper()
	r := generated.NewRequest(route.Operation)
	r.SetBody(json.RawMessage(body))
	got, err := record(t, r)
	if err != nil {
		return err.Error()
	}
	return got.body
}
