package openconversation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
)

const (
	convertPath = "/v1.0/im/chat/{chatId}/convertToOpenConversationId"
	tokenPath   = "/v1.0/oauth2/accessToken"
)

// contractChecks are the decisions that openapi.yaml holds. Each comes with edits of the contract that it must reject,
// so that no check can pass by looking at nothing.
var contractChecks = []struct {
	name  string
	check func(*openapi3.T) error
	edits []edit
}{
	{"is valid, with its examples", valid, []edit{
		{"        expireIn: 7200", "        expireIn: soon"},                                  // example of a response
		{"        appSecret: GT-lsu-taDAxxxsTsxxxx\n", ""},                                    // example of a request
		{"          example: cidl1B8RVUFmkO50OC9uEbySQ==", "          example: 5"},            // example of a property
		{"          example: chatfaabe59a460527f5fb72fbbdfe3f061e", "          example: [5]"}, // example of a parameter
		{"          example: 7200", "          example: 3000000000"},                          // over int32
		{"          format: int32", "          format: int33"},
		{"          description: The token and how long it lasts.\n", ""},
		{"            type: string\n          example: [Contact", "            type: strung\n          example: [Contact"},
		{"operationId: getAccessToken", "operationId: chatIdToOpenConversationId"},
	}},
	{"is OpenAPI 3.0.3", func(doc *openapi3.T) error {
		// 3.1 breaks several other languages' generators.
		return equal("openapi", doc.OpenAPI, "3.0.3")
	}, []edit{{"openapi: 3.0.3", "openapi: 3.0.4"}}},
	{"has an ASCII title and a semantic version", func(doc *openapi3.T) error {
		// The title becomes the C library's name.
		if strings.ContainsFunc(doc.Info.Title, func(r rune) bool { return r > unicode.MaxASCII }) {
			return fmt.Errorf("title %q", doc.Info.Title)
		}
		var major, minor, patch int
		if _, err := fmt.Sscanf(doc.Info.Version+"$", "%d.%d.%d$", &major, &minor, &patch); err != nil {
			return fmt.Errorf("version %q", doc.Info.Version)
		}
		return nil
	}, []edit{{"title: DingTalk", "title: 钉钉 DingTalk"}, {"  version: 1.", "  version: v1."}}},
	{"has a description of one sentence, and its guide in a tag that no operation has", guide, []edit{
		{"newer APIs require.\n", "newer APIs require. Read on.\n"},
		{"    x-traitTag: true\n", ""},
		{"      tags: [oauth2]\n", "      tags: [guide]\n"},
	}},
	{"says who may call as data, too", appTypes, []edit{
		{"      x-app-type: any\n", "      x-app-type: internal\n"},
		{"      x-app-type: internal\n", ""},
	}},
	{"lists both servers", func(doc *openapi3.T) error {
		var urls []string
		for _, server := range doc.Servers {
			urls = append(urls, server.URL)
		}
		return equal("servers", urls, []string{"https://api.dingtalk.io", "https://api.dingtalk.com"})
	}, []edit{{"  - url: https://api.dingtalk.com\n    description: Mainland China\n", ""}, {"https://api.dingtalk.io\n", "http://api.dingtalk.io\n"}}},
	{"names its operations as the SDK does", func(doc *openapi3.T) error {
		want := map[string]string{
			"POST " + convertPath: "chatIdToOpenConversationId", "POST " + tokenPath: "getAccessToken",
			"POST /v1.0/im/group/create": "createGroup", "GET /chat/get": "getChat",
			"POST /v1.0/robot/groupMessages/send": "orgGroupSend", "POST /v1.0/robot/groupMessages/query": "orgGroupQuery",
			"POST /v1.0/robot/groupMessages/recall": "orgGroupRecall", "POST /v1.0/robot/groups/robots/query": "getBotListInGroup",
		}
		got := map[string]string{}
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				if place := method + " " + path; want[place] != "" { // a new one needs no line of Go
					got[place] = op.OperationID
				}
			}
		}
		return equal("operations", got, want)
	}, []edit{
		{"operationId: getAccessToken", "operationId: GetAccessToken"},
		{"/convertToOpenConversationId:", "/convertToOpenConversationID:"},
		{"  /v1.0/oauth2/accessToken:\n    post:", "  /v1.0/oauth2/accessToken:\n    put:"},
	}},
	{"takes the token as an apiKey in a header", tokenScheme, []edit{
		{"type: apiKey\n      in: header", "type: apiKey\n      in: query"},
		{"name: x-acs-dingtalk-access-token\n", "name: Authorization\n"},
		{"security:\n  - accessToken: []\n", ""},
		{"      operationId: createGroup\n", "      operationId: createGroup\n      security: [{legacyAccessToken: []}]\n"},
		{"      security: []\n", ""},
		{"        - name: chatId\n", "        - name: x-acs-dingtalk-access-token\n          in: header\n          schema: {type: string}\n        - name: chatId\n"},
	}},
	{"converts without a request body", func(doc *openapi3.T) error {
		if convert(doc).RequestBody != nil {
			return errors.New("the convert operation has a requestBody")
		}
		return nil
	}, []edit{{"      operationId: chatIdToOpenConversationId\n", "      operationId: chatIdToOpenConversationId\n      requestBody:\n        content:\n          application/json: {}\n"}}},
	{"takes any chatId", func(doc *openapi3.T) error {
		// No format is documented, and clients of other languages would refuse an id that the service knows.
		parameters := convert(doc).Parameters
		if len(parameters) != 1 {
			return fmt.Errorf("%d parameters", len(parameters))
		}
		p, s := parameters[0].Value, parameters[0].Value.Schema.Value
		return errors.Join(
			equal("parameter", p.In+" "+p.Name, "path chatId"), equal("required", p.Required, true),
			equal("example", p.Example, any("chatfaabe59a460527f5fb72fbbdfe3f061e")),
			equal("type", s.Type.Slice(), []string{"string"}), equal("format", s.Format, ""), equal("pattern", s.Pattern, ""),
			equal("minLength", s.MinLength, 0), equal("maxLength", s.MaxLength, nil), equal("enum", len(s.Enum), 0),
		)
	}, []edit{
		{"            type: string\n          example: chatfaa", "            type: string\n            pattern: ^chat\n          example: chatfaa"},
		{"            type: string\n          example: chatfaa", "            type: string\n            maxLength: 36\n          example: chatfaa"},
		{"example: chatfaabe59a460527f5fb72fbbdfe3f061e", "example: chat1"},
	}},
	{"has an ApiError with an open code", apiError, []edit{
		{"          description: The error's code. An open set.", "          description: What went wrong.\n          enum: [invalideChatId]"},
		{"      required: [code, message]", "      required: [code, message, requestid]"},
		{"        requestid:\n          type: string", "        requestId:\n          type: string"},
		{"  schemas:\n", "  schemas:\n    Error:\n      type: object\n"},
	}},
	{"has expireIn as int32", func(doc *openapi3.T) error {
		// The C++ generator reads int64 as 0.
		s := doc.Components.Schemas["GetAccessTokenResponseBody"].Value.Properties["expireIn"].Value
		return errors.Join(equal("type", s.Type.Slice(), []string{"integer"}), equal("format", s.Format, "int32"))
	}, []edit{{"format: int32", "format: int64"}}},
	{"describes every status, errors as ApiError with an example", responses, []edit{
		{"        '429':\n          $ref: '#/components/responses/TooManyRequests'\n", ""},
		{"        default:\n          $ref: '#/components/responses/Other'\n", ""},
		{"              schema:\n                $ref: '#/components/schemas/ApiError'", "              schema:\n                type: object"},
		{"          examples:\n            busy:\n              $ref: '#/components/examples/Busy'\n", ""},
		{"    ServiceUnavailable:\n      description: The service is busy. Retry a few times, with backoff.\n      content:\n        application/json:", "    ServiceUnavailable:\n      description: Busy.\n      content:\n        text/json:"},
	}},
	{"shows the pair of DingTalk's page", func(doc *openapi3.T) error {
		for _, e := range convert(doc).Responses.Status(200).Value.Content["application/json"].Examples {
			return equal("example", e.Value.Value, any(map[string]any{"openConversationId": "cidl1B8RVUFmkO50OC9uEbySQ=="}))
		}
		return errors.New("the conversion has no example")
	}, []edit{{"        openConversationId: cidl1B8RVUFmkO50OC9uEbySQ==", "        openConversationId: cid1"}}},
	{"has every documented code in its catalogue", documentedCodes, []edit{
		{"- code: invalideChatId\n", "- code: invalidChatID\n"},
		{"          aliases: [system.error]\n", ""},
		{"- code: InvalidAuthentication\n          name: InvalidAuthentication\n          aliases: ['40014', '88']\n          status: 400", "- code: InvalidAuthentication\n          name: InvalidAuthentication\n          aliases: ['40014', '88']\n          status: 401"},
		{"          name: APIQPSLimit\n          status: 403\n          kind: throttled\n          retry: true\n", "          name: APIQPSLimit\n          status: 403\n          kind: throttled\n          retry: false\n"},
		{"          status: 400\n          kind: unauthenticated\n          retry: false\n          token: drop\n", "          status: 400\n          kind: unauthenticated\n          retry: false\n          token: keep\n"},
	}},
	{"shows only codes of its catalogue, under their status", exampleCodes, []edit{
		{"        code: serviceBusy\n", "        code: serviceIdle\n"},
		{"                throttled:\n                  $ref: '#/components/examples/Throttled'\n                quota", "                throttled:\n                  $ref: '#/components/examples/BadCredentials'\n                quota"},
		{"        code: systemError\n        message: 系统错误\n", "        code: systemError\n        message: System error\n"},
	}},
}

