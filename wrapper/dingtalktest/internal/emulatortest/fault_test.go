package emulatortest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestFaultsApplyInOrder(t *testing.T) {
	a := start(t)
	a.FailNext(
		dingtalktest.Code(generated.CodeServiceBusy).For(tokenOp),
		dingtalktest.Code(generated.CodeSystemError).For(convertOp).Times(2),
		dingtalktest.Pass().For(convertOp),
		dingtalktest.Code(generated.CodeUnknownError),
	)
	a.FailNext(dingtalktest.Code(generated.CodeInternalError).Times(0))
	if a.Pending() != 5 {
		t.Errorf("%d queued", a.Pending())
	}
	token := a.IssueToken()
	a.convert(token, knownChat).wantError(t, generated.CodeSystemError)
	a.convert(token, knownChat).wantError(t, generated.CodeSystemError)
	a.wantKnown(token)
	a.do(a.request("GET", "/v1.0/else", "", nil)).wantError(t, generated.CodeUnknownError)
	a.fetch("x", "y").wantError(t, generated.CodeServiceBusy)
	a.convert("not even a token", knownChat).wantError(t, generated.CodeInternalError)
	a.wantKnown(token)
	if a.Pending() != 0 {
		t.Errorf("%d queued", a.Pending())
	}

	a.FailNext(dingtalktest.Code(generated.CodeServiceBusy).Always())
	for range 5 {
		a.convert(token, knownChat).wantError(t, generated.CodeServiceBusy)
	}
	a.ClearFaults()
	a.wantKnown(token)
}

func TestFaultDetails(t *testing.T) {
	a := start(t)
	a.FailNext(dingtalktest.Code("aCodeOfTomorrow"))
	got := a.convert("", "x")
	if e := got.apiError(t); got.status != http.StatusBadRequest || e.Code != "aCodeOfTomorrow" || e.Message != "aCodeOfTomorrow" {
		t.Errorf("%d %+v", got.status, e)
	}

	a.FailNext(dingtalktest.Fault{Kind: "code", Code: generated.CodeSystemError, Status: 500, Message: "later", RetryAfter: "0"}.WithHeader("x-Other", "y"))
	got = a.convert("", "x")
	if e := got.apiError(t); got.status != 500 || e.Code != "systemError" || e.Message != "later" ||
		got.header.Get("Retry-After") != "0" || got.header.Get("X-Other") != "y" {
		t.Errorf("%d %v %+v", got.status, got.header, e)
	}

	for _, c := range []struct {
		fault dingtalktest.Fault
		want  []string
	}{
		{dingtalktest.Code(generated.CodePermissionDenied), []string{dingtalktest.Scope}},
		{dingtalktest.Fault{Kind: "code", Code: generated.CodePermissionDenied, Scopes: []string{"a", "b"}}, []string{"a", "b"}},
		{dingtalktest.Fault{Kind: "code", Code: generated.CodePermissionDenied, Scopes: []string{}}, nil},
	} {
		a.FailNext(c.fault)
		detail := a.convert("", "x").apiError(t).AccessDeniedDetail
		var scopes []string
		if detail != nil {
			scopes = detail.RequiredScopes
		}
		if strings.Join(scopes, " ") != strings.Join(c.want, " ") || (detail == nil) != (c.want == nil) {
			t.Errorf("scopes %v, want %v", scopes, c.want)
		}
	}

	// Methods return copies.
	busy := dingtalktest.Code(generated.CodeServiceBusy)
	_ = busy.WithHeader("Retry-After", "1").Times(9)
	later := busy.WithHeader("Retry-After", "2")
	_ = later.WithHeader("Retry-After", "3")
	a.FailNext(busy, later)
	if first, second := a.convert("", "x"), a.convert("", "x"); first.header.Get("Retry-After") != "" || second.header.Get("Retry-After") != "2" || a.Pending() != 0 {
		t.Error("a modifier changed the fault it was called on")
	}
}

