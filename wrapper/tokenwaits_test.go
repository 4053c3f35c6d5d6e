package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_26_slow_token_endpoint_and_different_deadlines", testSlowTokenEndpoint)
	addRow("row_27_token_that_cannot_be_used", testUnusableToken)
}

func testSlowTokenEndpoint(t *testing.T) {
	t.Run("a leader that leaves fails nobody", func(t *testing.T) {
		g := newGateway(t, true, nil)
		client := newClient(t, g.URL, appCredentials)
		leader, leave := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := client.OpenConversationID(leader, "any")
			ended <- err
		}()
		g.wait(t)
		var others sync.WaitGroup
		for i := range 20 {
			others.Go(func() {
				if i%2 == 0 {
					_, err := client.OpenConversationID(within(t), "any")
					if err != nil {
						t.Error(err)
					}
				} else if token, err := client.Token(within(t)); token == "" || err != nil {
					t.Error(err)
				}
			})
		}
		eventually(t, "all wait", func() bool { return client.TokenWaiters() == 21 })

		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := client.OpenConversationID(impatient, "any")
		e := asError(t, "", err, context.DeadlineExceeded)
		if !e.Timeout() || e.Attempts != 0 {
			t.Errorf("%+v", e)
		}
		leave()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the leader got %v", err)
		}
		eventually(t, "the others still wait", func() bool { return client.TokenWaiters() == 20 })
		g.release(t)
		others.Wait()
		wantRequests(t, g.Emulator, 10, 1)
	})
	t.Run("all that leave end the request", func(t *testing.T) {
		g := newGateway(t, true, nil)
		client := newClient(t, g.URL, appCredentials, dingtalk.WithTimeout(time.Hour))
		ctx, leave := context.WithCancel(t.Context())
		before := runtime.NumGoroutine()
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if _, err := client.OpenConversationID(ctx, "any"); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		g.wait(t)
		eventually(t, "all wait", func() bool { return client.TokenWaiters() == 10 })
		leave()
		group.Wait()
		receive(t, "the client leaves", g.left)
		eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
		if client.TokenWaiters() != -1 {
			t.Error("the request is still waited for")
		}
		go func() { g.wait(t); g.release(t) }()
		convert(t, client, "any")
	})
	t.Run("each that fails has an error of its own", func(t *testing.T) {
		g := newGateway(t, true, nil)
		client := newClient(t, g.URL, appCredentials, oneAttempt)
		g.FailNext(dingtalktest.Code(generated.CodeServiceBusy).For(tokenOp))
		errs := make([]*dingtalk.Error, 20)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() { errs[i] = refused(t, client, dingtalk.ErrUnavailable) })
		}
		g.wait(t)
		eventually(t, "all wait", func() bool { return client.TokenWaiters() == len(errs) })
		g.release(t)
		group.Wait()
		seen := map[*dingtalk.Error]bool{}
		for _, e := range errs {
			seen[e] = true
		}
		if len(seen) != len(errs) {
			t.Errorf("%d errors for %d callers", len(seen), len(errs))
		}
		wantRequests(t, g.Emulator, 0, 1)
	})
	t.Run("a caller that had left asks for nothing", func(t *testing.T) {
		client, server := newEmulated(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		token, err := client.Token(ctx)
		_ = asError(t, token, err, context.Canceled)
		id, err := client.OpenConversationID(ctx, "any")
		_ = asError(t, id, err, context.Canceled)
		wantRequests(t, server.Emulator, 0, 0)
	})
}

func testUnusableToken(t *testing.T) {
	const mark = "tokenOfWorth"
	for name, body := range map[string]string{
		"garbage":           `<<` + mark,
		"empty":             ``,
		"empty object":      `{}`,
		"null":              `null`,
		"empty token":       `{"accessToken":"","expireIn":7200}`,
		"null token":        `{"accessToken":null,"expireIn":7200}`,
		"number":            `{"accessToken":7,"expireIn":7200}`,
		"injects a header":  `{"accessToken":"` + mark + `\r\nx-injected: 1","expireIn":7200}`,
		"line feed at end":  `{"accessToken":"` + mark + `\n","expireIn":7200}`,
		"not ASCII":         `{"accessToken":"` + mark + `你好","expireIn":7200}`,
		"NUL":               `{"accessToken":"` + mark + `\u0000","expireIn":7200}`,
		"DEL":               `{"accessToken":"` + mark + `\u007f","expireIn":7200}`,
		"space at an end":   `{"accessToken":" ` + mark + `","expireIn":7200}`,
		"in another object": `{"result":{"accessToken":"` + mark + `","expireIn":7200}}`,
		"cut":               `{"accessToken":"` + mark + `","expireIn":72`,
		"followed by more":  `{"accessToken":"` + mark + `","expireIn":7200}}`,
	} {
		client, server := newEmulated(t)
		server.FailNext(dingtalktest.Raw(200, "application/json", []byte(body)).WithHeader(generated.RequestIDHeader, "REQ-1").For(tokenOp))
		e := refused(t, client, dingtalk.ErrUnexpectedResponse)
		if !e.TokenEndpoint || e.StatusCode != 200 || e.RequestID != "REQ-1" || e.Attempts != 1 || strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), mark) {
			t.Errorf("%s: %#v", name, e)
		}
		wantRequests(t, server.Emulator, 0, 1)
	}
	for _, token := range []string{"", mark + "\r\nx-injected: 1", mark + "你好", mark + " "} {
		server := dingtalktest.NewServer(t)
		client := newClient(t, server.URL, &listSource{tokens: []string{token}})
		if e := refused(t, client, dingtalk.ErrUnauthenticated); !e.Local || strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), mark) {
			t.Errorf("%q: %#v", token, e)
		}
		wantRequests(t, server.Emulator, 0, 0)
	}
}
