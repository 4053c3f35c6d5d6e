package dingtalk_test

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_69_secrets_in_another_spelling", testSpelledSecrets)
	addRow("row_69_formatters_and_encoders", testFormatters)
	addRow("row_69_errors_keep_their_type", testErrorsKeepTheirType)
}

// A server that echoes a request spells it in its own formatter's way.
func testSpelledSecrets(t *testing.T) {
	const secret = `s"e<c>r\e&t-` + canary + `-of+the/app`
	quoted := func(v any) string { raw, _ := json.Marshal(v); return string(raw) }
	plain := func(v any) string {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		return strings.TrimSpace(b.String())
	}
	inner := quoted(map[string]string{"appSecret": secret})
	for name, body := range map[string]string{
		"JSON":         `{"code":"x","message":` + quoted("bad "+inner) + `}`,
		"plain JSON":   `{"code":"x","message":` + plain("bad "+plain(map[string]string{"appSecret": secret})) + `}`,
		"the body":     inner,
		"not JSON":     "bad " + inner,
		"Go":           `{"code":"x","message":` + quoted("bad "+strconv.Quote(secret)) + `}`,
		"Go in ASCII":  `{"code":"x","message":` + quoted("bad "+strconv.QuoteToASCII(secret)) + `}`,
		"a query":      `{"code":"x","message":` + quoted("bad "+url.QueryEscape(secret)) + `}`,
		"a path":       `{"code":"x","message":` + quoted("bad "+url.PathEscape(secret)) + `}`,
		"the code":     `{"code":` + quoted(secret) + `,"requestid":` + quoted(quoted(secret)) + `}`,
		"odd escapes":  `{"code":"x","message":"` + strings.ReplaceAll(strings.Trim(plain(secret), `"`), "c4", `\u00634`) + `"}`,
		"as it is":     `{"code":"x","message":` + quoted(secret) + `}`,
		"a legacy one": `{"errcode":1,"errmsg":` + quoted(inner) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			var out told
			server := dingtalktest.NewServer(t)
			server.FailNext(dingtalktest.Raw(400, "application/json", []byte(body)).Always().For(tokenOp))
			client := newClient(t, server.URL, dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: secret}, newHandClock().option(),
				dingtalk.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			out.call(t, name, client)
			if text := out.String(); strings.Contains(text, "4nary") || !strings.Contains(text, "getAccessToken") {
				t.Error(text)
			}
		})
	}
}

// verbs are all of fmt's verbs but two, and one unknown one. %p and %w are mistakes for anything but pointers and
// errors: go vet reports them, and fmt then prints the value without calling its methods.
const verbs = "vTtbcdoOqxXUeEfFgGsz"

const hiddenPointers = "hidden pointers"

func testFormatters(t *testing.T) {
	client := newClient(t, "http://127.0.0.1:1", markedCredentials)
	static := newClient(t, "http://127.0.0.1:1", dingtalk.StaticToken(markedToken))
	type byPointer struct {
		creds *dingtalk.AppCredentials
		any   any
	}
	values := map[string]any{
		"credentials": markedCredentials, "pointer": &markedCredentials, "token": dingtalk.StaticToken(markedToken),
		"stored": dingtalk.Token{Value: markedToken, Lifetime: time.Hour}, "client": client, "copy": *client, "static": static, "static copy": *static,
		"slice": []dingtalk.AppCredentials{markedCredentials}, "map": map[dingtalk.StaticToken]dingtalk.Token{markedToken: {Value: markedToken}},
		"struct": struct{ Creds dingtalk.Credentials }{markedCredentials}, "hidden copy of a client": struct{ client dingtalk.Client }{*client},
		"hidden client": struct{ client *dingtalk.Client }{client}, hiddenPointers: byPointer{&markedCredentials, &markedCredentials},
	}
	var out strings.Builder
	for name, v := range values {
		for _, verb := range verbs {
			if name == hiddenPointers && !strings.ContainsRune("vdobxX", verb) {
				continue // fmt looks behind a pointer for which it has no such verb
			}
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "20", ".3"} {
				fmt.Fprintf(&out, "%s: %"+flags+string(verb)+"\n", name, v)
			}
		}
		fmt.Fprintln(&out, name, v)
		for encoder, encode := range map[string]func(io.Writer, any) error{
			"json": func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
			"xml":  func(w io.Writer, v any) error { return xml.NewEncoder(w).Encode(v) },
			"gob":  func(w io.Writer, v any) error { return gob.NewEncoder(w).Encode(v) },
			"text": func(w io.Writer, v any) error { // as YAML and TOML do
				if m, ok := v.(encoding.TextMarshaler); ok {
					b, err := m.MarshalText()
					_, _ = w.Write(b)
					return err
				}
				return nil
			},
		} {
			var raw bytes.Buffer
			err := encode(&raw, v)
			fmt.Fprintf(&out, "%s as %s: %s %v\n", name, encoder, raw.String(), err)
			if _, secret := v.(interface{ LogValue() slog.Value }); secret && err == nil {
				t.Errorf("%s was encoded as %s", name, encoder)
			}
		}
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, canary) {
			t.Error(line)
		}
	}
}