// An edit replaces every occurrence of old in the contract by new.
type edit struct{ old, new string }

func TestContract(t *testing.T) {
	doc := load(t, openconversation.Contract)
	for _, c := range contractChecks {
		t.Run(strings.ReplaceAll(c.name, ",", ""), func(t *testing.T) {
			if err := c.check(doc); err != nil {
				t.Error(err)
			}
			for _, e := range c.edits {
				changed := strings.ReplaceAll(openconversation.Contract, e.old, e.new)
				if changed == openconversation.Contract {
					t.Errorf("the contract holds no %q", e.old)
					continue
				}
				doc, err := openapi3.NewLoader().LoadFromData([]byte(changed))
				if err != nil {
					t.Errorf("%q for %q does not reach the check: %v", e.new, e.old, err)
				} else if c.check(doc) == nil {
					t.Errorf("%q for %q passes", e.new, e.old)
				}
			}
		})
	}
}

func load(t *testing.T, contract string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(contract))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// valid turns on everything that kin-openapi can check, whatever its defaults are.
func valid(doc *openapi3.T) error {
	return doc.Validate(context.Background(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation(),
		openapi3.EnableSchemaFormatValidation(), openapi3.EnableSchemaPatternValidation(),
		openapi3.ProhibitExtensionsWithRef(), openapi3.EnableMultiError())
}

// guide: generators copy the description of a contract into every file that they make, and that of a tag into none or
// into the class of its operations.
func guide(doc *openapi3.T) error {
	text := doc.Info.Description
	err := equal("sentences", strings.Count(text+" ", ". "), 1)
	if len(text) > 150 || strings.Contains(text, "\n") {
		err = errors.Join(err, fmt.Errorf("the description has %d bytes, or more than one line", len(text)))
	}
	tag := doc.Tags.Get("guide")
	if tag == nil || tag.Extensions["x-traitTag"] != true || len(tag.Description) < 2000 {
		return errors.Join(err, errors.New("there is no tag guide that is marked as text"))
	}
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if slices.Contains(op.Tags, "guide") {
				err = errors.Join(err, fmt.Errorf("%s has the guide's tag", path))
			}
		}
	}
	return err
}

