package contract_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// wantLine holds an error to the line of the first text after head, or to one after it.
func wantLine(t *testing.T, err error, text, head string) {
	t.Helper()
	place := (*contract.Error)(nil)
	if !errors.As(err, &place) {
		t.Errorf("the error %v has no place", err)
		return
	}
	if line := 1 + strings.Count(text[:strings.Index(text, head)], "\n"); place.Line < line {
		t.Errorf("line %d, before %d: %v", place.Line, line, err)
	}
}

// small is a contract that holds little, and HERE where a case puts more.
const small = `openapi: 3.0.3
info: {title: Small, version: 1.0.0}
security: [{accessToken: []}]
paths:
  /v1.0/things/{id}:
    post:
      operationId: changeThing
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - PARAMETER
      BODY
      responses:
        ANSWER
      OPERATION
  PATH
components:
  securitySchemes:
    accessToken: {type: apiKey, in: header, name: x-acs-dingtalk-access-token}
    legacy: {type: apiKey, in: query, name: access_token}
  schemas:
    Thing: {type: object, required: [name], properties: {name: {type: string}}}
    Other: SCHEMA
`

// defaults are what stands where a case puts nothing.
var defaults = map[string]string{
	"PARAMETER": "{name: q, in: query, schema: {type: string}}",
	"BODY":      "requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
	"ANSWER":    "'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}",
	"OPERATION": "x-repeat: unsent",
	"PATH":      "",
	"SCHEMA":    "{type: string}",
}

func with(place, text string) string {
	result := small
	for name, plain := range defaults {
		if name == place {
			plain = text
		}
		result = strings.Replace(result, name, plain, 1)
	}
	return result
}

func body(schema string) string {
	return "'200': {description: ok, content: {application/json: {schema: " + schema + "}}}"
}