// Redaction keeps an error's type, and a short secret is not cut out of a host name.
func testErrorsKeepTheirType(t *testing.T) {
	dns := &net.DNSError{Err: "no such host", Name: "test.invalid", IsNotFound: true}
	for token, text := range map[string]string{"test": "lookup test.invalid", "test.invalid": "lookup REDACTED"} {
		client := newClient(t, "https://test.invalid", dingtalk.StaticToken(token), dingtalk.WithHTTPClient(&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: dns}
		})}))
		e := refused(t, client, dingtalk.ErrUnavailable)
		var found *net.DNSError
		if !errors.As(e, &found) || !found.IsNotFound || !strings.Contains(e.Error(), text) {
			t.Errorf("%q: %v", token, e)
		}
	}
	peer := newPeer(t, nil, func(int) script { return say("HTTP/1.1 " + faultToken + " OK\r\n\r\n") })
	if e := refused(t, faultClient(t, peer.URL, oneAttempt), dingtalk.ErrUnavailable); !strings.Contains(e.Error(), "REDACTED") || strings.Contains(fmt.Sprintf("%+v %v", *e, e.Err), faultToken) {
		t.Errorf("%v", e)
	}
	proxyError := newClient(t, "https://example.test", dingtalk.StaticToken(faultToken), oneAttempt, dingtalk.WithHTTPClient(&http.Client{Transport: &http.Transport{
		Proxy: func(*http.Request) (*url.URL, error) {
			return nil, fmt.Errorf("invalid proxy address %q", "http://user:"+markedProxy+"@:x")
		},
	}}))
	if e := refused(t, proxyError, dingtalk.ErrUnavailable); strings.Contains(fmt.Sprintf("%v %+v %v", e, *e, e.Err), canary) || !strings.Contains(e.Error(), "proxy setting") {
		t.Errorf("%v", e)
	}
	wrapped := foreignClient(t, func(*http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("proxyconnect http://user:%s@proxy:3128: refused", markedProxy)
	})
	if e := refused(t, wrapped, dingtalk.ErrUnavailable); strings.Contains(e.Error(), canary) {
		t.Errorf("%v", e)
	}
}

// A throttle's stated end may lengthen a wait, but never shorten it.
func TestThrottleThatSaysItsEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		message func(now time.Time) string
		want    time.Duration
	}{
		"in 20 s":        {func(now time.Time) string { return "请求过于频繁，限制将在 " + at(now, 20*sec) + " 结束" }, 20*sec + 150*ms},
		"in 200 ms":      {func(now time.Time) string { return "限制将在 " + at(now, 0) + " 结束" }, sec + 150*ms},
		"in the past":    {func(now time.Time) string { return "处罚将在 " + at(now, -time.Hour) + " 结束" }, sec + 150*ms},
		"in a day":       {func(now time.Time) string { return "限制将在 " + at(now, 24*time.Hour) + " 结束" }, time.Minute},
		"no date":        {func(time.Time) string { return "限制将在 2026-99-99 99:99:99 结束 2" }, sec + 150*ms},
		"another number": {func(now time.Time) string { return "20 calls, 2026: " + at(now, 5*sec) }, 5*sec + 150*ms},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newHandClock()
			clock.now = clock.now.Truncate(time.Second)
			peer := newPeer(t, nil, func(n int) script {
				if n == 1 {
					return respond(403, "application/json", fmt.Sprintf(`{"code":%q,"message":%q}`, generated.CodeAPIQPSLimit, test.message(clock.Now()))) // synthetic
				}
				return success
			})
			if _, err := faultClient(t, peer.URL, clock.option()).OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil {
				t.Fatal(err)
			}
			if got := clock.waited(); len(got) != 1 || got[0] != test.want {
				t.Errorf("waited %v, want %s", got, test.want)
			}
		})
	}
}

// at formats a time as the service's messages do.
func at(now time.Time, in time.Duration) string {
	return now.Add(in).In(time.FixedZone("", 8*60*60)).Format(time.DateTime)
}

func TestOddBodies(t *testing.T) {
	t.Parallel()
	gzipped := gzipOf(t, successBody)
	for name, does := range map[string]script{
		"byte-order mark":           respond(200, "application/json", "\ufeff"+successBody),
		"x-gzip":                    respond(200, "application/json", gzipped, "Content-Encoding: x-gzip"),
		"gzip in capitals":          respond(200, "application/json", gzipped, "Content-Encoding: GZIP"),
		"byte-order mark in x-gzip": respond(200, "application/json", gzipOf(t, "\ufeff"+successBody), "Content-Encoding: x-gzip"),
	} {
		peer := newPeer(t, nil, func(int) script { return does })
		if id, err := faultClient(t, peer.URL).OpenConversationID(within(t), dingtalktest.ChatID); err != nil || id != dingtalktest.OpenConversationID {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
	for _, id := range []string{" ", "\t", "\u3000"} {
		peer := newPeer(t, nil, func(int) script {
			return respond(200, "application/json", fmt.Sprintf(`{"openConversationId":%q}`, id))
		})
		_ = refused(t, faultClient(t, peer.URL), dingtalk.ErrUnexpectedResponse)
	}
	marked := newPeer(t, nil, func(int) script {
		return respond(400, "application/json", "\ufeff"+`{"code":"invalideChatId","message":"m"}`)
	})
	_ = refused(t, faultClient(t, marked.URL), dingtalk.ErrInvalidChatID)
}
