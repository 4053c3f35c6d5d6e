package dingtalk_test

import (
	"context"
	"encoding/json"
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

// The secrets that must not appear anywhere. All contain "canary".
const (
	canary       = "c4nary"
	markedSecret = "secret-" + canary + "-of-the-app"
	markedToken  = "token-" + canary + "-in-use"
	markedProxy  = "proxy-" + canary + "-password"
)

var markedCredentials = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: markedSecret}

func init() { addRow("row_61_secrets_never_come_out", testCanary) }

// echoes are answers that repeat a request's secrets in every place that a client reads.
func echoes(carried string) map[string]dingtalktest.Fault {
	const json, id = "application/json", generated.RequestIDHeader
	raw := func(status int, body string) dingtalktest.Fault {
		return dingtalktest.Raw(status, json, []byte(strings.ReplaceAll(body, "$", carried)))
	}
	torn := func(response string) dingtalktest.Fault {
		return dingtalktest.Bytes([]byte(strings.ReplaceAll(strings.ReplaceAll(response, "\n", "\r\n"), "$", carried)))
	}
	long := strings.Repeat("x", 1000)
	return map[string]dingtalktest.Fault{
		"message":                     raw(400, `{"code":"x","message":"bad $","requestid":"REQ-1"}`),
		"message that is cut":         raw(400, `{"code":"x","message":"`+long+`$$$$"}`),
		"code":                        raw(400, `{"code":"$","message":"bad"}`),
		"request id":                  raw(400, `{"code":"x","requestid":"$"}`),
		"request id in header":        raw(400, `{"code":"x"}`).WithHeader(id, carried),
		"request id of an odd answer": raw(200, `{}`).WithHeader(id, "a"+carried),
		"scopes":                      raw(403, `{"code":"`+string(generated.CodePermissionDenied)+`","accessdenieddetail":{"requiredScopes":["$","$ $"]}}`),
		"legacy error":                raw(200, `{"errcode":"$","errmsg":"$"}`),
		"body of a 200":               raw(200, `{"token":"$"}`),
		"body of a 400":               raw(400, `$`),
		"body that is cut":            raw(400, long[:190]+`$`),
		"throttle":                    raw(403, `{"code":"`+string(generated.CodeAppQPSLimit)+`","message":"$","requestid":"$"}`),
		"failure":                     raw(503, `{"code":"$","message":"$","requestid":"$"}`),
		"rejection":                   raw(400, `{"code":"InvalidAuthentication","message":"$","requestid":"$"}`),
		"401":                         raw(401, `$`),
		"ban":                         raw(200, `{"status":1111,"punish":"$","uuid":"$"}`),
		"page":                        dingtalktest.Raw(502, "text/html", []byte("<html>"+carried)),
		"content type":                dingtalktest.Raw(200, carried+"/"+carried, []byte(carried)),
		"redirect to host":            raw(302, ``).WithHeader("Location", "https://"+carried+".example.com/"),
		"redirect to path":            raw(307, ``).WithHeader("Location", "https://example.com/"+carried+"?token="+carried),
		"redirect to user":            raw(301, `$`).WithHeader("Location", "https://"+carried+":"+carried+"@example.com/"),
		"redirect to nowhere":         raw(308, ``).WithHeader("Location", ":"+carried),
		"retry after":                 raw(429, `{}`).WithHeader("Retry-After", carried),
		"status line":                 torn("HTTP/1.1 $ OK\n\n"),
		"protocol":                    torn("$\n\n"),
		"header line":                 torn("HTTP/1.1 200 OK\n$\n\n"),
		"content length":              torn("HTTP/1.1 200 OK\nContent-Length: $\n\n"),
		"transfer encoding":           torn("HTTP/1.1 200 OK\nTransfer-Encoding: $\n\n"),
		"body that breaks off":        torn("HTTP/1.1 200 OK\nx-acs-request-id: $\nContent-Length: 999\n\n$"),
		"chunk":                       torn("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n$\n"),
		"trailer":                     torn("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: a\n\n1\n{\n0\n$\n\n"),
		"compressed":                  raw(200, `$`).WithHeader("Content-Encoding", "gzip"),
		"nothing":                     dingtalktest.Reset(),
	}
}

