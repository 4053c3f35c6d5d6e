package contract_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// TestAdmin sends requests to each operation of the admin API, and holds both sides to its description.
func TestAdmin(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(admin.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	emulator := dingtalktest.New()
	server := httptest.NewServer(admin.Handler(emulator))
	t.Cleanup(server.Close)
	seen := map[string]bool{}
	for _, c := range []struct {
		method, path, query, body string
		status                    int
		badRequest                bool
	}{
		{method: "GET", path: "/healthz", status: 200},
		{method: "GET", path: "/openapi.yaml", status: 200},
		{method: "GET", path: "/requests", status: 200},
		{method: "GET", path: "/requests", query: "wait=9&timeout=0", status: 408},
		{method: "GET", path: "/requests", query: "timeout=61", status: 400, badRequest: true},
		{method: "GET", path: "/counts", status: 200},
		{method: "GET", path: "/fault-kinds", status: 200},
		{method: "POST", path: "/faults", body: `["502:3",{"fault":"raw","status":200,"contentType":"","bodyBase64":"/w==","delay":"1s"},{"fault":"code","code":"x","headers":{"A":"b"},"always":true}]`, status: 204},
		{method: "GET", path: "/faults", status: 200},
		{method: "POST", path: "/faults", body: `{"fault":"reset"}`, status: 400, badRequest: true},
		{method: "DELETE", path: "/faults", status: 204},
		{method: "PATCH", path: "/settings", body: `{"chats":{"a":"cidA=="},"expireIn":5,"time":"2027-01-01T00:00:00Z","faults":["502"],"groups":[{"chatId":"g"}],"latency":"1ms","credentials":{"k":"s"}}`, status: 200},
		{method: "PATCH", path: "/settings", body: `{"chats":{"a":null},"expireIn":null}`, status: 200},
		{method: "PATCH", path: "/settings", body: `{"nothing":1}`, status: 400, badRequest: true},
		{method: "GET", path: "/settings", status: 200},
		{method: "POST", path: "/groups", body: `{"chatId":"chat1","name":"Sales","members":["a"],"robots":[],"disbanded":true}`, status: 200},
		{method: "POST", path: "/groups", body: `{"name":"Sales"}`, status: 400, badRequest: true},
		{method: "GET", path: "/groups", status: 200},
		{method: "GET", path: "/groups", query: "chatId=chat1", status: 200},
		{method: "GET", path: "/messages", status: 200},
		{method: "POST", path: "/messages/read", body: `{"processQueryKey":"none","userIds":["a"]}`, status: 404},
		{method: "POST", path: "/messages/read", body: `{"userIds":["a"]}`, status: 400, badRequest: true},
		{method: "POST", path: "/tokens", status: 200},
		{method: "POST", path: "/tokens/reject", status: 204},
		{method: "POST", path: "/tokens/expire", status: 204},
		{method: "GET", path: "/quota", status: 200},
		{method: "DELETE", path: "/quota", status: 204},
		{method: "GET", path: "/clock", status: 200},
		{method: "POST", path: "/clock", body: `{"advance":"2h"}`, status: 200},
		{method: "POST", path: "/clock", body: `{"advance":2}`, status: 400, badRequest: true},
		{method: "DELETE", path: "/requests", status: 204},
		{method: "POST", path: "/reset", status: 204},
	} {
		t.Run(c.method+c.path+"?"+c.query+c.body, func(t *testing.T) {
			// Something to see.
			emulator.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), convertOp.Method, "/v1.0/im/chat/x/convertToOpenConversationId", nil))
			newRequest := func() *http.Request {
				r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path+"?"+c.query, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				if c.body != "" {
					r.Header.Set("Content-Type", "application/json")
				}
				return r
			}
			item := doc.Paths.Find(c.path)
			operation := item.GetOperation(c.method)
			seen[operation.OperationID] = true
			input := &openapi3filter.RequestValidationInput{
				Request: newRequest(),
				Route:   &routers.Route{Spec: doc, Path: c.path, PathItem: item, Method: c.method, Operation: operation},
				Options: &openapi3filter.Options{IncludeResponseStatus: true},
			}
			if err := openapi3filter.ValidateRequest(t.Context(), input); (err != nil) != c.badRequest {
				t.Errorf("request, bad: %v: %v", c.badRequest, err)
			}
			got := do(t, newRequest())
			if got.status != c.status {
				t.Errorf("got %d %s, want %d", got.status, got.body, c.status)
			}
			if got.header.Get("Content-Type") == "application/yaml" {
				return // The validator would read it as YAML, and it is a text here.
			}
			if err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: input, Status: got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader(got.body)), Options: input.Options,
			}); err != nil {
				t.Errorf("answer %d %s: %v", got.status, got.body, err)
			}
		})
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if !seen[operation.OperationID] {
				t.Errorf("no case of %s %s", method, path)
			}
		}
	}
}
