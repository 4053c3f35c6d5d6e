package shapes_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/shapes"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const file = "shapes.yaml"

// checked holds what is sent, and what is answered, to the contract as kin-openapi reads it.
type checked struct {
	t   *testing.T
	doc *openapi3.T
}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

func (c checked) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	if req.GetBody != nil {
		sent.Body, _ = req.GetBody()
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	for path, item := range c.doc.Paths.Map() {
		form := regexp.MustCompile(inBraces.ReplaceAllString(path, "(?P<$1>[^/]+)") + "$")
		values, op := form.FindStringSubmatch(req.URL.EscapedPath()), item.GetOperation(req.Method)
		if values == nil || op == nil {
			continue
		}
		input := &openapi3filter.RequestValidationInput{
			Request: sent, PathParams: map[string]string{},
			Route:   &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: req.Method, Operation: op},
			Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}
		for i, name := range form.SubexpNames()[1:] {
			input.PathParams[name], _ = url.PathUnescape(values[i+1])
		}
		if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
			c.t.Errorf("request %s: %v", req.URL, err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(answer))
		if err := errors.Join(err, openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(answer)), Options: input.Options,
		})); err != nil {
			c.t.Errorf("answer %s: %v", answer, err)
		}
	}
	return resp, nil
}

func TestEmulatorRefuses(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(shapes.Routes))
	token := server.IssueToken()
	for _, tt := range []struct{ method, path, body, want string }{
		{"GET", "/v1.0/users/u/lists/1", "", `400 "code":"MissingmaxResults"`},
		{"GET", "/v1.0/users/u/lists/1?maxResults=x", "", `400 "code":"InvalidmaxResults"`},
		{"GET", "/v1.0/users/u/lists/one?maxResults=1", "", `400 "code":"Invalidnumber"`},
		{"PUT", "/v1.0/users/u/lists/1", "", `400 "code":"Missingbody"`},
		{"PUT", "/v1.0/users/u/lists/1", "{", `400 "code":"Invalidbody"`},
		{"DELETE", "/v1.0/messages?id=1&id=x", "", `400 "code":"Invalidid"`},
		{"POST", "/prefix/v1.0/messages", "", "200 [1]"},
		{"POST", "/v1.0/messages", "", `404 "code":"InvalidAction.NotFound"`},
		{"GET", "/v1.0/users/../lists/1?maxResults=1", "", `404 "code":"InvalidAction.NotFound"`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(generated.TokenHeader, token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		status, part, _ := strings.Cut(tt.want, " ")
		if !strings.HasPrefix(resp.Status, status) || !strings.Contains(string(body), part) {
			t.Errorf("%s %s %s: %s %s, want %s", tt.method, tt.path, tt.body, resp.Status, body, tt.want)
		}
	}
}
