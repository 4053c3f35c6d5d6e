package emulatortest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// own is a contract of one operation.
func own(o generated.Operation, example string) dingtalktest.Option {
	o.ID, o.Method, o.Path, o.Status = "createTask", "POST", "/v1.0/todo/tasks", 200
	return dingtalktest.WithSpec([]generated.Route{{Operation: &o, Example: example}})
}

// task asks for the operation of that contract.
func (a *api) task(body string, header ...string) reply {
	a.t.Helper()
	r := a.request("POST", "/v1.0/todo/tasks", a.IssueToken(), strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return a.do(r)
}

// A permission that is taken away refuses the operations that need it, and no other.
func TestMissingPermission(t *testing.T) {
	a := start(t, own(generated.Operation{Permission: "todo.write"}, `{}`), dingtalktest.WithoutPermission("todo.write", sendOp.Permission))
	if code := a.code(sendOp, sendBody); code != generated.CodePermissionDenied {
		t.Errorf("a message: %q", code)
	}
	got := a.task(`{}`)
	if e := got.apiError(t); got.status != 403 || e.AccessDeniedDetail == nil || !slices.Equal(e.AccessDeniedDetail.RequiredScopes, []string{"todo.write"}) {
		t.Errorf("a task: %d %s", got.status, got.body)
	}
	a.wantKnown(a.token().AccessToken)
	if chat := a.describe(a.IssueToken(), knownChat); chat.Errcode != 0 {
		t.Errorf("a description: %d", chat.Errcode)
	}
	a.Configure(dingtalktest.WithoutPermission())
	refused := a.known()
	refused.wantError(t, generated.CodePermissionDenied)
	if got := refused.apiError(t).AccessDeniedDetail; got == nil || !slices.Equal(got.RequiredScopes, []string{dingtalktest.Scope}) {
		t.Errorf("a conversion: %s", refused.body)
	}
	if chat := a.describe(a.IssueToken(), knownChat); chat.ChatInfo != nil { // needs the same one
		t.Errorf("a description: %+v", chat)
	}
	if code := a.code(sendOp, sendBody); code != "" {
		t.Errorf("a message: %q", code)
	}
	a.Configure(dingtalktest.WithPermission(), func(s *dingtalktest.Settings) { s.AddressNotAllowed = true })
	a.known().wantError(t, generated.CodeIPNotAllowed)
}

// A fault meets the requests that it is bound to, and waits for them.
func TestFaultsAreBound(t *testing.T) {
	a := start(t, dingtalktest.WithAnyChat(), dingtalktest.WithCredentials("k1", "s1"), dingtalktest.WithCredentials("k2", "s2"))
	token := a.tokenOf("k1", "s1").AccessToken
	describe := func(id string) reply {
		return a.do(a.request("GET", generated.OperationGetChat.Path+"?access_token="+token+"&chatid="+id, "", nil))
	}
	send := func(id string) reply {
		return a.do(a.request("POST", sendOp.Path, token, strings.NewReader(message(dingtalktest.OpenConversationIDOf(id), robot, "{}"))))
	}
	marked := func(value string) reply {
		r := a.request(convertOp.Method, convertPath("a"), token, nil)
		r.Header.Set("X-Test", value)
		return a.do(r)
	}
	a.Configure(dingtalktest.WithChat("b", dingtalktest.OpenConversationIDOf("b"))) // so that its id is known of its openConversationId
	for name, c := range map[string]struct {
		fault      dingtalktest.Fault
		other, met func() reply
	}{
		"chat, path":      {dingtalktest.Fault{ChatID: "b"}, func() reply { return a.convert(token, "a") }, func() reply { return a.convert(token, "b") }},
		"chat, query":     {dingtalktest.Fault{ChatID: "b"}, func() reply { return describe("a") }, func() reply { return describe("b") }},
		"chat, body":      {dingtalktest.Fault{ChatID: "b"}, func() reply { return send("a") }, func() reply { return send("b") }},
		"app, token call": {dingtalktest.Fault{AppKey: "k2"}, func() reply { return a.fetch("k1", "s1") }, func() reply { return a.fetch("k2", "s2") }},
		"app, call":       {dingtalktest.Fault{AppKey: "k2", Operation: convertOp.ID}, func() reply { return a.convert(token, "a") }, func() reply { return a.convert(a.tokenOf("k2", "s2").AccessToken, "a") }},
		"header":          {dingtalktest.Fault{RequestHeaders: map[string]string{"x-test": "7"}}, func() reply { return marked("8") }, func() reply { return marked("7") }},
	} {
		c.fault.Kind, c.fault.Status = "page", 502
		a.FailNext(c.fault)
		if got := c.other(); got.status != 200 || a.Pending() != 1 {
			t.Errorf("%s: another request: %d %s", name, got.status, got.body)
		}
		if got := c.met(); got.status != 502 || a.Pending() != 0 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// The request of a lost answer was processed; that of a reset connection was not.
func TestLostAnswer(t *testing.T) {
	a := start(t)
	for i, fault := range []dingtalktest.Fault{dingtalktest.Lost().For(sendOp), dingtalktest.Reset().For(sendOp)} {
		a.FailNext(fault)
		if got, err := a.send(a.message()); err == nil {
			t.Errorf("%s: %d %s", fault.Name(), got.status, got.body)
		}
		if n := len(a.Messages()); n != 1 || a.Count(sendOp) != i+1 {
			t.Errorf("%s: %d messages of %d requests", fault.Name(), n, a.Count(sendOp))
		}
	}
	if seen := a.Requests(dingtalktest.Filter{Fault: "lost"}); len(seen) != 1 || seen[0].Status != 0 {
		t.Errorf("recorded %+v", seen)
	}
}

// A trap for HTTP libraries that repeat below their caller: the connection is reset once it was used, and over HTTP/2 a stream of
// it, also with the request half sent.
func TestReusedConnections(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		a := start(t)
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetUnencryptedHTTP2(http2)
		a.http.Transport.(*http.Transport).Protocols = protocols
		var connections int
		send := func() (reply, error) {
			trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
				if !c.Reused {
					connections++
				}
			}})
			return a.send(a.message().WithContext(trace))
		}
		a.FailNext(dingtalktest.Fault{Kind: "reset", Operation: sendOp.ID, Reused: true})
		if got, err := send(); err != nil || got.status != 200 {
			t.Errorf("on a fresh connection: %v %+v", err, got)
		}
		if got, err := send(); err == nil || http2 != strings.Contains(err.Error(), "INTERNAL_ERROR") {
			t.Errorf("on a reused connection: %v %+v", err, got)
		}
		if got, err := send(); err != nil || got.status != 200 {
			t.Errorf("afterwards: %v %+v", err, got)
		}
		want := map[bool]int{false: 2, true: 1}[http2] // the stream ended, and its connection did not
		if n := len(a.Messages()); n != 2 || a.Count(sendOp) != 3 || connections != want {
			t.Errorf("HTTP/2 %v: %d messages of %d requests on %d connections", http2, n, a.Count(sendOp), connections)
		}
	}
}

