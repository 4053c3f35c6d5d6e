package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_79_token_in_a_url", testTokenInURL)
	addRow("row_80_legacy_envelope", testLegacyEnvelope)
}

var describe = generated.GetChatParams{ChatID: dingtalktest.ChatID}

// TestLegacyHost: an operation of the legacy API goes to that API's host of the client's region.
func TestLegacyHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		opt  dingtalk.Option
		want string
	}{
		{dingtalk.WithRegion(dingtalk.International), "https://oapi.dingtalk.io/chat/get"},
		{dingtalk.WithRegion(dingtalk.MainlandChina), "https://oapi.dingtalk.com/chat/get"},
		{dingtalk.WithBaseURL("https://api.dingtalk.io"), "https://oapi.dingtalk.io/chat/get"},
		{dingtalk.WithBaseURL("https://api.dingtalk.com/"), "https://oapi.dingtalk.com/chat/get"},
		{dingtalk.WithBaseURL("https://gateway.example/dingtalk"), "https://gateway.example/dingtalk/chat/get"},
	} {
		var got []string
		client, err := dingtalk.NewClient(dingtalk.StaticToken("a+b&c"), tt.opt, oneAttempt, dingtalk.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = append(got, r.URL.String(), r.Header.Get(generated.TokenHeader))
				return nil, errors.New("not sent")
			}),
		}))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.GetChat(within(t), describe)
		if want := tt.want + "?chatid=" + dingtalktest.ChatID + "&access_token=a%2Bb%26c"; len(got) != 2 || got[0] != want || got[1] != "" {
			t.Errorf("sent %q, want %s and no token in a header", got, want)
		}
	}
}

// testTokenInURL: whatever fails, no output of the client holds the token in the request's URL.
func testTokenInURL(t *testing.T) {
	var out told
	logger := dingtalk.WithLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug - 4})))
	call := func(what string, client *dingtalk.Client) {
		t.Helper()
		defer func() {
			if v := recover(); v != nil {
				out.printf("%s: panic: %v %#v", what, v, v)
			}
		}()
		chat, err := client.GetChat(within(t), describe)
		out.printf("%s: %+v", what, chat.Errcode)
		out.err(what, err)
		out.value(what, client)
	}
	static := func(base string, opts ...dingtalk.Option) *dingtalk.Client {
		return newClient(t, base, dingtalk.StaticToken(markedToken), append(opts, logger, newHandClock().option())...)
	}
	for what, fault := range echoes(markedToken) {
		server := dingtalktest.NewServer(t)
		server.FailNext(fault.Always().For(generated.OperationGetChat))
		call(what, static(server.URL))
		out.value(what, server)
		out.value(what, server.Requests())
		out.value(what, server.Counts())
		if server.Count(generated.OperationGetChat) == 0 {
			t.Errorf("%s: nothing was sent", what)
		}
		server.Close()
	}

	// A transport's error that repeats its request.
	for what, trip := range map[string]roundTripper{
		"error with the URL": func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("cannot send %s", r.URL) },
		"error of net/url": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("no")}
		},
		"error with the query": func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("%q %v", r.URL.RawQuery, r.URL.Query())
		},
		"redirect to itself": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {r.URL.String()}}, Body: http.NoBody, Request: r}, nil
		},
		"an answer with the request": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		},
	} {
		call(what, static("https://example.test", dingtalk.WithHTTPClient(&http.Client{Transport: trip})))
	}

	// No server, no time, a proxy that refuses, no trust.
	call("refused connection", static("http://127.0.0.1:1"))
	server := dingtalktest.NewServer(t)
	server.FailNext(dingtalktest.Hang().Always())
	call("hang", static(server.URL, dingtalk.WithTimeout(10*time.Millisecond)))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	_, err := static(server.URL).GetChat(ctx, describe)
	cancel()
	out.err("deadline", err)
	for _, base := range []string{server.URL, "https://127.0.0.1:1"} {
		proxy := &url.URL{Scheme: "http", User: url.UserPassword("user", markedProxy), Host: strings.TrimPrefix(server.URL, "http://")}
		for _, status := range []int{407, 502} {
			server.ClearFaults()
			server.FailNext(dingtalktest.Raw(status, "", nil).Always())
			call("proxy", static(base, dingtalk.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}})))
		}
	}
	out.value("request", generated.NewGetChatRequest(describe))

	text := out.String()
	for line := range strings.Lines(text) {
		if i := strings.Index(line, canary); i >= 0 {
			t.Errorf("%.40s: … %s …", line, line[max(i-100, 0):min(i+100, len(line))])
		}
	}
	for _, expected := range []string{"REDACTED", "getChat", "dingtalk attempt"} {
		if !strings.Contains(text, expected) {
			t.Errorf("%q did not come out, and should", expected)
		}
	}
}

// testLegacyEnvelope: the legacy API answers every error with status 200; its numbers decide.
func testLegacyEnvelope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body string
		kind error
		code generated.Code
		sent int
	}{
		{`{"errcode":40016,"errmsg":"no"}`, dingtalk.ErrInvalidChatID, generated.CodeGetChatWrongChatID, 1},
		{`{"errcode":49000,"errmsg":"no"}`, dingtalk.ErrRejected, generated.CodeGetChatCode49000, 1},
		{`{"errcode":90002,"errmsg":"slow"}`, dingtalk.ErrThrottled, generated.CodeGetChatThrottled, 3},
		{`{"errcode":-1,"errmsg":"busy"}`, dingtalk.ErrUnavailable, generated.CodeGetChatBusy, 3},
		{`{"errcode":40014,"errmsg":"no"}`, dingtalk.ErrUnauthenticated, generated.CodeGetChatInvalidToken, 1},
		{`{"errcode":88,"errmsg":"no","sub_code":"90020"}`, dingtalk.ErrQuotaExhausted, "90020", 1},
		{`{"errcode":99999,"errmsg":"new"}`, dingtalk.ErrRejected, "99999", 1},
		{`{"errcode":0,"errmsg":"ok"}`, dingtalk.ErrUnexpectedResponse, "", 1},
	} {
		sent := 0
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			sent++
			_, _ = w.Write([]byte(tt.body))
		})
		client := newClient(t, address, dingtalk.StaticToken("t0ken"), newHandClock().option())
		_, err := client.GetChat(within(t), describe)
		failed := asError(t, "", err, tt.kind)
		if failed.Code != tt.code || sent != tt.sent || failed.MayBeDone {
			t.Errorf("%s: code %q after %d requests, want %q after %d: %v", tt.body, failed.Code, sent, tt.code, tt.sent, err)
		}
	}
	// A token rejected there is refreshed, as anywhere.
	client, server := newEmulated(t)
	convert(t, client, "any")
	server.RejectTokens()
	chat, err := client.GetChat(within(t), describe)
	if err != nil || chat.ChatInfo == nil || *chat.ChatInfo.ChatID != dingtalktest.ChatID || *chat.ChatInfo.Status != 1 {
		t.Errorf("%+v, %v", chat, err)
	}
	if n := server.Count(generated.OperationGetChat); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}
