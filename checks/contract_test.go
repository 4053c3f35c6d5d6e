package openconversation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

const (
	convertPath = "/v1.0/im/chat/{chatId}/convertToOpenConversationId"
	tokenPath   = "/v1.0/oauth2/accessToken"
)

// TestContract checks what openapi.yaml decides and no linter knows. Decisions that a linter can check are in .spectral.yaml.
func TestContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(openconversation.Contract))
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]func(*openapi3.T) error{
		"valid, with its examples":                           valid,
		"the guide is a tag":                                 guide,
		"who may call, as data too":                          appTypes,
		"every operation but the token call takes the token": tokenScheme,
		"errors are ApiErrors":                               responses,
		"documented codes":                                   documentedCodes,
		"examples are of the catalogue":                      exampleCodes,
		"the pair of the page": func(doc *openapi3.T) error {
			for _, e := range convert(doc).Responses.Status(200).Value.Content["application/json"].Examples {
				return equal("example", e.Value.Value, any(map[string]any{"openConversationId": "cidl1B8RVUFmkO50OC9uEbySQ=="}))
			}
			return errors.New("the conversion has no example")
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(doc); err != nil {
				t.Error(err)
			}
		})
	}
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
	if tag := doc.Tags.Get("guide"); tag == nil || tag.Extensions["x-traitTag"] != true || len(tag.Description) < 2000 {
		return errors.New("there is no tag guide that is marked as text")
	}
	return nil
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

// tokenScheme: the token call is the one that needs no token, which is an empty list and not none.
func tokenScheme(doc *openapi3.T) error {
	legacy := doc.Components.SecuritySchemes["legacyAccessToken"].Value
	err := errors.Join(
		equal("security", doc.Security, openapi3.SecurityRequirements{{"accessToken": {}}}),
		equal("legacy scheme", legacy.Type+" in "+legacy.In+" "+legacy.Name, "apiKey in query access_token"),
	)
	if s := doc.Paths.Value(tokenPath).Post.Security; s == nil || len(*s) != 0 {
		err = errors.Join(err, errors.New("the token operation asks for a token"))
	}
	return err
}

func responses(doc *openapi3.T) error {
	s := doc.Components.Schemas["ApiError"].Value
	errs := []error{
		equal("required", s.Required, []string{"code", "message"}),
		equal("fields", slices.Sorted(maps.Keys(s.Properties)), []string{"accessdenieddetail", "code", "message", "requestid", "statusCode"}),
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				if media := response.Value.Content["application/json"]; media != nil && !strings.HasPrefix(status, "2") {
					errs = append(errs, equal(method+" "+path+" "+status, media.Schema.Ref, "#/components/schemas/ApiError"))
				}
			}
		}
	}
	for _, path := range []string{convertPath, tokenPath} {
		errs = append(errs, equal(path+" statuses", slices.Sorted(maps.Keys(doc.Paths.Value(path).Post.Responses.Map())),
			[]string{"200", "400", "401", "403", "404", "429", "500", "503", "default"}))
	}
	return errors.Join(errs...)
}

// documentedCodes compares the catalogue with the codes that DingTalk documents or was seen to send for these two
// operations: status, whether to repeat, and the effect on the token. The misspellings are the server's.
func documentedCodes(*openapi3.T) error {
	const denied = "Forbidden.AccessDenied."
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
		row := generated.LookupErrorCode(code)
		if row == nil || string(row.Code) != code && !slices.Contains(row.Aliases, code) {
			errs = append(errs, fmt.Errorf("code %s is missing", code))
			continue
		}
		errs = append(errs, equal(code, fmt.Sprintf("%d %t %g %s", row.Status, row.Retry, row.Wait.Seconds(), row.Token), want))
	}
	return errors.Join(errs...)
}

// exampleCodes follows every example of an error to its row. An example shows the row's message where one is known, and
// stands under the row's status, 4xx and 5xx that no code of this gateway has excepted.
func exampleCodes(doc *openapi3.T) error {
	var errs []error
	for _, route := range generated.Routes {
		for status, response := range doc.Paths.Value(route.Path).GetOperation(route.Method).Responses.Map() {
			if strings.HasPrefix(status, "2") {
				continue
			}
			for name, example := range response.Value.Content["application/json"].Examples {
				body, _ := example.Value.Value.(map[string]any)
				code, _ := body["code"].(string)
				row := route.LookupErrorCode(code)
				if row == nil {
					errs = append(errs, fmt.Errorf("%s %s: example %s has the code %q, which the catalogue lacks", route.ID, status, name, code))
					continue
				}
				if row.Message != "" && code == string(row.Code) { // an alias has a text of its own
					errs = append(errs, equal(name+"'s message", body["message"], row.Message))
				}
				if !slices.Contains([]string{"401", "429", "default"}, status) {
					errs = append(errs, equal(name+"'s status", status, row.Status))
				}
			}
		}
	}
	return errors.Join(errs...)
}

func convert(doc *openapi3.T) *openapi3.Operation { return doc.Paths.Value(convertPath).Post }

// equal compares by what %v prints, which is enough for what a YAML file can hold and spells nil pointers alike.
func equal(what string, got, want any) error {
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		return fmt.Errorf("%s: %s, want %s", what, g, w)
	}
	return nil
}