func TestBusinessFailure(t *testing.T) {
	a := start(t, own(generated.Operation{Success: []generated.Pair{{Name: "success", Value: "true"}, {Name: "errcode", Value: "0"}}}, `{"success":true,"errcode":0,"taskId":"t"}`))
	a.FailNext(dingtalktest.Fault{Kind: "business-failure"})
	a.known().wantID(t, knownGroup) // has no such field
	if got := a.task(`{}`); got.status != 200 || got.body != `{"errcode":-1,"success":false,"taskId":"t"}` {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := a.task(`{}`); got.body != `{"success":true,"errcode":0,"taskId":"t"}` {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Bodies of a contract's operations are checked as the contract says, and a refusal names the field.
func TestBodiesAreChecked(t *testing.T) {
	a := start(t, own(generated.Operation{Body: generated.BodyRequired, Content: &generated.Field{Type: "object", Required: true, Fields: []generated.Field{
		{Name: "title", Type: "string", Required: true, MaxLength: 5},
		{Name: "param", Type: "string", JSON: true, MaxBytes: 9},
		{Name: "count", Type: "integer", Minimum: "1", Maximum: "9"},
		{Name: "share", Type: "number"},
		{Name: "done", Type: "boolean"},
		{Name: "note", Type: "string", Required: true, Nullable: true},
		{Name: "id", Type: "string", Required: true, ReadOnly: true},
		{Name: "users", List: true, Type: "object", MinItems: 1, MaxItems: 2, Fields: []generated.Field{{Name: "userId", Type: "string", Required: true}}},
	}}}, `{"taskId":"t"}`))
	for body, want := range map[string]string{
		`{"title":"a","note":null}`: "",
		`{"title":"a","note":"b","extra":1,"count":9,"share":1e3,"done":false,"param":"{}","users":[{"userId":"u"}]}`: "",
		`{"title":"a","note":"b","count":null,"users":null}`:                                                          "",
		``:                                     "Missingbody",
		`{`:                                    "Invalidbody (the body is not JSON)",
		`[]`:                                   "Invalidbody (the body is not an object)",
		`null`:                                 "Missingtitle",
		`{"note":"b"}`:                         "Missingtitle",
		`{"title":null,"note":"b"}`:            "Missingtitle",
		`{"title":"","note":"b"}`:              "Missingtitle",
		`{"title":"a"}`:                        "Missingnote",
		`{"title":7,"note":"b"}`:               "Invalidbody (title is not a string)",
		`{"title":"abcdef","note":"b"}`:        "Invalidtitle (title has 6 characters)",
		`{"title":"a","note":"b","param":"{"}`: "Invalidparam (param is not JSON)",
		`{"title":"a","note":"b","param":"[1,2,3,4,5]"}`: "Invalidparam (param has 11 bytes)",
		`{"title":"a","note":"b","count":"1"}`:           "Invalidbody (count is not a number of type integer)",
		`{"title":"a","note":"b","count":1.5}`:           "Invalidbody (count is not a number of type integer)",
		`{"title":"a","note":"b","count":10}`:            "Invalidcount (count is 10)",
		`{"title":"a","note":"b","done":1}`:              "Invalidbody (done is not true or false)",
		`{"title":"a","note":"b","users":{}}`:            "Invalidbody (users is not a list)",
		`{"title":"a","note":"b","users":[]}`:            "Invalidusers (users has 0 items)",
		`{"title":"a","note":"b","users":[{}]}`:          "Missingusers[0].userId",
		`{"title":"a","note":"b","users":["u"]}`:         "Invalidbody (users[0] is not an object)",
	} {
		got := a.task(body)
		if want == "" {
			if got.status != 200 {
				t.Errorf("%s: %d %s", body, got.status, got.body)
			}
			continue
		}
		code, why, _ := strings.Cut(want, " ")
		if e := got.apiError(t); got.status != 400 || e.Code != code || !strings.HasSuffix(e.Message, why) {
			t.Errorf("%s: %d %s, want %s", body, got.status, got.body, want)
		}
	}
}

// The record has what was sent, without secrets, and bounded.
func TestBodiesAreOnRecord(t *testing.T) {
	a := start(t, own(generated.Operation{Body: generated.BodyOptional}, `{}`), dingtalktest.WithCredentials("k", "s+of worth"))
	token := a.IssueToken()
	for _, c := range []struct{ contentType, body, want string }{
		{"", `{"title": "a",  "nextToken": "page2"}`, `{"title": "a",  "nextToken": "page2"}`},
		{"", `{"appSecret":"x","list":[{"access_token":"y","Password":"z"}],"n":12345678901234567890}`, `{"appSecret":"REDACTED","list":[{"Password":"REDACTED","access_token":"REDACTED"}],"n":12345678901234567890}`},
		{"", `{"a":"before s\u002bof worth after"}`, `{"a":"before REDACTED after"}`},
		{"", `{"a":"` + token + `"}`, `{"a":"REDACTED"}`},
		{"", `broken { "s+of worth"`, `broken { "REDACTED"`},
		{"application/x-www-form-urlencoded", "client_secret=s%2Bof+worth&b=c&password=hidden%20thing", "client_secret=REDACTED&b=c&password=REDACTED"},
		{"", "\xff\x00", "\ufffd\x00"},
		{"", strings.Repeat("x", 20_000), strings.Repeat("x", 16_384) + "…"},
		{"", strings.Repeat("x", 70_000), ""},
	} {
		a.task(c.body, "Content-Type", c.contentType)
		list := a.Requests()
		if got := list[len(list)-1].Body; got != c.want {
			t.Errorf("%.60q is on record as %.200q, want %.200q", c.body, got, c.want)
		}
	}
	a.fetch("k", "s+of worth")
	for _, r := range a.Requests() {
		if strings.Contains(fmt.Sprintf("%+v", r), "of worth") || strings.Contains(r.Body, token) {
			t.Errorf("a secret is on record: %.300s", r.Body)
		}
	}
}

// However many requests there were, an emulator takes the same memory.
func TestMemoryIsFlat(t *testing.T) {
	e := dingtalktest.New(dingtalktest.WithAnyChat(), dingtalktest.WithQPS(1e9), func(s *dingtalktest.Settings) { s.RecordSize = 100 })
	token := e.IssueToken()
	serve := func(messages, size int) {
		body := message(knownGroup, robot, `{"a":"`+strings.Repeat("x", size)+`"}`)
		for i := range messages {
			r := httptest.NewRequestWithContext(t.Context(), "POST", sendOp.Path, strings.NewReader(body))
			r.Header.Set(generated.TokenHeader, token)
			if i%10 == 0 {
				e.FailNext(dingtalktest.Code(generated.Code(fmt.Sprint("code", i, "-", size))))
			}
			e.ServeHTTP(nowhere{}, r)
		}
	}
	serve(10_500, 1) // more than are kept
	before := heap()
	serve(2_000, 2)
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if n := len(e.Counts()[sendOp.ID].Codes); n != 1000 { // of 1,250
		t.Errorf("%d codes are counted", n)
	}
	serve(1_200, 14_000)
	if grown := heap() - before; grown > 12<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	runtime.KeepAlive(e)
}
