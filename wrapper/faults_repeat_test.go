package dingtalk_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_68_not_safe_to_repeat", TestRepeatRule)
}

// An operation that is not safe to repeat is retried only if it surely was not processed.
func TestRepeatRule(t *testing.T) {
	for name, does := range map[string]script{
		"end before headers":    say(""),
		"reset before headers":  reset(""),
		"reset in the body":     reset("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"),
		"no headers":            hang(""),
		"half a header":         hang("HTTP/1.1 200 OK\r\nContent-"),
		"slow body":             hang("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"),
		"body too short":        say("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{}"),
		"chunked garbage":       say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
		"503 that says when":    apiError(503, "serviceBusy", "Retry-After: 1"),
		"500":                   apiError(500, "unknownError"),
		"502 with HTML":         respond(502, "text/html", "<html></html>"),
		"504":                   respond(504, "", ""),
		"408":                   respond(408, "", ""),
		"systemError at 400":    apiError(400, string(generated.CodeSystemError)),
		"200 without an answer": respond(200, "application/json", "{}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newPeer(t, nil, func(int) script { return does })
			client := faultClient(t, peer.URL, newHandClock().option(), dingtalk.WithTimeout(300*ms))
			if id, err := client.Unsafely(within(t), dingtalktest.ChatID); err == nil || id != "" || peer.requests() != 1 {
				t.Errorf("%q, %v after %d requests, want one", id, err, peer.requests())
			}
		})
	}
	for name, does := range map[string]script{
		"throttle": apiError(403, string(generated.CodeAppQPSLimit)),
		"429":      respond(429, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newPeer(t, nil, func(int) script { return does })
			client := faultClient(t, peer.URL, newHandClock().option())
			if _, err := client.Unsafely(within(t), dingtalktest.ChatID); err == nil || peer.requests() != 3 {
				t.Errorf("%v after %d requests, want three", err, peer.requests())
			}
		})
	}
	t.Run("rejected token", func(t *testing.T) {
		t.Parallel()
		client, server := newEmulated(t)
		convert(t, client, "any")
		server.RejectTokens()
		if _, err := client.Unsafely(within(t), "any"); err != nil {
			t.Error(err)
		}
		wantRequests(t, server.Emulator, 3, 2)
	})
	t.Run("no connection", func(t *testing.T) {
		t.Parallel()
		dials := 0
		client := foreignClient(t, func(req *http.Request) (*http.Response, error) {
			dials++
			return dingtalk.NewTransport().RoundTrip(req)
		}, dingtalk.WithRetry(dingtalk.Retry{}), newHandClock().option())
		_, err := client.Unsafely(within(t), "any") // example.test has no address
		e := asError(t, "", err, dingtalk.ErrUnavailable)
		if dials != e.Attempts {
			t.Errorf("%d dials: %+v", dials, e)
		}
		refusing := faultClient(t, "http://127.0.0.1:1", newHandClock().option())
		_, err = refusing.Unsafely(within(t), "any")
		if e := asError(t, "", err, dingtalk.ErrUnavailable); e.Attempts != 3 {
			t.Errorf("a refused connection: %+v", e)
		}
	})
	t.Run("no trust", func(t *testing.T) {
		t.Parallel()
		peer := newPeer(t, &tls.Config{}, func(int) script { return success })
		client := faultClient(t, peer.URL, newHandClock().option())
		if _, err := client.Unsafely(within(t), "any"); err == nil || peer.requests() != 0 {
			t.Errorf("%v after %d requests", err, peer.requests())
		}
	})
}
