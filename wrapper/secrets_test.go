package dingtalk_test

import (
	"cmp"
	"context"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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

var (
	markedCredentials = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: markedSecret}
	describe          = generated.GetChatParams{ChatID: dingtalktest.ChatID}
)

// echoes are answers that repeat a request's secret, $, in every place that a client reads: status|headers|body.
func echoes(secret string) (faults []dingtalktest.Fault) {
	long := strings.Repeat("x", 1000)
	for _, answer := range []string{
		`400||{"code":"x","message":"bad $","requestid":"$"}`, `400||{"code":"$","message":"` + long + `$$$$"}`, `400||$`,
		`400||` + long[:190] + `$`, `401||$`, `400||{"code":"x","message":"bad {\"appSecret\":\"$\"}"}`,
		`400|x-acs-request-id: $|{"code":"x"}`, `400||{"code":"InvalidAuthentication","message":"$"}`,
		`403||{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","accessdenieddetail":{"requiredScopes":["$","$ $"]}}`,
		`403||{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi","message":"$"}`, `503||{"code":"$","message":"$"}`,
		`502|Content-Type: text/html|<html>$`, `200||{"errcode":"$","errmsg":"$"}`, `200||{"token":"$"}`,
		`200||{"status":1111,"punish":"$","uuid":"$"}`, `200|x-acs-request-id: a$|{}`, `200|x-acs-request-id: $|` + successBody,
		`200|Content-Type: $/$|$`, `200|Content-Encoding: gzip|$`, `200|Content-Length: 999|$`, `429|Retry-After: $|{}`,
		`302|Location: https://$.example.com/|`, `307|Location: https://example.com/$?token=$|`, `301|Location: https://$:$@example.com/|$`,
		`308|Location: :$|`, `$||`, `200|$|`, `200|Content-Length: $|`, `200|Transfer-Encoding: $|`, "200|Transfer-Encoding: chunked|$\r\n",
		"200|Transfer-Encoding: chunked\r\nTrailer: a|1\r\n{\r\n0\r\n$\r\n\r\n",
	} {
		parts := strings.SplitN(strings.ReplaceAll(answer, "$", secret), "|", 3)
		raw := fmt.Sprintf("HTTP/1.1 %s Status\r\nConnection: close\r\n%s\r\n\r\n%s", parts[0], parts[1], parts[2])
		if parts[1] == "" {
			raw = strings.Replace(raw, "\r\n\r\n", "\r\n", 1)
		}
		faults = append(faults, dingtalktest.Bytes([]byte(raw)))
	}
	return append(faults, dingtalktest.Reset(), dingtalktest.Bytes([]byte(secret+"\r\n\r\n")))
}

// told collects all output of a client.
type told struct {
	mu   sync.Mutex
	text strings.Builder
}

func (out *told) Write(p []byte) (int, error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.text.Write(p)
}

func (out *told) printf(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }

// value prints a value in many ways.
func (out *told) value(what string, v any) {
	text, err := json.Marshal(v)
	out.printf("%s: %v | %+v | %#v | %s | %q | %x | %d | %s %v", what, v, v, v, v, v, v, v, text, err)
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

// want checks that nothing printed holds a secret, and that what should be there is.
func (out *told) want(t *testing.T, parts ...string) {
	t.Helper()
	text := out.text.String()
	for line := range strings.Lines(text) {
		if i := strings.Index(line, canary); i >= 0 {
			t.Errorf("%.40s: … %s …", line, line[max(i-100, 0):min(i+100, len(line))])
		}
	}
	for _, expected := range parts {
		errorIf(t, !strings.Contains(text, expected), "%q did not come out, and should", expected)
	}
}

// secretCalls are calls that carry a secret: in a header, in the URL, in the token call's body.
var secretCalls = map[string]struct {
	op     generated.Operation
	secret string
	creds  dingtalk.Credentials
	call   func(context.Context, *dingtalk.Client) (any, error)
}{
	"conversion":       {convertOp, markedToken, dingtalk.StaticToken(markedToken), convertAny},
	"app's conversion": {convertOp, markedToken, markedCredentials, convertAny},
	"token call":       {tokenOp, markedSecret, markedCredentials, convertAny},
	"run": {convertOp, markedToken, dingtalk.StaticToken(markedToken), func(ctx context.Context, c *dingtalk.Client) (id any, err error) {
		for id, err = range c.OpenConversationIDs(ctx, slices.Values([]string{"any"})) {
		}
		return id, err
	}},
	"token in the URL": {generated.OperationGetChat, markedToken, dingtalk.StaticToken(markedToken), func(ctx context.Context, c *dingtalk.Client) (any, error) {
		return c.GetChat(ctx, describe)
	}},
}

func convertAny(ctx context.Context, c *dingtalk.Client) (any, error) {
	return c.OpenConversationID(ctx, "any")
}

// testSecrets lets each call fail in every way, and prints all that comes of it.
func testSecrets(t *testing.T) {
	tokenAnswer := dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+markedToken+`","expireIn":7200}`)).For(tokenOp)
	for name, c := range secretCalls {
		for _, level := range []slog.Level{slog.LevelDebug - 4, slog.LevelWarn} {
			t.Run(name+" "+level.String(), func(t *testing.T) {
				t.Parallel()
				var out told
				logger := dingtalk.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level, AddSource: true})))
				try := func(what, base string, opts ...dingtalk.Option) {
					client := newClient(t, base, c.creds, append(opts, logger, newHandClock().option())...)
					defer func() { _ = recover() }() // a panic at its caller is as it was
					result, err := c.call(within(t), client)
					out.printf("%s: %+v", what, result)
					out.err(what, err)
					out.value(what, client)
				}
				for i, fault := range echoes(c.secret) {
					what := fmt.Sprint("answer ", i)
					server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithCredentials(dingtalktest.AppKey, markedSecret))
					server.FailNext(fault.Always().For(c.op), tokenAnswer.Always())
					try(what, server.URL)
					for _, v := range []any{server, *server, server.Requests(), server.Counts()} {
						out.value(what, v)
					}
					errorIf(t, server.Count(c.op) == 0, "%s: nothing was sent", what)
					server.Close()
				}
				try("refused connection", "http://127.0.0.1:1")
				try("hang", newPeer(t, hang("")).URL, dingtalk.WithTimeout(20*ms))
				for what, trip := range printingTransports {
					try(what, "https://example.test", through(trip))
				}
				for _, status := range []int{407, 502} {
					proxy, _ := url.Parse(serve(t, answers(status, "")))
					proxy.User = url.UserPassword("user", markedProxy)
					try("proxy", "https://127.0.0.1:1", through(&http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}))
				}
				out.want(t, "REDACTED", "unexpected response", c.op.ID)
				logged := strings.Contains(out.text.String(), "dingtalk attempt")
				errorIf(t, logged != (level <= slog.LevelDebug), "attempts logged: %t", logged)
			})
		}
	}
	var out told
	server := dingtalktest.NewServer(t)
	server.FailNext(tokenAnswer.Always(), dingtalktest.Code(generated.CodeInvalidAuthentication).For(convertOp).Always())
	for _, err := range []error{nil, &dingtalk.Error{Kind: dingtalk.ErrUnavailable, Message: markedSecret}} {
		store := dingtalk.WithTokenStore(leakyStore{err})
		client := newClient(t, server.URL, markedCredentials, store, dingtalk.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
		out.err("leaky store", refused(t, client, dingtalk.ErrUnauthenticated))
	}
	for _, body := range []string{ // token answers that hold the token, but not as they should
		`{"accessToken":"$\r\nx: y","expireIn":7200}`, `{"accessToken":"$"`, `{"result":{"accessToken":"$"}}`, `["$"]`, `$`, `"$"`,
		`{"accessToken":["$"]}`, `{"accessToken":"$","expireIn":7200}$`, `{"token":"$"}`,
	} {
		client, server := newEmulated(t)
		server.FailNext(dingtalktest.Raw(200, "application/json", []byte(strings.ReplaceAll(body, "$", markedToken))).For(tokenOp))
		out.err("odd token answer", refused(t, client, dingtalk.ErrUnexpectedResponse))
	}
	for _, creds := range []dingtalk.Credentials{dingtalk.AppCredentials{AppSecret: markedSecret}, dingtalk.StaticToken(markedToken + "\n"), dingtalk.StaticToken("\x00" + markedToken)} {
		_, err := dingtalk.NewClient(creds)
		out.err("NewClient", err)
	}
	_, err := dingtalk.NewClient(markedCredentials, dingtalk.WithBaseURL("http://user:"+markedSecret+"@example.com"))
	out.err("NewClient", err)
	out.want(t, "the store failed with REDACTED")
}

