package dingtalk_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_15_address_is_banned", testBanned)
	addRow("row_19_redirects", testRedirects)
}

// testRedirects answers with every kind of redirect: the client must follow none, because the token would go along.
func testRedirects(t *testing.T) {
	other := newPeer(t, nil, func(int) script { return success })
	authority := newAuthority(t)
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308, 399} {
		for name, target := range map[string]struct{ location, names string }{
			"same_host":  {"/v1.0/im/chat/other/convertToOpenConversationId", "the same host"},
			"other_host": {other.URL + "/v1.0/im/chat/chat1/convertToOpenConversationId", other.host()},
			"no_target":  {"", "the same host"},
			"nonsense":   {"http://[::1", "the same host"},
			"a_secret":   {"https://user:hidden@elsewhere.test/?access_token=hidden", "elsewhere.test"},
		} {
			for scheme, config := range map[string]func() *peer{
				"http":  func() *peer { return redirecting(t, nil, status, target.location) },
				"https": func() *peer { return redirecting(t, authority, status, target.location) },
			} {
				t.Run(fmt.Sprintf("%d_%s_from_%s", status, name, scheme), func(t *testing.T) {
					peer := config()
					httpClient := authority.trusting()
					httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return nil } // does not apply
					client := faultClient(t, peer.URL, newHandClock().option(), dingtalk.WithHTTPClient(httpClient))
					id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
					e := checkError(t, id, err, dingtalk.ErrRedirect)
					if e.StatusCode != status || e.Attempts != 1 || peer.requests() != 1 {
						t.Errorf("status %d, %d attempts, %d requests: %v", e.StatusCode, e.Attempts, peer.requests(), err)
					}
					if !strings.Contains(e.Message, target.names) || strings.Contains(err.Error(), "hidden") {
						t.Errorf("want the host %s and nothing else of the target: %v", target.names, err)
					}
				})
			}
		}
	}
	if other.conns.Load() != 0 || other.requests() != 0 {
		t.Errorf("the target saw %d connections and %d requests", other.conns.Load(), other.requests())
	}
}

func redirecting(t *testing.T, authority *authority, status int, location string) *peer {
	t.Helper()
	headers := []string{"Connection: close"}
	if location != "" {
		headers = append(headers, "Location: "+location)
	}
	does := func(int) script { return respond(status, "text/html", "<a>moved</a>", headers...) }
	if status == http.StatusNotModified { // has no body
		does = func(int) script {
			return say("HTTP/1.1 304 Not Modified\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n")
		}
	}
	if authority == nil {
		return newPeer(t, nil, does)
	}
	return newPeer(t, authority.serve(t, nil), does)
}

// testBanned: a banned address must be left alone for five minutes, by every call and by the token call.
func testBanned(t *testing.T) {
	for _, ban := range []struct {
		name  string
		fault dingtalktest.Fault
	}{
		{"page", dingtalktest.Ban()},
		{"page_with_200", dingtalktest.Raw(http.StatusOK, "text/html", []byte(`<script src="/_____tmd_____/punish"></script>`))},
		{"JSON", dingtalktest.BanJSON()},
		{"JSON_with_403", dingtalktest.BanJSON().WithStatus(http.StatusForbidden)},
		{"JSON_without_punish", dingtalktest.Raw(http.StatusOK, "application/json", []byte(`{"status":1111,"wait":5}`))},
	} {
		t.Run(ban.name, func(t *testing.T) {
			server := dingtalktest.NewServer(t)
			server.FailNext(ban.fault.For(generated.OperationChatIDToOpenConversationID))
			clock := newHandClock()
			client := newClient(t, server.URL, appCredentials, clock.option())
			id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
			e := checkError(t, id, err, dingtalk.ErrBlocked)
			if e.RetryAfter != generated.BanTime || e.Attempts != 1 || e.Local {
				t.Errorf("%+v", *e)
			}
			sent := len(server.Requests())
			clock.Move(generated.BanTime - time.Second)
			for range 3 {
				id, err = client.OpenConversationID(t.Context(), dingtalktest.ChatID)
				e = checkError(t, id, err, dingtalk.ErrBlocked)
				if !e.Local || e.Attempts != 0 || e.RetryAfter != time.Second || !strings.Contains(err.Error(), "refused by this client") {
					t.Errorf("%+v: %v", *e, err)
				}
			}
			if got := len(server.Requests()); got != sent {
				t.Errorf("%d requests were sent while the address was banned", got-sent)
			}
			clock.Move(time.Second)
			if id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil || id != dingtalktest.OpenConversationID {
				t.Errorf("after the ban: %q, %v", id, err)
			}
		})
	}
	t.Run("token_call", func(t *testing.T) {
		server := dingtalktest.NewServer(t)
		server.FailNext(dingtalktest.Ban().For(generated.OperationGetAccessToken))
		clock := newHandClock()
		client := newClient(t, server.URL, appCredentials, clock.option())
		for n := range 3 {
			id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
			var e *dingtalk.Error
			if id != "" || !errors.As(err, &e) || !errors.Is(e.Kind, dingtalk.ErrBlocked) || !e.TokenEndpoint || e.Local != (n > 0) {
				t.Fatalf("%q, %v", id, err)
			}
		}
		if got := len(server.Requests()); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
		clock.Move(generated.BanTime)
		if _, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil {
			t.Errorf("after the ban: %v", err)
		}
	})
	t.Run("token_for_other_calls", func(t *testing.T) { // without the ban, a token would be fetched
		server := dingtalktest.NewServer(t)
		server.FailNext(
			dingtalktest.Ban().For(generated.OperationChatIDToOpenConversationID),
			dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`","expireIn":30}`)).For(tokenOp),
		)
		clock := newHandClock()
		client := newClient(t, server.URL, appCredentials, clock.option())
		id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
		_ = checkError(t, id, err, dingtalk.ErrBlocked)
		server.ResetRequests()
		clock.Move(31 * time.Second) // the token has ended, the ban has not
		token, err := client.Token(t.Context())
		if e := asError(t, token, err, dingtalk.ErrBlocked); !e.Local || !e.TokenEndpoint || e.Attempts != 0 {
			t.Errorf("%+v", *e)
		}
		if got := len(server.Requests()); got != 0 {
			t.Errorf("%d requests were sent while the address was banned", got)
		}
	})
	t.Run("renewal", func(t *testing.T) { // in the background, where no caller gets the error
		server := dingtalktest.NewServer(t)
		clock := newHandClock()
		client := newClient(t, server.URL, appCredentials, clock.option())
		convert(t, client, dingtalktest.ChatID)
		server.FailNext(dingtalktest.Ban().For(generated.OperationGetAccessToken))
		clock.Move(7000 * time.Second)
		convert(t, client, dingtalktest.ChatID)
		eventually(t, "the renewal has ended", func() bool { return client.TokenWaiters() == -1 })
		id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
		if e := checkError(t, id, err, dingtalk.ErrBlocked); !e.Local {
			t.Errorf("%+v", *e)
		}
	})
}