// appTypes compares x-app-type with what the description says in words.
func appTypes(doc *openapi3.T) error {
	words := map[any]string{"internal": "App type: internal app.", "any": "App types: internal app, third-party app."}
	var errs []error
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			kind, found := op.Extensions["x-app-type"]
			if said := strings.Contains(op.Description, "App type"); said != found || found && !strings.Contains(op.Description, words[kind]) {
				errs = append(errs, fmt.Errorf("%s: x-app-type is %v, and its description says otherwise", path, kind))
			}
		}
	}
	return errors.Join(errs...)
}

func tokenScheme(doc *openapi3.T) error {
	schemes := slices.Collect(maps.Keys(doc.Components.SecuritySchemes))
	slices.Sort(schemes)
	if err := equal("schemes", schemes, []string{"accessToken", "legacyAccessToken"}); err != nil {
		return err
	}
	legacy := doc.Components.SecuritySchemes["legacyAccessToken"].Value
	s := doc.Components.SecuritySchemes["accessToken"].Value
	err := errors.Join(
		equal("scheme", s.Type+" in "+s.In+" "+s.Name, "apiKey in header x-acs-dingtalk-access-token"),
		equal("security", doc.Security, openapi3.SecurityRequirements{{"accessToken": {}}}),
		equal("legacy scheme", legacy.Type+" in "+legacy.In+" "+legacy.Name, "apiKey in query access_token"),
	)
	// In a URL the token is seen by whoever records URLs: no operation sends it there but those that cannot do otherwise.
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.Security == nil {
				continue
			}
			for _, requirement := range *op.Security {
				if _, inURL := requirement["legacyAccessToken"]; inURL && strings.HasPrefix(path, "/v1.0/") {
					err = errors.Join(err, fmt.Errorf("%s sends the token in its URL", path))
				}
			}
		}
	}
	if convert(doc).Security != nil {
		err = errors.Join(err, errors.New("the convert operation has a security of its own"))
	}
	// The token call is the one that needs no token: an empty list, which is not the same as none.
	if s := doc.Paths.Value(tokenPath).Post.Security; s == nil || len(*s) != 0 {
		err = errors.Join(err, errors.New("the token operation asks for a token"))
	}
	for _, p := range convert(doc).Parameters {
		if p.Value.In == "header" {
			err = errors.Join(err, fmt.Errorf("header %s is a parameter", p.Value.Name))
		}
	}
	return err
}

