// Package emulatortest tests the emulator and its admin API. It is not beside them, because an app's go.sum lists what the tests
// of the packages that it imports need: here, a validator of OpenAPI.
package emulatortest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
			got := a.do(a.request(op.Method, braces.ReplaceAllString(op.Path, knownChat)+"?access_token="+a.IssueToken(), a.IssueToken(), nil))
			if op.TokenQuery == "" && op.LookupErrorCode(string(row.Code)) == generated.LookupErrorCode(string(row.Code)) {
				got.wantError(t, row.Code)
			}
			if a.Pending() != 0 {
				t.Errorf("%s of %s did not come", row.Code, op.ID)
			}
		}
	}
}

var (
	convertOp = generated.OperationChatIDToOpenConversationID
	tokenOp   = generated.OperationGetAccessToken
	sendOp    = generated.OperationOrgGroupSend
	queryOp   = generated.OperationOrgGroupQuery
	recallOp  = generated.OperationOrgGroupRecall
)

// What every emulator knows.
const (
	knownChat  = dingtalktest.ChatID
	knownGroup = dingtalktest.OpenConversationID
	robot      = dingtalktest.RobotCode
)

const gatewayType = "application/json;charset=UTF-8"

// requestIDForm is the form of captured request ids.
var requestIDForm = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$`)

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) apiError(t *testing.T) generated.APIError {
	t.Helper()
	return decoded[generated.APIError](t, r)
}

// decoded is an answer's body as a model.
func decoded[T any](t *testing.T, r reply) (model T) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), &model); err != nil {
		t.Fatalf("%d %q: %v", r.status, r.body, err)
	}
	return model
}

// wantError checks an error of the catalogue: status, code, message and request id.
func (r reply) wantError(t *testing.T, code generated.Code) {
	t.Helper()
	row := generated.LookupErrorCode(string(code))
	got := r.apiError(t)
	message := cmp.Or(row.Message, row.Description)
	if r.status != row.Status || got.Code != string(code) || !strings.HasPrefix(got.Message, message) {
		t.Fatalf("got %d %+v, want %d %s %q", r.status, got, row.Status, code, message)
	}
	if id := r.requestID(t); got.RequestID == nil || *got.RequestID != id {
		t.Errorf("request id in header %q, body %s", id, r.body)
	}
}

func (r reply) wantID(t *testing.T, id string) {
	t.Helper()
	if got := decoded[generated.ChatIDToOpenConversationIDResponseBody](t, r); r.status != http.StatusOK || got.OpenConversationID != id {
		t.Fatalf("got %d %s, want id %s", r.status, r.body, id)
	}
	r.requestID(t)
}

// requestID is what the gateway gives each of its answers.
func (r reply) requestID(t *testing.T) string {
	t.Helper()
	id := r.header.Get(generated.RequestIDHeader)
	if !requestIDForm.MatchString(id) || r.header.Get("Content-Type") != gatewayType {
		t.Errorf("header %v", r.header)
	}
	return id
}

// api calls a server over a connection pool of its own.
type api struct {
	*dingtalktest.Server
	t    *testing.T
	http *http.Client
}

func start(t *testing.T, opts ...dingtalktest.Option) *api {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &api{Server: dingtalktest.NewServer(t, opts...), t: t, http: &http.Client{Transport: transport}}
}

func (a *api) request(method, path, token string, body io.Reader) *http.Request {
	a.t.Helper()
	r := newRequest(a.t, method, a.URL+path, body)
	if token != "" {
		r.Header.Set(generated.TokenHeader, token)
	}
	return r
}

func newRequest(tb testing.TB, method, url string, body io.Reader) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, url, body)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func (a *api) send(r *http.Request) (reply, error) {
	response, err := a.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	return read(response)
}

func read(response *http.Response) (reply, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(body)}, err
}

// do sends a request that is answered. What the gateway answers, the contract describes.
func (a *api) do(r *http.Request) reply {
	a.t.Helper()
	got, err := a.send(r)
	if err != nil {
		a.t.Fatal(err)
	}
	if got.header.Get(generated.RequestIDHeader) != "" && got.header.Get("Content-Type") == gatewayType {
		_ = check(a.t, contract, r, got)
	}
	return got
}

func convertPath(chatID string) string {
	before, rest, _ := strings.Cut(convertOp.Path, "{")
	_, after, _ := strings.Cut(rest, "}")
	return before + url.PathEscape(chatID) + after
}

func (a *api) convert(token, chatID string) reply {
	a.t.Helper()
	return a.do(a.request(convertOp.Method, convertPath(chatID), token, nil))
}

// known converts the known chat.
func (a *api) known() reply { return a.convert(a.IssueToken(), knownChat) }

func (a *api) wantKnown(token string) {
	a.t.Helper()
	a.convert(token, knownChat).wantID(a.t, knownGroup)
}

func (a *api) fetch(appKey, appSecret string) reply {
	a.t.Helper()
	return a.post("application/json", fmt.Sprintf(`{"appKey":%q,"appSecret":%q}`, appKey, appSecret))
}

// post makes a token call with any body.
func (a *api) post(contentType, body string) reply {
	a.t.Helper()
	r := a.request(tokenOp.Method, tokenOp.Path, "", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return a.do(r)
}

// token makes a token call that succeeds.
func (a *api) token() generated.GetAccessTokenResponseBody {
	a.t.Helper()
	return a.tokenOf(dingtalktest.AppKey, dingtalktest.AppSecret)
}

func (a *api) tokenOf(appKey, appSecret string) generated.GetAccessTokenResponseBody {
	a.t.Helper()
	got := a.fetch(appKey, appSecret)
	model := decoded[generated.GetAccessTokenResponseBody](a.t, got)
	if got.status != http.StatusOK || model.AccessToken == "" {
		a.t.Fatalf("token call: %d %s", got.status, got.body)
	}
	return model
}

// fakeClock is a clock that tests move by hand.
type fakeClock struct{ moved atomic.Int64 }

func (c *fakeClock) Now() time.Time {
	return time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.moved.Load()))
}

func (c *fakeClock) Advance(d time.Duration) { c.moved.Add(int64(d)) }

// heap is how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
