package emulatortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
	a.convert(token, dingtalktest.ChatID).wantError(t, generated.CodeSystemError)
	a.convert(token, dingtalktest.ChatID).wantError(t, generated.CodeSystemError)
	a.convert(token, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
	a.do(a.request("GET", "/v1.0/else", "", nil)).wantError(t, generated.CodeUnknownError)
	a.fetch("x", "y").wantError(t, generated.CodeServiceBusy)
	a.convert("not even a token", dingtalktest.ChatID).wantError(t, generated.CodeInternalError)
	a.convert(token, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
	if a.Pending() != 0 {
		t.Errorf("%d queued", a.Pending())
	}

	a.FailNext(dingtalktest.Code(generated.CodeServiceBusy).Always())
	for range 5 {
		a.convert(token, dingtalktest.ChatID).wantError(t, generated.CodeServiceBusy)
	}
	a.ClearFaults()
	a.convert(token, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
}

func TestFaultDetails(t *testing.T) {
	a := start(t)
	a.FailNext(dingtalktest.Code("aCodeOfTomorrow"))
	got := a.convert("", "x")
	if e := got.apiError(t); got.status != http.StatusBadRequest || e.Code != "aCodeOfTomorrow" || e.Message != "aCodeOfTomorrow" {
		t.Errorf("%d %+v", got.status, e)
	}

	a.FailNext(dingtalktest.Fault{Kind: "code", Code: generated.CodeSystemError, Status: 500, Message: "later", RetryAfter: "7"}.WithHeader("x-Other", "y"))
	got = a.convert("", "x")
	if e := got.apiError(t); got.status != 500 || e.Code != "systemError" || e.Message != "later" ||
		got.header.Get("Retry-After") != "7" || got.header.Get("X-Other") != "y" {
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

func TestRaw(t *testing.T) {
	a := start(t)
	for _, c := range []struct {
		status            int
		contentType, body string
	}{
		{200, "application/json", `{}`},
		{200, "application/json", `null`},
		{200, "text/html", `<html>`},
		{200, "", "untyped"},
		{200, "", ""},
		{204, "", ""},
		{502, "text/html", "<h1>502 Bad Gateway</h1>"},
		{400, "application/json", `{"Code":"systemError","Message":"x","RequestId":"y"}`},
	} {
		a.FailNext(dingtalktest.Raw(c.status, c.contentType, []byte(c.body)))
		got := a.convert("", "x")
		if got.status != c.status || got.header.Get("Content-Type") != c.contentType || got.body != c.body {
			t.Errorf("%+v: %d %v %s", c, got.status, got.header, got.body)
		}
	}
	a.FailNext(dingtalktest.Raw(http.StatusFound, "", nil).WithHeader("Location", "/v1.0/x"))
	a.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if got := a.convert("", "x"); got.status != http.StatusFound || got.header.Get("Location") != "/v1.0/x" {
		t.Errorf("redirect: %d %v", got.status, got.header)
	}
}

func TestBareConnection(t *testing.T) {
	a := start(t)
	token := a.IssueToken()
	try := func(fault dingtalktest.Fault, body string) (reply, error) {
		t.Helper()
		a.FailNext(fault)
		return a.send(a.request(convertOp.Method, convertPath(dingtalktest.ChatID), token, strings.NewReader(body)))
	}
	for _, body := range []string{"", strings.Repeat("unread ", 1000)} {
		for _, c := range []struct {
			fault dingtalktest.Fault
			want  string // error or body
		}{
			{dingtalktest.Reset(), syscall.ECONNRESET.Error()},
			{dingtalktest.Bytes([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")), io.ErrUnexpectedEOF.Error()},
			{dingtalktest.Bytes([]byte("not HTTP\r\n\r\n")), "malformed HTTP"},
			{dingtalktest.Bytes(nil), "EOF"},
			{dingtalktest.Bytes([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")), "{}<nil>"},
		} {
			if got, err := try(c.fault, body); !strings.Contains(got.body+fmt.Sprint(err), c.want) {
				t.Errorf("%+v: %v %+v", c.fault, err, got)
			}
		}
	}
	if got := a.Count(convertOp); got != 10 {
		t.Errorf("%d requests", got)
	}
	for _, r := range a.Requests() {
		if r.Status != 0 || r.Code != "" {
			t.Errorf("recorded %+v", r)
		}
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
		for _, closed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				e := dingtalktest.New()
				setUp(e)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if closed {
					e.Close()
				} else {
					cancel()
				}
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
}

func TestLatency(t *testing.T) {
	const latency = 30 * time.Millisecond
	a := start(t, dingtalktest.WithLatency(latency))
	before := time.Now()
	a.convert(a.IssueToken(), dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
	if took := time.Since(before); took < latency {
		t.Errorf("answered after %v", took)
	}
	before = time.Now()
	a.FailNext(dingtalktest.Code(generated.CodeServiceBusy).WithDelay(latency))
	a.convert("", "x").wantError(t, generated.CodeServiceBusy)
	if took := time.Since(before); took < 2*latency {
		t.Errorf("answered after %v", took)
	}
}

// The regular answer is damaged, and the next one on another connection is whole.
func TestDamagedAnswers(t *testing.T) {
	a := start(t)
	token := a.IssueToken()
	whole := a.convert(token, dingtalktest.ChatID).body
	try := func(fault dingtalktest.Fault) (reply, error) {
		t.Helper()
		a.FailNext(fault)
		r := a.request(convertOp.Method, convertPath(dingtalktest.ChatID), token, nil)
		r.Close = true // bytes beyond an answer's end would answer the next request of the connection
		got, err := a.send(r)
		a.convert(token, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
		return got, err
	}
	half := whole[:len(whole)/2]
	for _, c := range []struct {
		fault  dingtalktest.Fault
		err    error
		status int
		body   string
	}{
		{dingtalktest.Fault{Kind: "truncated"}, io.ErrUnexpectedEOF, 200, half},
		{dingtalktest.Fault{Kind: "truncated", Status: 500, ContentType: "text/plain", Body: "abcd"}, io.ErrUnexpectedEOF, 500, "ab"},
		{dingtalktest.Fault{Kind: "wrong-length"}, nil, 200, half},
		{dingtalktest.Fault{Kind: "slow", Interval: dingtalktest.Duration(time.Microsecond)}, nil, 200, whole},
		{dingtalktest.Fault{Kind: "switching-protocols"}, nil, 101, ""},
		{dingtalktest.Page(502), nil, 502, "<!DOCTYPE html>\n<html><head><title>502</title></head><body><h1>502</h1><hr>Tengine</body></html>\n"},
	} {
		if got, err := try(c.fault); !errors.Is(err, c.err) || got.status != c.status || got.body != c.body || c.fault.ContentType != "" && got.header.Get("Content-Type") != c.fault.ContentType {
			t.Errorf("%+v: %v %+v", c.fault, err, got)
		}
	}
	a.FailNext(dingtalktest.Fault{Kind: "truncated"})
	if got, err := a.send(a.request(convertOp.Method, convertPath("unknown"), token, nil)); err == nil || got.status != 400 {
		t.Errorf("a refusal, truncated: %v %+v", err, got)
	}
}
