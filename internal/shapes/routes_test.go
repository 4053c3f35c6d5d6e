package shapes_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	file = "shapes.yaml"
	own  = "../../openapi.yaml"
)

func of(t *testing.T, file string) []generated.Route {
	t.Helper()
	c, err := contract.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Routes()
}

// TestOfOwn: what is read from the contract is what is generated from it.
func TestOfOwn(t *testing.T) {
	if got := of(t, own); !reflect.DeepEqual(got, generated.Routes) {
		t.Errorf("got %+v\nwant %+v", got, generated.Routes)
	}
}

// TestEmulatorServes: the emulator serves every operation of a contract, and kin-openapi finds requests and answers valid.
func TestEmulatorServes(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := of(t, file)
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(all))
	for _, route := range all {
		t.Run(route.Operation.ID, func(t *testing.T) {
			request, sent := capture(t, server, route)
			got, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			answer, err := io.ReadAll(got.Body)
			if err != nil || got.StatusCode != route.Operation.Status {
				t.Fatalf("%d %s, %v", got.StatusCode, answer, err)
			}
			item := doc.Paths.Find(route.Operation.Path)
			input := &openapi3filter.RequestValidationInput{
				Request: sent, PathParams: map[string]string{},
				Route:   &routers.Route{Spec: doc, Path: route.Operation.Path, PathItem: item, Method: route.Operation.Method, Operation: item.GetOperation(route.Operation.Method)},
				Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
			}
			for _, p := range route.Parameters {
				if p.In == "path" {
					input.PathParams[p.Name] = value(p)
				}
			}
			if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
				t.Errorf("request %s: %v", sent.URL, err)
			}
			err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: input, Status: got.StatusCode, Header: got.Header, Body: io.NopCloser(bytes.NewReader(answer)), Options: input.Options,
			})
			if err != nil {
				t.Errorf("answer %s: %v", answer, err)
			}
			if server.Count(*route.Operation) != 1 {
				t.Errorf("%d requests were counted", server.Count(*route.Operation))
			}
		})
	}
}

func value(p generated.Field) string {
	switch p.Type {
	case "integer", "number":
		return "7"
	case "boolean":
		return "true"
	default:
		return cmp.Or(map[string]string{"state": "open", "kinds": "b-c", "x-union-id": "u"}[p.Name], "a/b 群")
	}
}

// capture makes the request of a route with a value for every parameter, twice: one to send and one to look at.
func capture(t *testing.T, server *dingtalktest.Server, route generated.Route) (send, look *http.Request) {
	t.Helper()
	r := generated.NewRequest(route.Operation)
	for _, p := range route.Parameters {
		values := []string{value(p)}
		if p.List {
			values = append(values, value(p))
		}
		switch {
		case p.In == "path":
			r.SetPath(p.Name, values...)
		case p.In == "header":
			r.AddHeader(p.Name, values...)
		case p.Explode:
			for _, v := range values {
				r.AddQuery(p.Name, v)
			}
		default:
			r.AddQuery(p.Name, values...)
		}
	}
	if route.Body != generated.BodyNone {
		r.SetBody(json.RawMessage(bodies[route.Operation.ID]))
	}
	base := server.URL
	if route.Operation.Server != "" {
		base += "/prefix"
	}
	client, err := generated.NewClient(base, generated.WithHTTPClient(doer(func(req *http.Request) (*http.Response, error) {
		req.Header.Set(generated.TokenHeader, server.IssueToken())
		send, look = req, req.Clone(t.Context())
		if req.GetBody != nil {
			look.Body, _ = req.GetBody()
		}
		return &http.Response{Body: http.NoBody}, nil
	})))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Send(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return send, look
}

var bodies = map[string]string{
	"patch-map": `{"a":1}`, "queryPages": `{"cursor":9007199254740993}`, "replaceUser": `{"unionid":"u","name":"n","more":[1]}`,
	"sendMessage": `{"text":"t","at":["a"]}`,
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestEmulatorRefuses(t *testing.T) {
	all := of(t, file)
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(all))
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

func TestEmulatorAnswersOfTests(t *testing.T) {
	all := of(t, file)
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(all), dingtalktest.WithAnswer("queryPages", func(r *http.Request) any {
		body, _ := io.ReadAll(r.Body)
		return map[string]string{"got": string(body)}
	}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1.0/pages", strings.NewReader(`{"cursor":3}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(generated.TokenHeader, server.IssueToken())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != `{"got":"{\"cursor\":3}"}` {
		t.Errorf("got %s", body)
	}
}