// TestRefused: what is not carried is named, with its line.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ place, text, want string }{
		{"PARAMETER", "{name: q, in: cookie, schema: {type: string}}", "parameters q in: it is in neither path, query nor header"},
		{"PARAMETER", "{name: q, in: query, content: {application/json: {schema: {type: string}}}}", "parameters q: a parameter has a name, a place (in) and a schema"},
		{"PARAMETER", "{name: q, in: query, schema: {type: object}}", "parameters q schema type: it is neither a string"},
		{"PARAMETER", "{name: q, in: query, schema: {type: array, items: {type: array, items: {type: string}}}}", "parameters q schema items type: it is neither a string"},
		{"PARAMETER", "{name: q, in: query, style: pipeDelimited, schema: {type: array, items: {type: string}}}", "its style is not form"},
		{"PARAMETER", "{name: q, in: query, allowReserved: true, schema: {type: string}}", "its style is not form"},
		{"PARAMETER", "{name: 'q\"', in: query, schema: {type: string}}", "name has a character"},
		{"PARAMETER", "{name: q, in: query, schema: {type: string, format: byte}}", "its format is not carried"},
		{"PARAMETER", "{name: Content-Type, in: header, schema: {type: string}}", "every request has this header already"},
		{"PARAMETER", "{name: X-ACS-DingTalk-Access-Token, in: header, schema: {type: string}}", "every request has this header already"},
		{"PARAMETER", "{name: 'x:y', in: header, schema: {type: string}}", "a header's name is"},
		{"PARAMETER", "{$ref: 'other.yaml#/x'}", `the reference "other.yaml#/x" is not one to a component of this file`},
		{"PARAMETER", "{$ref: '#/components/parameters/None'}", "there is no #/components/parameters/None"},
		{"BODY", "requestBody: {content: {text/plain: {schema: {type: string}}}}", "a body is application/json or multipart/form-data"},
		{"BODY", "requestBody: {content: {application/xml: {schema: {type: string}}, text/plain: {schema: {type: string}}}}", "a body is application/json or multipart"},
		{"BODY", "requestBody: {content: {application/json: {}}}", "the body has no schema"},
		{"BODY", "requestBody: {content: {application/json: {schema: {type: string, format: binary}}}}", "files are not carried"},
		{"ANSWER", "'2XX': {description: ok}", "a success has one status"},
		{"ANSWER", "'206': {description: ok}", "a success has one status, such as 200"},
		{"ANSWER", "'20': {description: ok}", "a success has one status, such as 200"},
		{"ANSWER", "'2000': {description: ok}", "a success has one status, such as 200"},
		{"ANSWER", "'2X0': {description: ok}", "a success has one status, such as 200"},
		{"ANSWER", "'200': {description: ok}\n        '204': {description: ok}", "here are two"},
		{"ANSWER", "'400': {description: no}", "no answer is a success"},
		{"ANSWER", "'204': {description: ok, content: {application/json: {schema: {type: string}}}}", "an answer 204 or 205 has no body"},
		{"ANSWER", "'200': {description: ok, content: {text/html: {schema: {type: string}}}}", "an answer is application/json and nothing else"},
		{"ANSWER", body("{oneOf: [{type: string}, {type: integer}]}"), "oneOf is not carried"},
		{"ANSWER", body("{anyOf: [{type: string}, {type: integer}]}"), "anyOf is not carried"},
		{"ANSWER", body("{not: {type: string}}"), "not is not carried"},
		{"ANSWER", body("{type: array}"), "an array says what its items are"},
		{"ANSWER", body("{type: object, properties: {'a,b': {type: string}}}"), "the field's name has a character"},
		{"ANSWER", body("{type: object, properties: {'-': {type: string}}}"), "encoding/json drops a field of this name"},
		{"ANSWER", body("{type: number, enum: [1.5]}"), "only strings of plain text and integers have an enum"},
		{"ANSWER", body("{type: string, enum: ['a`b']}"), "only strings of plain text and integers have an enum"},
		{"OPERATION", "x-repeat: always", "x-repeat is neither safe nor unsent"},
		{"OPERATION", "x-app-type: all", "x-app-type is neither internal nor any"},
		{"OPERATION", "x-permission: [a]", "it is not one line of printable text"},
		{"OPERATION", "x-paging: {in: q, out: next, items: name}", "next is no field of the answer"},
		{"OPERATION", "x-paging: {in: q, out: name, items: name}", "name is not of type array"},
		{"OPERATION", "x-paging: {in: none, out: name, items: name}", "none is neither a query parameter nor a field of the body"},
		{"OPERATION", "x-paging: {in: q}", "x-paging has in, out and items"},
		{"OPERATION", "x-paging: {from: q}", "it is none of in, out, more, page"},
		{"OPERATION", "x-error-codes: [{code: a}]", "a row has code, name, status"},
		{"OPERATION", "servers: [{url: 'http://oapi.dingtalk.com'}]", "is not an https URL"},
		{"OPERATION", "servers: [{url: 'https://{host}', variables: {host: {default: a}}}]", "is not an https URL"},
		{"OPERATION", "servers: [{url: 'https://a.example'}, {url: 'https://b.example'}]", "one server of its own at most"},
		{"OPERATION", "x-success: [none]", "none is no field of the answer"},
		{"OPERATION", "x-success: name", "x-success is neither a list"},
		{"PARAMETER", "{name: Access_Token, in: query, schema: {type: string}}", "it carries the access token"},
		{"BODY", "requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: integer, x-json-string: {}}}}}}}", "x-json-string is not on a string"},
		{"BODY", "requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: string, x-json-string: {maxBytes: -1}}}}}}}", "x-json-string is not a map with maxBytes"},
		{"BODY", "requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: string, x-json-string: yes}}}}}}", "x-json-string is not a map with maxBytes"},
		{"OPERATION", "callbacks: {a: {'{$request.body#/url}': {post: {responses: {'200': {description: ok}}}}}}", "callbacks are not carried"},
		{"PATH", "/v1.0/a: {head: {operationId: a, responses: {'200': {description: ok}}}}", "the method is none of GET"},
		{"PATH", "/v1.0/a: {get: {responses: {'200': {description: ok}}}}", "or no operationId: letters"},
		{"PATH", "/v1.0/a: {get: {operationId: 'a b', responses: {'200': {description: ok}}}}", "is letters, digits"},
		{"PATH", "/v1.0/z: {get: {operationId: changeThing, responses: {'200': {description: ok}}}}", "the operations changeThing and changeThing have one name in Go"},
		{"PATH", "/v1.0/../a: {get: {operationId: a, responses: {'200': {description: ok}}}}", "is empty or made of dots"},
		{"PATH", "'/v1.0/a?b=c': {get: {operationId: a, responses: {'200': {description: ok}}}}", "a character that would be escaped"},
		{"PATH", "'/v1.0/{a}{b}': {get: {operationId: a, responses: {'200': {description: ok}}}}", "a parameter is a name in braces"},
		{"PATH", "'/v1.0/{a/b}': {get: {operationId: a, responses: {'200': {description: ok}}}}", "a parameter is a name in braces"},
		{"PATH", "/v1.0/a/: {get: {operationId: a, responses: {'200': {description: ok}}}}", "is empty or made of dots"},
		{"PATH", "'/v1.0/{a}.{b}': {get: {operationId: a, responses: {'200': {description: ok}}}}", "the path's {a} is no parameter"},
		{"PATH", "'/v1.0/{a}': {get: {operationId: a, responses: {'200': {description: ok}}}}", "/v1.0/{a}"},
		{"SCHEMA", "{type: object, required: [self], properties: {self: {$ref: '#/components/schemas/Other'}}}", "would hold another without end"},
		{"SCHEMA", "{allOf: [{$ref: '#/components/schemas/Other'}, {type: object}]}", "would hold another without end"},
		{"SCHEMA", "{$ref: '#/components/schemas/Other'}", "the reference leads back to itself"},
		{"SCHEMA", "{type: string, x-go-type: os.File}", "x-go-type: it is not carried"},
		{"SCHEMA", "{type: object, properties: {a: {type: string, x-go-name: not exported}}}", "x-go-name is not an exported Go name"},
		{"SCHEMA", "{type: [string, integer]}", "type"},
		{"SCHEMA", "&a {type: string}", "YAML anchors are not carried"},
		{"SCHEMA", strings.Repeat("{type: array, items: ", 120) + "{type: string}" + strings.Repeat("}", 120), "it nests more than 100 levels"},
	} {
		text := with(c.place, c.text)
		err := parse(text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s\ngot %v\nwant %s", c.place, c.text, err, c.want)
			continue
		}
		place := (*contract.Error)(nil)
		at := 1 + strings.Count(text[:strings.Index(text, strings.Split(c.text, "\n")[0])], "\n")
		if !errors.As(err, &place) || place.Line < at-9 || place.Line > at+2 {
			t.Errorf("%s %s: the error is of line %d: %v", c.place, c.text, at, err)
		}
	}
	if err := parse("openapi: 3.0.3\ninfo: {title: a, version: a}\npaths: {/a: {get: {operationId: a, security: [], parameters: [{name: q, in: query, schema: {type: string}}], responses: {'200': {description: ok}}}}}\n"); err != nil {
		t.Errorf("a contract without components: %v", err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "openapi.yaml:1: it is not a YAML map"},
		{"a: b: c", "openapi.yaml:1: "},
		{"openapi: 3.0.3\ninfo: {title: a, version: a}\npaths: {}\n", "openapi.yaml:3: paths: the contract has no operation"},
	} {
		if err := parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	text := with("PATH", `/v1.0/a:
    get: {operationId: a, responses: {'200': {description: ok}}}
    put: {operationId: b, responses: {'200': {description: ok}}}
    delete: {operationId: c, x-repeat: safe, responses: {'200': {description: ok}}}
    patch: {operationId: d, responses: {'200': {description: ok}}}`)
	c, err := contract.Parse("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range c.Operations {
		if want := o.ID == "a" || o.ID == "c"; (o.Repeat == generated.RepeatSafe) != want {
			t.Errorf("%s %s: safe to repeat %v, want %v", o.Method, o.ID, o.Repeat, want)
		}
	}
}

