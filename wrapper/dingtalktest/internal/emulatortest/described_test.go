// Package emulatortest tests the emulator and its admin API. It is not beside them, because an app's go.sum lists what the tests
// of the packages that it imports need: here, a validator of OpenAPI.
package emulatortest

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// The descriptions that every test of this package holds requests and answers to.
var (
	contract = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromFile("../../../../openapi.yaml") })
	adminAPI = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(admin.OpenAPI()) })
	braces   = regexp.MustCompile(`\{(\w+)\}`)
	refused  = regexp.MustCompile(`"errcode":[^0]`) // with status 200
)

// check compares an answer with the description of its operation, if there is one, and the request too if it says JSON and was
// accepted. It returns what is wrong with a request that was not.
func check(t *testing.T, described func() (*openapi3.T, error), r *http.Request, got reply) (wrong error) {
	t.Helper()
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		operation := item.Operations()[r.Method]
		values := regexp.MustCompile("^" + braces.ReplaceAllString(path, "([^/]+)") + "$").FindStringSubmatch(r.URL.EscapedPath())
		if operation == nil || values == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range braces.FindAllStringSubmatch(path, -1) {
			params[name[1]], _ = url.PathUnescape(values[i+1])
		}
		again := r.Clone(t.Context())
		if r.GetBody != nil {
			again.Body, _ = r.GetBody()
		}
		input := &openapi3filter.RequestValidationInput{
			Request: again, PathParams: params, Route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: operation},
			Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}
		if r.ContentLength == 0 || r.Header.Get("Content-Type") == "application/json" {
			if wrong = openapi3filter.ValidateRequest(t.Context(), input); wrong != nil && got.status < 300 && !refused.MatchString(got.body) {
				t.Errorf("%s %s was accepted: %v", r.Method, r.URL, wrong)
			}
		}
		if got.header.Get("Content-Type") == "application/yaml" {
			return wrong // The validator would read it as YAML, and it is a text here.
		}
		if err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: got.status, Header: got.header, Body: io.NopCloser(strings.NewReader(got.body)), Options: input.Options,
		}); err != nil {
			t.Errorf("%s %s: answer %d %s: %v", r.Method, r.URL, got.status, got.body, err)
		}
	}
	return wrong
}

// Each code of the catalogue is an answer of each operation as its contract says.
func TestContract(t *testing.T) {
	for _, described := range []func() (*openapi3.T, error){contract, adminAPI} {
		doc, err := described()
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Error(err)
		}
	}
	a := start(t)
	for _, row := range generated.ErrorCodes {
		for _, route := range generated.Routes {
			op := route.Operation
			a.FailNext(dingtalktest.Code(row.Code).For(*op))
			got := a.do(a.request(op.Method, braces.ReplaceAllString(op.Path, dingtalktest.ChatID)+"?access_token="+a.IssueToken(), a.IssueToken(), nil))
			if op.TokenQuery == "" && op.LookupErrorCode(string(row.Code)) == generated.LookupErrorCode(string(row.Code)) {
				got.wantError(t, row.Code)
			}
			if a.Pending() != 0 {
				t.Errorf("%s of %s did not come", row.Code, op.ID)
			}
		}
	}
}