// told collects all output of a client.
type told struct{ syncBuffer }

func (out *told) printf(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }

// value prints a value in many ways.
func (out *told) value(what string, v any) {
	text, err := json.Marshal(v)
	out.printf("%s: %v | %+v | %#v | %s | %q | %x | %s %v", what, v, v, v, v, v, v, text, err)
	slog.New(slog.NewTextHandler(out, nil)).Info(what, "value", v)
	slog.New(slog.NewJSONHandler(out, nil)).Info(what, "value", v)
}

// err prints an error and all wrapped errors.
func (out *told) err(what string, err error) {
	if err == nil {
		return
	}
	out.value(what, err)
	out.err(what, errors.Unwrap(err))
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, cause := range many.Unwrap() {
			out.err(what, cause)
		}
	}
}

// call converts a chat, and prints the result or panic.
func (out *told) call(t *testing.T, what string, client *dingtalk.Client) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			out.printf("%s: panic: %v %#v", what, v, v)
		}
	}()
	id, err := client.OpenConversationID(within(t), "any")
	out.printf("%s: %s", what, id)
	out.err(what, err)
	out.value(what, client)
}

func testCanary(t *testing.T) {
	for i, level := range []slog.Level{slog.LevelDebug - 4, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		t.Run(level.String(), func(t *testing.T) {
			var out told
			options := &slog.HandlerOptions{Level: level, AddSource: true}
			handler := slog.Handler(slog.NewTextHandler(&out, options))
			if i%2 == 1 {
				handler = slog.NewJSONHandler(&out, options)
			}
			canaryMatrix(t, &out, dingtalk.WithLogger(slog.New(handler)))
			text := out.String()
			for line := range strings.Lines(text) {
				if i := strings.Index(line, canary); i >= 0 {
					t.Errorf("%.40s: … %s …", line, line[max(i-100, 0):min(i+100, len(line))])
				}
			}
			for _, expected := range []string{"REDACTED", "unexpected response", "chatIdToOpenConversationId", "cidl1B8RVUFmkO50OC9uEbySQ=="} {
				if !strings.Contains(text, expected) {
					t.Errorf("%q did not come out, and should", expected)
				}
			}
			if logged := strings.Contains(text, "dingtalk attempt"); logged != (level <= slog.LevelDebug) {
				t.Errorf("attempts logged: %t", logged)
			}
		})
	}
}