// TestRegions: an operation has one server of its own, or one for each of the contract's, in their order.
func TestRegions(t *testing.T) {
	regions := func(servers string) string {
		return strings.Replace(with("OPERATION", "servers: ["+servers+"]"), "security:", "servers: [{url: 'https://api.a.example/'}, {url: 'https://api.b.example'}]\nsecurity:", 1)
	}
	c, err := contract.Parse("small.yaml", []byte(regions("{url: 'https://old.a.example/x'}, {url: 'https://old.b.example/x/'}")))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"https://api.a.example": "https://old.a.example/x", "https://api.b.example": "https://old.b.example/x"}
	if o := c.Operations[0]; o.Server != "https://old.a.example/x" || !maps.Equal(o.Regions, want) {
		t.Errorf("server %s, regions %v, want %v", o.Server, o.Regions, want)
	}
	for _, tt := range []struct{ servers, want string }{
		{"{url: 'https://a.example'}, {url: 'https://b.example'}, {url: 'https://c.example'}", "one server of its own at most"},
		{"{url: 'https://a.example/x'}, {url: 'https://b.example/y'}", "the servers of an operation have one path"},
	} {
		if _, err := contract.Parse("small.yaml", []byte(regions(tt.servers))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.servers, err, tt.want)
		}
	}
}
