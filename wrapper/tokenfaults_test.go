package dingtalk_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_20_rejected_token_is_replaced_once", testRejectedOnce)
	addRow("row_21_token_rejected_again_and_again", testRejectedAlways)
	addRow("row_22_rejected_token_handed_back", testSameTokenHandedBack)
	addRow("row_23_static_token_rejected", testStaticTokenRejected)
	addRow("row_24_token_endpoint_down_while_token_is_valid", testEarlyRenewalFails)
	addRow("row_25_token_endpoint_down_without_token", testTokenEndpointDown)
}

func testRejectedOnce(t *testing.T) {
	unauthorized := func(status int, body string) dingtalktest.Fault {
		return dingtalktest.Raw(status, "application/json", []byte(body))
	}
	for name, fault := range map[string]dingtalktest.Fault{
		"as documented":     dingtalktest.Code(generated.CodeInvalidAuthentication),
		"in another case":   dingtalktest.Code("invalidauthentication").WithStatus(400),
		"with 401":          dingtalktest.Code(generated.CodeInvalidAuthentication).WithStatus(401),
		"401 without body":  unauthorized(401, ""),
		"401, unknown code": unauthorized(401, `{"code":"aCodeOfTomorrow","message":"No."}`),
		"legacy, in a 200":  unauthorized(200, `{"errcode":40014,"errmsg":"不合法的access_token"}`),
		"legacy 88":         unauthorized(200, `{"errcode":88,"errmsg":"error"}`),
		"legacy, as text":   unauthorized(400, `{"errcode":"40014","errmsg":"不合法的access_token"}`),
		"said to be absent": dingtalktest.Code(generated.CodeMissingToken),
	} {
		t.Run(name, func(t *testing.T) {
			client, server := newEmulated(t, oneAttempt) // a replay is not a retry
			convert(t, client, "any")
			server.RejectTokens()
			server.FailNext(fault.For(convertOp))
			convert(t, client, "any")
			wantRequests(t, server.Emulator, 3, 2)
		})
	}
	t.Run("and then a failure that is repeated", func(t *testing.T) {
		clock := newHandClock()
		client, server := newEmulated(t, clock.option(), dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 2}))
		convert(t, client, "any")
		server.RejectTokens()
		server.FailNext(dingtalktest.Pass().For(convertOp), dingtalktest.Code(generated.CodeUnknownError).For(convertOp))
		convert(t, client, "any")
		wantRequests(t, server.Emulator, 4, 2)
	})
	t.Run("while many call", func(t *testing.T) {
		client, server := newEmulated(t)
		convert(t, client, "any")
		server.RejectTokens()
		together(100, func() {
			if _, err := client.OpenConversationID(within(t), "any"); err != nil {
				t.Error(err)
			}
		})
		if n := server.Count(tokenOp); n != 2 {
			t.Errorf("%d token calls", n)
		}
	})
}

func testRejectedAlways(t *testing.T) {
	clock := newHandClock()
	var reject atomic.Bool
	reject.Store(true)
	g := newGateway(t, false, func(e *dingtalktest.Emulator) {
		if reject.Load() {
			e.RejectTokens() // the next token call returns another
		}
	})
	client := newClient(t, g.URL, appCredentials, clock.option())
	e := refused(t, client, dingtalk.ErrUnauthenticated)
	wantRequests(t, g.Emulator, 2, 2)
	var first *dingtalk.Error
	if !errors.As(e.Err, &first) || first.RequestID == "" || e.RequestID == "" || first.RequestID == e.RequestID {
		t.Errorf("%v: does not hold the request ids of both", e)
	}
	if e.Attempts != 2 || e.TokenEndpoint || e.Local || e.Code != generated.CodeInvalidAuthentication || !strings.Contains(e.Error(), "the token had been refreshed") {
		t.Errorf("%+v", e)
	}

	// For a moment, other calls fail at once.
	clock.Move(2900 * time.Millisecond)
	together(20, func() {
		if e := refused(t, client, dingtalk.ErrUnauthenticated); !e.Local || e.Attempts != 0 {
			t.Errorf("%+v", e)
		}
	})
	wantRequests(t, g.Emulator, 2, 2)
	reject.Store(false)
	clock.Move(100 * time.Millisecond)
	convert(t, client, "any")
	wantRequests(t, g.Emulator, 3, 3)

	// Many at once: each operation costs two requests and a token call at most.
	const callers = 50
	reject.Store(true)
	g.ResetRequests()
	together(callers, func() { _ = refused(t, client, dingtalk.ErrUnauthenticated) })
	if c, n := g.Count(convertOp), g.Count(tokenOp); c > 2*callers || n > callers {
		t.Errorf("%d conversions and %d token calls for %d calls", c, n, callers)
	}
}

func testSameTokenHandedBack(t *testing.T) {
	clock := newHandClock()
	server := dingtalktest.NewServer(t, dingtalktest.WithStickyToken())
	client := newClient(t, server.URL, appCredentials, clock.option())
	convert(t, client, dingtalktest.ChatID)
	server.RejectTokens()
	e := refused(t, client, dingtalk.ErrUnauthenticated)
	wantRequests(t, server.Emulator, 2, 2)
	if e.Attempts != 1 || e.RequestID == "" || !strings.Contains(e.Error(), "gave the rejected one again") {
		t.Errorf("%+v", e)
	}
	_ = refused(t, client, dingtalk.ErrUnauthenticated)
	wantRequests(t, server.Emulator, 2, 2)
	clock.Move(3 * time.Second)
	together(50, func() { _ = refused(t, client, dingtalk.ErrUnauthenticated) })
}