// sent is all that a request holds.
func sent(r *http.Request) string {
	body := "none"
	if r.Body != nil {
		raw, _ := io.ReadAll(r.Body)
		body = string(raw)
	}
	return fmt.Sprintf("%s %q %v %v %s", r.URL, r.URL.RawQuery, r.URL.Query(), r.Header, body)
}

// requestError is a transport's error whose text is harmless.
type requestError struct{ request *http.Request }

func (e requestError) Error() string { return "no connection for " + e.request.Method }

// printingTransports fail, or answer, with their request.
var printingTransports = map[string]roundTripper{
	"error with the request":   func(r *http.Request) (*http.Response, error) { return nil, errors.New("cannot send " + sent(r)) },
	"error around the request": func(r *http.Request) (*http.Response, error) { return nil, requestError{r} },
	"panic with the request":   func(r *http.Request) (*http.Response, error) { panic(sent(r)) },
	"error of net/url": func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("no")}
	},
	"redirect to itself": func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 302, Header: http.Header{"Location": {r.URL.String()}}, Body: http.NoBody, Request: r}, nil
	},
	"an answer with the request": func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	},
}

// leakyStore repeats secrets in its errors.
type leakyStore struct{ err error }

func (s leakyStore) Token(ctx context.Context, _ string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	token, _ := fetch(ctx)
	return token, cmp.Or(s.err, fmt.Errorf("the store failed with %s, %s", token.Value, markedSecret))
}

func (leakyStore) Drop(_ context.Context, _, token string) error {
	return fmt.Errorf("the store failed with %s, %s", token, markedSecret)
}

// verbs are all of fmt's verbs but two, and one unknown one. %p and %w are mistakes for anything but pointers and
// errors: go vet reports them, and fmt then prints the value without calling its methods.
const verbs = "vTtbcdoOqxXUeEfFgGsz"

const hiddenPointers = "hidden pointers"

func testFormatters(t *testing.T) {
	client, static := newClient(t, "http://[::1]", markedCredentials), newClient(t, "http://[::1]", dingtalk.StaticToken(markedToken))
	type byPointer struct {
		creds *dingtalk.AppCredentials
		any   any
	}
	var out told
	for name, v := range map[string]any{
		"credentials": markedCredentials, "pointer": &markedCredentials, "token": dingtalk.StaticToken(markedToken),
		"stored": dingtalk.Token{Value: markedToken, Lifetime: time.Hour}, "client": client, "copy": *client, "static": static,
		"static copy": *static, "hidden token": struct{ creds dingtalk.Credentials }{dingtalk.StaticToken(markedToken)},
		"slice": []dingtalk.AppCredentials{markedCredentials}, "map": map[int]dingtalk.Token{1: {Value: markedToken}},
		"struct": struct{ Creds dingtalk.Credentials }{markedCredentials}, "hidden copy": struct{ client dingtalk.Client }{*client},
		"hidden client": struct{ client *dingtalk.Client }{client}, hiddenPointers: byPointer{&markedCredentials, &markedCredentials},
	} {
		for _, verb := range verbs {
			if name == hiddenPointers && !strings.ContainsRune("vdobxX", verb) {
				continue // fmt looks behind a pointer for which it has no such verb
			}
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "20", ".3"} {
				out.printf("%s: %"+flags+string(verb), name, v)
			}
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info(name, "value", v)
		for encoder, encode := range map[string]func(any) error{
			"json": json.NewEncoder(&out).Encode, "xml": xml.NewEncoder(&out).Encode, "gob": gob.NewEncoder(&out).Encode,
			"text": func(v any) error { // as YAML and TOML do
				if m, ok := v.(encoding.TextMarshaler); ok {
					text, err := m.MarshalText()
					out.printf("%s", text)
					return err
				}
				return errors.ErrUnsupported
			},
		} {
			if _, secret := v.(slog.LogValuer); encode(v) == nil && secret { // a redacted one would be noticed too late
				t.Errorf("%s was encoded as %s", name, encoder)
			}
		}
	}
	out.want(t)
}