func apiError(doc *openapi3.T) error {
	if doc.Components.Schemas["Error"] != nil {
		return errors.New("a schema is called Error, which collides with names of C and TypeScript")
	}
	s := doc.Components.Schemas["ApiError"].Value
	code := s.Properties["code"].Value
	return errors.Join(
		equal("required", s.Required, []string{"code", "message"}),
		equal("fields", slices.Sorted(maps.Keys(s.Properties)), []string{"accessdenieddetail", "code", "message", "requestid"}),
		// A closed enum makes clients in Java, C# and Python refuse a code that it lacks.
		equal("code's type", code.Type.Slice(), []string{"string"}), equal("code's enum", len(code.Enum), 0), equal("code's pattern", code.Pattern, ""),
	)
}

func responses(doc *openapi3.T) error {
	var errs []error
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			errs = append(errs, described(method+" "+path, op.Responses.Map())...)
		}
	}
	for _, path := range []string{convertPath, tokenPath} {
		errs = append(errs, equal(path+" statuses", slices.Sorted(maps.Keys(doc.Paths.Value(path).Post.Responses.Map())),
			[]string{"200", "400", "401", "403", "404", "429", "500", "503", "default"}))
	}
	return errors.Join(errs...)
}

func described(operation string, responses map[string]*openapi3.ResponseRef) (errs []error) {
	for status, response := range responses {
		success := strings.HasPrefix(status, "2")
		if success && len(response.Value.Content) == 0 {
			continue // it says all
		}
		media := response.Value.Content["application/json"]
		if media == nil || len(response.Value.Content) != 1 {
			errs = append(errs, fmt.Errorf("%s %s is not JSON alone", operation, status))
			continue
		}
		if len(media.Examples) == 0 && media.Example == nil {
			errs = append(errs, fmt.Errorf("%s %s has no example", operation, status))
		}
		if !success {
			errs = append(errs, equal(operation+" "+status, media.Schema.Ref, "#/components/schemas/ApiError"))
		}
	}
	return errs
}