// What each fault answers, also to a request that nobody reads to its end. The next request is answered as usual.
func TestAnswersOfFaults(t *testing.T) {
	a := start(t)
	a.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	token := a.IssueToken()
	whole := a.convert(token, knownChat).body
	half := whole[:len(whole)/2]
	for _, c := range []struct {
		fault             dingtalktest.Fault
		status            int
		contentType, body string
		err               string // a part of it
	}{
		{dingtalktest.Raw(200, "application/json", []byte(`null`)), 200, "application/json", `null`, ""},
		{dingtalktest.Raw(200, "", []byte("untyped")), 200, "", "untyped", ""},
		{dingtalktest.Raw(204, "", nil), 204, "", "", ""},
		{dingtalktest.Raw(302, "", nil).WithHeader("Location", "/v1.0/x"), 302, "", "", ""},
		{dingtalktest.Page(502), 502, "text/html; charset=utf-8", "<!DOCTYPE html>\n<html><head><title>502</title></head><body><h1>502</h1><hr>Tengine</body></html>\n", ""},
		{dingtalktest.Fault{Kind: "truncated"}, 200, gatewayType, half, io.ErrUnexpectedEOF.Error()},
		{dingtalktest.Fault{Kind: "truncated", Status: 500, ContentType: "text/plain", Body: "abcd"}, 500, "text/plain", "ab", io.ErrUnexpectedEOF.Error()},
		{dingtalktest.Fault{Kind: "wrong-length"}, 200, gatewayType, half, ""},
		{dingtalktest.Fault{Kind: "slow", Interval: dingtalktest.Duration(time.Microsecond)}, 200, gatewayType, whole, ""},
		{dingtalktest.Fault{Kind: "switching-protocols"}, 101, "", "", ""},
		{dingtalktest.Reset(), 0, "", "", syscall.ECONNRESET.Error()},
		{dingtalktest.Bytes([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")), 200, "", "{", io.ErrUnexpectedEOF.Error()},
		{dingtalktest.Bytes([]byte("not HTTP\r\n\r\n")), 0, "", "", "malformed HTTP"},
		{dingtalktest.Bytes(nil), 0, "", "", "EOF"},
		{dingtalktest.Bytes([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")), 200, "", "{}", ""},
	} {
		for _, body := range []string{"", strings.Repeat("unread ", 1000)} {
			a.FailNext(c.fault)
			r := a.request(convertOp.Method, convertPath(knownChat), token, strings.NewReader(body))
			r.Close = true // bytes beyond an answer's end would answer the next request of the connection
			got, err := a.send(r)
			if (err == nil) != (c.err == "") || !strings.Contains(fmt.Sprint(err), c.err) || got.status != c.status || got.body != c.body || got.header.Get("Content-Type") != c.contentType {
				t.Errorf("%+v: %v %+v", c.fault, err, got)
			}
			a.wantKnown(token)
		}
	}
	for _, kind := range []string{"reset", "bytes"} {
		if list := a.Requests(dingtalktest.Filter{Fault: kind}); len(list) < 2 || list[0].Status != 0 || list[0].Code != "" {
			t.Errorf("recorded %+v", list)
		}
	}
	a.FailNext(dingtalktest.Fault{Kind: "truncated"})
	if got, err := a.send(a.request(convertOp.Method, convertPath("unknown"), token, nil)); err == nil || got.status != 400 {
		t.Errorf("a refusal, truncated: %v %+v", err, got)
	}
}

func TestBareConnectionUnderTLS(t *testing.T) {
	emulator := dingtalktest.New()
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(emulator)
		server.EnableHTTP2 = http2
		server.StartTLS()
		for _, fault := range []dingtalktest.Fault{dingtalktest.Reset(), dingtalktest.Bytes([]byte("x"))} {
			emulator.FailNext(fault)
			response, err := server.Client().Do(newRequest(t, "POST", server.URL+tokenOp.Path, http.NoBody))
			if err == nil {
				response.Body.Close()
				t.Errorf("HTTP/2 %v: status %d", http2, response.StatusCode)
			}
		}
		server.Close()
	}
}

// TestWaitsEndWithTheClient calls the handler itself, so that its end can be waited for.
func TestWaitsEndWithTheClient(t *testing.T) {
	for name, setUp := range map[string]func(*dingtalktest.Emulator){
		"hang":    func(e *dingtalktest.Emulator) { e.FailNext(dingtalktest.Hang()) },
		"delay":   func(e *dingtalktest.Emulator) { e.FailNext(dingtalktest.Pass().WithDelay(time.Hour)) },
		"latency": func(e *dingtalktest.Emulator) { e.Configure(dingtalktest.WithLatency(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			e := dingtalktest.New()
			setUp(e)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			defer func() {
				if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // a recovered value is compared as it is
					t.Errorf("ended with %v", got)
				}
				if r := e.Requests(); len(r) != 1 || r[0].Status != 0 {
					t.Errorf("recorded %+v", r)
				}
			}()
			e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", tokenOp.Path, strings.NewReader("{}")))
		})
	}
}

func TestLatency(t *testing.T) {
	const latency = 30 * time.Millisecond
	a := start(t, dingtalktest.WithLatency(latency))
	before := time.Now()
	a.known().wantID(t, knownGroup)
	if took := time.Since(before); took < latency {
		t.Errorf("answered after %v", took)
	}
}

// parsed is the fault that a word or an object makes.
func parsed(t *testing.T, data string) dingtalktest.Fault {
	t.Helper()
	var fault dingtalktest.Fault
	if err := json.Unmarshal([]byte(data), &fault); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return fault
}

// Words, objects and constructors make the same faults, and the printed form can be read back.
func TestFaultsAsData(t *testing.T) {
	for data, want := range map[string]dingtalktest.Fault{
		`"pass"`:                            dingtalktest.Pass(),
		`"502:3"`:                           dingtalktest.Page(502).Times(3),
		`"invalideChatId:always"`:           dingtalktest.Code(generated.CodeInvalidChatID).Always(),
		`"INVALIDECHATID"`:                  dingtalktest.Code(generated.CodeInvalidChatID),
		`"OwnerNotVisible"`:                 dingtalktest.Code(generated.CodeOwnerNotVisible),
		`"system.error"`:                    dingtalktest.Code("system.error"),
		`{"fault":"503"}`:                   dingtalktest.Page(503),
		`503`:                               dingtalktest.Page(503),
		`{"fault":503,"always":true}`:       dingtalktest.Page(503).Always(),
		`"slow"`:                            {Kind: "slow"},
		`{"fault":"slow","interval":"1ms"}`: dingtalktest.Fault{Kind: "slow", Interval: dingtalktest.Duration(time.Millisecond)},
		`{"fault":"systemError","status":500,"times":2}`:                                      {Kind: "code", Code: "systemError", Status: 500, Requests: 2},
		`{"fault":"code","code":"x","scopes":[],"delay":"2s","retryAfter":"7"}`:               {Kind: "code", Code: "x", Scopes: []string{}, Delay: dingtalktest.Duration(2 * time.Second), RetryAfter: "7"},
		`{"fault":"sticky-token","operation":"chatIdToOpenConversationId"}`:                   dingtalktest.StickyToken().For(convertOp),
		`{"fault":"ban","headers":{"X-Other":"y"}}`:                                           dingtalktest.Fault{Kind: "ban"}.WithHeader("X-Other", "y"),
		`{"fault":"lost","chatId":"a","appKey":"b","requestHeaders":{"C":"d"},"reused":true}`: {Kind: "lost", ChatID: "a", AppKey: "b", RequestHeaders: map[string]string{"C": "d"}, Reused: true},
		`{"fault":"raw","status":200,"contentType":"application/json","body":"{}"}`:           dingtalktest.Raw(200, "application/json", []byte(`{}`)),
		`{"fault":"raw","status":200,"bodyBase64":"/w=="}`:                                    dingtalktest.Raw(200, "", []byte{0xff}),
		`{"fault":"bytes"}`: dingtalktest.Bytes(nil),
	} {
		read := parsed(t, data)
		if !reflect.DeepEqual(read, want) {
			t.Errorf("%s is %+v, want %+v", data, read, want)
		}
		shown, err := json.Marshal(read)
		if err != nil || !reflect.DeepEqual(parsed(t, string(shown)), read) {
			t.Errorf("%s is not what %s makes: %v", shown, data, err)
		}
	}
	for _, kind := range dingtalktest.FaultKinds() {
		if _, err := dingtalktest.ParseFault(kind.Name); (err == nil) != kind.Word || kind.Does == "" {
			t.Errorf("%+v: %v", kind, err)
		}
	}
}

func TestInvalidFaults(t *testing.T) {
	e := dingtalktest.New()
	for data, want := range map[string]string{
		`"no.such.code"`:                     "there is no fault",
		`""`:                                 "there is no fault",
		`"code"`:                             "needs code",
		`"reset:0"`:                          "after the colon",
		`{}`:                                 "fault is missing",
		`{"fault":"page"}`:                   "needs status",
		`{"fault":"raw","status":99}`:        "status: this is not a number from 200 to 999",
		`{"fault":"reset","body":"x"}`:       "takes no body",
		`{"fault":"systemError","code":"y"}`: "takes no code",
		`{"fault":"reset","time":1}`:         `there is no field "time": there are always, appKey, body`,
		`{"fault":"reset","times":0}`:        "times: this is not a number from 1",
		`{"fault":"reset","times":2,"always":true}`:         "not both",
		`{"fault":"reset","delay":"soon"}`:                  "delay",
		`{"fault":"ban","headers":{"a b":"c"}}`:             "header",
		`{"fault":"ban","headers":{"Content-Length":"1"}}`:  "header",
		`{"fault":"ban","headers":{"a":null}}`:              "headers.a: null says nothing here",
		`{"fault":"ban","retryAfter":"1\r\nX: y"}`:          "retryAfter",
		`{"fault":"bytes","body":"x","bodyBase64":"eA=="}`:  "not both",
		`{"fault":"bytes","bodyBase64":"?"}`:                "bodyBase64: this is not base64",
		`{"fault":"raw","status":200,"contentType":"a\nb"}`: "contentType",
		`{"fault":"PermissionDenied","scopes":"a"}`:         "scopes: this is not a list",
		`{"fault":"reset","operation":"getAccessTokens"}`:   `there is no operation "getAccessTokens"`,
		`[]`: "this is not a text",
	} {
		err := e.ConfigureJSON([]byte(`{"faults":[` + data + `]}`))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "json:") || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
	if err := e.Queue(dingtalktest.Reset(), dingtalktest.Fault{Kind: "raw"}); err == nil || e.Pending() != 0 {
		t.Errorf("%v, %d queued", err, e.Pending())
	}
}

// The queue is bounded in faults and in bytes, and takes all of a list or nothing.
func TestFaultQueueIsBounded(t *testing.T) {
	e := dingtalktest.New()
	many := make([]dingtalktest.Fault, 9_999)
	if err := e.Queue(many...); err != nil {
		t.Fatal(err)
	}
	if err := e.Queue(many[:2]...); err == nil || e.Pending() != 9_999 {
		t.Errorf("%v, %d queued", err, e.Pending())
	}
	e.ClearFaults()
	large := dingtalktest.Raw(200, "", []byte(strings.Repeat("x", 1<<20)))
	for range 20 {
		_ = e.Queue(large)
	}
	if n := e.Pending(); n != 7 {
		t.Errorf("%d faults of a megabyte are queued", n)
	}
	e.ClearFaults()
	if err := e.Queue(large); err != nil {
		t.Error(err)
	}
}