func testStaticTokenRejected(t *testing.T) {
	server := dingtalktest.NewServer(t)
	for name, creds := range map[string]dingtalk.Credentials{
		"static": dingtalk.StaticToken("not-a-token"),
		"source": &listSource{tokens: []string{"not-a-token"}},
	} {
		server.ResetRequests()
		client := newClient(t, server.URL, creds)
		e := refused(t, client, dingtalk.ErrUnauthenticated)
		if e.Code != generated.CodeInvalidAuthentication || e.Attempts != 1 || e.TokenEndpoint {
			t.Errorf("%s: %+v", name, e)
		}
		wantRequests(t, server.Emulator, 1, 0)
	}
}

func testEarlyRenewalFails(t *testing.T) {
	clock := newHandClock()
	var lines counter
	g := newGateway(t, true, nil)
	client := newClient(t, g.URL, appCredentials, clock.option(), oneAttempt, dingtalk.WithLogger(slog.New(&lines)))
	go func() { g.wait(t); g.release(t) }()
	convert(t, client, "any")
	g.FailNext(dingtalktest.Code(generated.CodeUnknownError).Times(2).For(tokenOp))
	clock.Move(6601 * time.Second)
	for try := 1; try <= 2; try++ {
		convert(t, client, "any")
		g.wait(t) // the token call is on its way, and calls do not wait for it
		for range 3 {
			convert(t, client, "any")
		}
		g.release(t)
		eventually(t, "the renewal has failed", func() bool { return client.TokenWaiters() == -1 })
		if n := lines.at(slog.LevelWarn); n != try {
			t.Errorf("%d warnings after %d failures", n, try)
		}
		clock.Move(29 * time.Second)
		for range 3 {
			convert(t, client, "any")
		}
		if client.TokenWaiters() != -1 {
			t.Error("the next try did not wait 30 s")
		}
		clock.Move(time.Second)
	}
	convert(t, client, "any")
	g.wait(t)
	g.release(t)
	eventually(t, "the renewal has ended", func() bool { return client.TokenWaiters() == -1 })
	clock.Move(6000 * time.Second)
	convert(t, client, "any")
	wantRequests(t, g.Emulator, 1+2*7+1+1, 4)
}

func testTokenEndpointDown(t *testing.T) {
	for name, fault := range map[string]dingtalktest.Fault{
		"503":   dingtalktest.Code(generated.CodeServiceBusy),
		"page":  dingtalktest.Raw(502, "text/html", []byte("<html>")),
		"reset": dingtalktest.Reset(),
		"torn":  dingtalktest.Bytes([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")),
	} {
		t.Run(name, func(t *testing.T) {
			clock := newHandClock()
			client, server := newEmulated(t, clock.option())
			server.FailNext(fault.Times(3).For(tokenOp))
			_, err := client.OpenConversationID(within(t), "any")
			var e *dingtalk.Error
			if !errors.As(err, &e) || !e.TokenEndpoint || e.Attempts != 3 || e.Op != convertOp.ID || !strings.Contains(e.Error(), "while fetching an access token") {
				t.Errorf("%+v", err)
			}
			wantRequests(t, server.Emulator, 0, 3)

			server.FailNext(fault.Times(2).For(tokenOp))
			convert(t, client, "any")
			wantRequests(t, server.Emulator, 1, 6)
		})
	}
	t.Run("refused connection", func(t *testing.T) {
		client, server := newEmulated(t, newHandClock().option())
		server.Close()
		if e := refused(t, client, dingtalk.ErrUnavailable); !e.TokenEndpoint || e.Attempts != 3 || e.StatusCode != 0 {
			t.Errorf("%+v", e)
		}
	})
	t.Run("after a rejection", func(t *testing.T) {
		client, server := newEmulated(t, newHandClock().option())
		convert(t, client, "any")
		server.RejectTokens()
		server.FailNext(dingtalktest.Code(generated.CodeServiceBusy).Times(3).For(tokenOp))
		e := refused(t, client, dingtalk.ErrUnavailable)
		var before *dingtalk.Error
		if !e.TokenEndpoint || e.Attempts != 3 || !errors.As(e.Err, &before) || before.Code != generated.CodeInvalidAuthentication {
			t.Errorf("%+v", e)
		}
	})
	t.Run("throttled", func(t *testing.T) {
		clock := newHandClock()
		client, server := newEmulated(t, clock.option())
		server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(tokenOp))
		begun := clock.Now()
		convert(t, client, "any")
		if waited := clock.Now().Sub(begun); waited < time.Second {
			t.Errorf("repeated after %s", waited)
		}
	})
	t.Run("banned", func(t *testing.T) {
		clock := newHandClock()
		client, server := newEmulated(t, clock.option())
		server.FailNext(dingtalktest.BanJSON().For(tokenOp))
		if e := refused(t, client, dingtalk.ErrBlocked); e.RetryAfter != 5*time.Minute || e.Local {
			t.Errorf("%+v", e)
		}
		clock.Move(4 * time.Minute)
		if e := refused(t, client, dingtalk.ErrBlocked); e.RetryAfter != time.Minute || !e.Local {
			t.Errorf("%+v", e)
		}
		wantRequests(t, server.Emulator, 0, 1)
		clock.Move(time.Minute)
		convert(t, client, "any")
	})
}