// documentedCodes compares the catalogue with the codes that DingTalk documents or was seen to send for these two
// operations: status, whether to repeat, and the effect on the token. The misspellings are the server's.
func documentedCodes(doc *openapi3.T) error {
	const denied = "Forbidden.AccessDenied."
	rows := catalogue(doc)
	var errs []error
	for code, want := range map[string]string{
		"invalideChatId":                           "400 false 0 keep",
		"permession.checkFailed":                   "400 false 0 keep",
		"InvalidAuthentication":                    "400 false 0 drop",
		"AuthenticationFailed.MissingParameter":    "400 false 0 fetch",
		"invalidClientIdOrSecret":                  "400 false 0 none",
		"Missingbody":                              "400 false 0 keep",
		"Invalidbody":                              "400 false 0 keep",
		"MissingappKey":                            "400 false 0 none",
		"MissingappSecret":                         "400 false 0 none",
		denied + "AccessTokenPermissionDenied":     "403 false 0 keep",
		denied + "IpNotInWhiteList":                "403 false 0 keep",
		denied + "QpsLimitForAppkeyAndApi":         "403 true 1 keep",
		denied + "QpsLimitForSuitekeyAndOrgAndApi": "403 true 1 keep",
		denied + "QpsLimitForApi":                  "403 true 1 keep",
		denied + "QpmLimitForAppkeyAndApi":         "403 true 60 keep",
		denied + "QpmLimitForSuitekeyAndOrgAndApi": "403 true 60 keep",
		denied + "ApiCountLimitForOrg":             "403 false 0 keep",
		"InvalidAction.NotFound":                   "404 false 0 keep",
		"unknownError":                             "500 true 0 keep",
		"systemError":                              "400 true 0 keep", // seen live at 400
		"system.error":                             "400 true 0 keep",
		"internalError":                            "500 true 0 keep",
	} {
		row := rows[code]
		if row == nil {
			errs = append(errs, fmt.Errorf("code %s is missing", code))
			continue
		}
		wait := row["waitSeconds"]
		if wait == nil {
			wait = 0
		}
		errs = append(errs, equal(code, fmt.Sprintf("%v %v %v %v", row["status"], row["retry"], wait, row["token"]), want))
	}
	return errors.Join(errs...)
}

// exampleCodes follows every example of an error to its row. An example shows the row's message where one is known, and
// stands under the row's status, 4xx and 5xx that no code of this gateway has excepted.
func exampleCodes(doc *openapi3.T) error {
	rows := catalogue(doc)
	var errs []error
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			errs = append(errs, exampleCodesOf(path, op, rows)...)
		}
	}
	return errors.Join(errs...)
}

func exampleCodesOf(path string, op *openapi3.Operation, rows map[string]map[string]any) (errs []error) {
	rows = maps.Clone(rows)
	addRows(rows, op.Extensions["x-error-codes"])
	for status, response := range op.Responses.Map() {
		if strings.HasPrefix(status, "2") {
			continue
		}
		for name, example := range response.Value.Content["application/json"].Examples {
			body, _ := example.Value.Value.(map[string]any)
			code, _ := body["code"].(string)
			row := rows[code]
			if row == nil {
				errs = append(errs, fmt.Errorf("%s %s: example %s has the code %q, which the catalogue lacks", path, status, name, code))
				continue
			}
			if message, known := row["message"]; known {
				errs = append(errs, equal(name+"'s message", body["message"], message))
			}
			if !slices.Contains([]string{"401", "429", "default"}, status) {
				errs = append(errs, equal(name+"'s status", status, fmt.Sprint(row["status"])))
			}
		}
	}
	return errs
}

// catalogue returns the rows of x-error-codes by code and alias.
func catalogue(doc *openapi3.T) map[string]map[string]any {
	rows := map[string]map[string]any{}
	addRows(rows, doc.Components.Schemas["ApiError"].Value.Extensions["x-error-codes"])
	return rows
}

func addRows(rows map[string]map[string]any, extension any) {
	list, _ := extension.([]any)
	for _, item := range list {
		row, _ := item.(map[string]any)
		aliases, _ := row["aliases"].([]any)
		for _, code := range append([]any{row["code"]}, aliases...) {
			rows[fmt.Sprint(code)] = row
		}
	}
}

func convert(doc *openapi3.T) *openapi3.Operation { return doc.Paths.Value(convertPath).Post }

// equal compares by what %v prints, which is enough for what a YAML file can hold and spells nil pointers alike.
func equal(what string, got, want any) error {
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		return fmt.Errorf("%s: %s, want %s", what, g, w)
	}
	return nil
}