// canaryMatrix makes calls that fail in every way, with marked secrets.
func canaryMatrix(t *testing.T, out *told, logger dingtalk.Option) {
	t.Helper()
	tokenAnswer := dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+markedToken+`","expireIn":7200}`)).For(tokenOp)
	start := func(creds dingtalk.Credentials, opts ...dingtalk.Option) (*dingtalk.Client, *dingtalktest.Server) {
		server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithCredentials(dingtalktest.AppKey, markedSecret))
		return newClient(t, server.URL, creds, append(opts, logger, newHandClock().option())...), server
	}
	finish := func(what string, server *dingtalktest.Server) {
		out.value(what, server)
		out.value(what, *server)
		out.value(what, server.Requests())
		out.value(what, server.Counts())
		server.Close()
	}

	for what, fault := range echoes(markedToken) {
		client, server := start(markedCredentials)
		server.FailNext(tokenAnswer.Always(), fault.Always().For(convertOp))
		out.call(t, what, client)
		finish(what, server)

		client, server = start(dingtalk.StaticToken(markedToken))
		server.FailNext(fault.Times(2).For(convertOp))
		out.call(t, what, client)
		finish(what, server)
	}
	for what, fault := range echoes(markedSecret) {
		client, server := start(markedCredentials)
		server.FailNext(fault.Always().For(tokenOp))
		out.call(t, what, client)
		_, err := client.Token(within(t))
		out.err(what, err)
		finish(what, server)
	}

	// Token answers that hold the token, but not as they should.
	for _, body := range []string{
		`{"accessToken":"$\r\nx: y","expireIn":7200}`, `{"accessToken":"$"`, `{"result":{"accessToken":"$"}}`, `["$"]`, `$`, `"$"`,
		`{"accessToken":["$"]}`, `{"accessToken":"$","expireIn":7200}$`, `{"token":"$"}`,
	} {
		client, server := start(markedCredentials)
		server.FailNext(dingtalktest.Raw(200, "application/json", []byte(strings.ReplaceAll(body, "$", markedToken))).For(tokenOp))
		out.call(t, "odd token answer", client)
		finish("odd token answer", server)
	}

	// Successes of a server that echoes secrets.
	client, server := start(dingtalk.StaticToken(markedToken))
	server.FailNext(dingtalktest.Raw(200, "application/json", []byte(`{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`)).
		WithHeader(generated.RequestIDHeader, markedToken))
	out.call(t, "success", client)
	finish("success", server)

	// No server, no time, a proxy with a password, a transport that panics.
	client, server = start(markedCredentials)
	server.Close()
	out.call(t, "refused connection", client)
	client, server = start(markedCredentials, dingtalk.WithTimeout(10*time.Millisecond))
	server.FailNext(dingtalktest.Hang().Always())
	out.call(t, "hang", client)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.OpenConversationID(ctx, "any")
	out.err("cancelled", err)
	finish("hang", server)
	client, server = start(markedCredentials)
	server.FailNext(tokenAnswer)
	for _, id := range []string{"", "..", "chat\x00"} {
		_, err := client.OpenConversationID(ctx, id)
		out.err("bad id", err)
	}
	proxy := &url.URL{Scheme: "http", User: url.UserPassword("user", markedProxy), Host: strings.TrimPrefix(server.URL, "http://")}
	for _, base := range []string{server.URL, "https://127.0.0.1:1"} {
		transport := &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}
		proxied := newClient(t, base, markedCredentials, logger, newHandClock().option(), dingtalk.WithHTTPClient(&http.Client{Transport: transport}))
		server.FailNext(dingtalktest.Raw(407, "", nil).Times(3))
		out.call(t, "proxy", proxied)
	}
	finish("proxy", server)
	out.call(t, "panic", newClient(t, "https://127.0.0.1:1", dingtalk.StaticToken(markedToken), logger, dingtalk.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("transport") }),
	})))

	// The values themselves.
	out.value("client", *client)
	type config struct {
		Creds  dingtalk.AppCredentials
		Token  dingtalk.StaticToken
		Any    dingtalk.Credentials
		Client *dingtalk.Client
	}
	out.value("credentials", markedCredentials)
	out.value("credentials", &markedCredentials)
	out.value("credentials", []any{markedCredentials, map[string]any{"creds": markedCredentials}})
	out.value("token", dingtalk.StaticToken(markedToken))
	out.value("token", []dingtalk.StaticToken{markedToken})
	out.value("config", config{markedCredentials, markedToken, dingtalk.StaticToken(markedToken), client})
	static := newClient(t, "http://127.0.0.1:1", dingtalk.StaticToken(markedToken))
	out.value("static", static)
	out.value("static", *static)
	for _, creds := range []dingtalk.Credentials{
		dingtalk.AppCredentials{AppSecret: markedSecret}, dingtalk.StaticToken(markedToken + "\n"), dingtalk.StaticToken("\x00" + markedToken),
	} {
		_, err := dingtalk.NewClient(creds)
		out.err("NewClient", err)
	}
	_, err = dingtalk.NewClient(markedCredentials, dingtalk.WithBaseURL("http://user:"+markedSecret+"@example.com"))
	out.err("NewClient", err)
}

// Encoders return an error: an empty or redacted secret in their output would be noticed too late.
func TestSecretsAreNotMarshalled(t *testing.T) {
	t.Parallel()
	for _, v := range []any{markedCredentials, &markedCredentials, dingtalk.StaticToken(markedToken)} {
		if text, err := json.Marshal(v); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%T: %s, %v", v, text, err)
		}
	}
	var target *json.MarshalerError
	if _, err := json.Marshal(map[string]any{"a": markedCredentials}); !errors.As(err, &target) {
		t.Errorf("%v", err)
	}
}
