package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	ms  = time.Millisecond
	sec = time.Second

	// patience is how long a test polls before it fails.
	patience = 20 * time.Second
	// staticToken is the token of clients that fetch none. No error may hold it.
	staticToken = "t0ken-of-the-tests"
)

var (
	convertOp = generated.OperationChatIDToOpenConversationID
	tokenOp   = generated.OperationGetAccessToken

	appCredentials = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
	oneAttempt     = dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 1})

	textMessage = generated.OrgGroupSendRequest{
		MsgKey: "sampleText", MsgParam: map[string]string{"content": "x"}, OpenConversationID: dingtalktest.OpenConversationID, RobotCode: dingtalktest.RobotCode,
	}
)

// errorIf reports what is wrong, if it is.
func errorIf(t testing.TB, wrong bool, format string, args ...any) {
	t.Helper()
	if wrong {
		t.Errorf(format, args...)
	}
}

// newClient makes a client of url, or of the service's own host, with a connection pool of its own.
func newClient(t testing.TB, url string, creds dingtalk.Credentials, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	transport := dingtalk.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	opts = append([]dingtalk.Option{through(transport)}, opts...)
	if url != "" {
		opts = append(opts, dingtalk.WithBaseURL(url))
	}
	client, err := dingtalk.NewClient(creds, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newStatic makes a client that fetches no token.
func newStatic(t testing.TB, url string, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	return newClient(t, url, dingtalk.StaticToken(staticToken), opts...)
}

// newEmulated makes a client of an emulator that knows every chat.
func newEmulated(t testing.TB, opts ...dingtalk.Option) (*dingtalk.Client, *dingtalktest.Server) {
	t.Helper()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	return newClient(t, server.URL, appCredentials, opts...), server
}

// newVirtual makes a client in a bubble of [testing/synctest], where time passes at once: its requests reach the
// emulator without a socket, after a second of travel.
func newVirtual(t testing.TB, opts ...dingtalk.Option) (*dingtalk.Client, *dingtalktest.Emulator) {
	t.Helper()
	emulator := dingtalktest.New(dingtalktest.WithAnyChat())
	t.Cleanup(emulator.Close)
	return newClient(t, "https://example.test", appCredentials, append(opts, through(roundTripper(func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(sec):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		answer := httptest.NewRecorder()
		emulator.ServeHTTP(answer, r)
		return answer.Result(), r.Context().Err()
	})))...), emulator
}

// through makes a client send its requests through a transport.
func through(t http.RoundTripper) dingtalk.Option {
	return dingtalk.WithHTTPClient(&http.Client{Transport: t})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answerOf is an answer that such a transport makes by itself.
func answerOf(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// newForeign makes a client whose requests go to trip.
func newForeign(t testing.TB, trip roundTripper, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	return newStatic(t, "https://example.test", append([]dingtalk.Option{through(trip), oneAttempt}, opts...)...)
}

// serve puts a handler behind a loopback listener.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// within returns a context that ends a hanging test. It has no deadline visible to a client.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(patience, cancel)
	t.Cleanup(func() { timer.Stop(); cancel() })
	return ctx
}

// convert makes a call that must succeed. Like [refused] it may be called from any goroutine.
func convert(t testing.TB, client *dingtalk.Client, chatID string) {
	t.Helper()
	id, err := client.OpenConversationID(within(t), chatID)
	want := dingtalktest.OpenConversationIDOf(chatID)
	errorIf(t, id != want || err != nil, "OpenConversationID(%q) = %q, %v; want %q", chatID, id, err, want)
}

// refused makes a call that must fail, and returns its error.
func refused(t testing.TB, client *dingtalk.Client, kind error) *dingtalk.Error {
	t.Helper()
	id, err := client.OpenConversationID(within(t), dingtalktest.ChatID)
	return asError(t, id, err, kind)
}

// asError checks what holds for every failed call: an *Error of this kind and no other, no result, no secret.
func asError(t testing.TB, result string, err, kind error) *dingtalk.Error {
	t.Helper()
	var e *dingtalk.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Errorf("got %q, %v; want an *Error that is %q", result, err, kind)
		return &dingtalk.Error{Kind: errors.New("no error")}
	}
	ended := errors.Is(e.Kind, context.Canceled) || errors.Is(e.Kind, context.DeadlineExceeded)
	errorIf(t, kindOf(e) == "" && !ended || result != "", "%q is no kind; the result is %q", e.Kind, result)
	for _, secret := range []string{staticToken, appCredentials.AppSecret} {
		text := fmt.Sprintf("%v %+v %#v", e, e, *e)
		errorIf(t, strings.Contains(text, secret), "a secret is in: %s", text)
	}
	return e
}

// kindOf is the name of an error's kind, which errors.Is finds as one and no other.
func kindOf(e *dingtalk.Error) (name generated.Kind) {
	for _, kind := range dingtalk.Kinds() {
		switch {
		case errors.Is(e.Kind, kind) && name != "":
			return ""
		case errors.Is(e.Kind, kind):
			name = kind.Name()
		}
	}
	return name
}

// wantRequests checks how many requests of each operation arrived.
func wantRequests(t testing.TB, e *dingtalktest.Emulator, converts, tokens int) {
	t.Helper()
	c, n := e.Count(convertOp), e.Count(tokenOp)
	errorIf(t, c != converts || n != tokens, "%d conversions and %d token calls arrived, want %d and %d", c, n, converts, tokens)
}

// eventually polls until a condition is true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Errorf("did not come true: %s", what)
			return
		}
	}
}

// together runs f in n goroutines.
func together(n int, f func()) {
	var group sync.WaitGroup
	for range n {
		group.Go(f)
	}
	group.Wait()
}

// handClock is a clock moved by the test. Its timers fire at once and move it by their duration. Random is 0.5 by default.
type handClock struct {
	chance float64

	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
}

func newHandClock() *handClock { return &handClock{now: time.Now().Round(0), chance: 0.5} }

func (c *handClock) lock() (unlock func())   { c.mu.Lock(); return c.mu.Unlock }
func (c *handClock) Now() time.Time          { defer c.lock()(); return c.now }
func (c *handClock) Move(d time.Duration)    { defer c.lock()(); c.now = c.now.Add(d) }
func (c *handClock) waited() []time.Duration { defer c.lock()(); return slices.Clone(c.waits) } // the timers so far

func (c *handClock) timer(d time.Duration) (<-chan time.Time, func() bool) {
	defer c.lock()()
	c.waits = append(c.waits, d)
	c.now = c.now.Add(d)
	fires := make(chan time.Time, 1)
	fires <- c.now
	return fires, func() bool { return false }
}

// option makes a client use the clock.
func (c *handClock) option() dingtalk.Option {
	return dingtalk.WithClock(dingtalk.Clock{Now: c.Now, Timer: c.timer, Random: func() float64 { return c.chance }})
}
