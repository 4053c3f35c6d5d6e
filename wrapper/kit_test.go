package dingtalk_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var (
	convertOp = generated.OperationChatIDToOpenConversationID
	tokenOp   = generated.OperationGetAccessToken

	appCredentials = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
	oneAttempt     = dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 1})
)

// patience is how long a test polls before it fails.
const patience = 20 * time.Second

// newClient makes a client of url with a connection pool of its own.
func newClient(t testing.TB, url string, creds dingtalk.Credentials, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	t.Cleanup(transport.CloseIdleConnections)
	opts = append([]dingtalk.Option{dingtalk.WithBaseURL(url), dingtalk.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	client, err := dingtalk.NewClient(creds, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newEmulated makes a client of an emulator that knows every chat.
func newEmulated(t testing.TB, opts ...dingtalk.Option) (*dingtalk.Client, *dingtalktest.Server) {
	t.Helper()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	return newClient(t, server.URL, appCredentials, opts...), server
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
	if want := dingtalktest.OpenConversationIDOf(chatID); id != want || err != nil {
		t.Errorf("OpenConversationID(%q) = %q, %v; want %q", chatID, id, err, want)
	}
}

// refused makes a call that must fail, and returns its error.
func refused(t testing.TB, client *dingtalk.Client, kind error) *dingtalk.Error {
	t.Helper()
	id, err := client.OpenConversationID(within(t), dingtalktest.ChatID)
	return asError(t, id, err, kind)
}

func asError(t testing.TB, result string, err, kind error) *dingtalk.Error {
	t.Helper()
	var e *dingtalk.Error
	if result != "" || !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Errorf("got %q, %v; want an *Error that is %q", result, err, kind)
		return &dingtalk.Error{Kind: errors.New("no error")}
	}
	return e
}

// wantRequests checks how many requests of each operation arrived.
func wantRequests(t testing.TB, e *dingtalktest.Emulator, converts, tokens int) {
	t.Helper()
	if c, n := e.Count(convertOp), e.Count(tokenOp); c != converts || n != tokens {
		t.Errorf("%d conversions and %d token calls arrived, want %d and %d", c, n, converts, tokens)
	}
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

// handClock is a clock moved by the test. Its timers fire at once and move it by their duration. Random is 0.5 by
// default.
type handClock struct {
	chance float64

	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
}

func newHandClock() *handClock { return &handClock{now: time.Now().Round(0), chance: 0.5} }

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *handClock) timer(d time.Duration) (<-chan time.Time, func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, d)
	c.now = c.now.Add(d)
	fires := make(chan time.Time, 1)
	fires <- c.now
	return fires, func() bool { return false }
}

// waited returns the timers so far.
func (c *handClock) waited() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.waits)
}

// option makes a client use the clock.
func (c *handClock) option() dingtalk.Option {
	return dingtalk.WithClock(dingtalk.Clock{Now: c.Now, Timer: c.timer, Random: func() float64 { return c.chance }})
}

// stillClock is a hand clock whose timers do not fire.
type stillClock struct{ *handClock }

func newStillClock() stillClock { return stillClock{newHandClock()} }

func (c stillClock) option() dingtalk.Option {
	return dingtalk.WithClock(dingtalk.Clock{Now: c.Now, Random: func() float64 { return c.chance }, Timer: func(time.Duration) (<-chan time.Time, func() bool) {
		return nil, func() bool { return true }
	}})
}

// gateway is an emulator with a test's hooks for its requests.
type gateway struct {
	*dingtalktest.Emulator
	URL     string
	arrived chan struct{} // a token call waits
	let     chan struct{} // lets one token call continue
	left    chan struct{} // a token call's client left while it waited
}

// newGateway makes a gateway. hold says whether token calls wait; before, if it is not nil, sees each conversion.
func newGateway(t *testing.T, hold bool, before func(*dingtalktest.Emulator), opts ...dingtalktest.Option) *gateway {
	t.Helper()
	opts = append([]dingtalktest.Option{dingtalktest.WithAnyChat()}, opts...)
	g := &gateway{Emulator: dingtalktest.New(opts...), arrived: make(chan struct{}), let: make(chan struct{}), left: make(chan struct{})}
	ctx := within(t)
	g.URL = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch isToken := r.URL.Path == tokenOp.Path; {
		case !isToken && before != nil:
			before(g.Emulator)
		case isToken && hold:
			body, _ := io.ReadAll(r.Body) // net/http notices that a client left once the body is read
			r.Body = io.NopCloser(bytes.NewReader(body))
			select {
			case g.arrived <- struct{}{}:
			case <-ctx.Done():
			}
			select {
			case <-g.let:
			case <-r.Context().Done():
				select {
				case g.left <- struct{}{}:
				case <-ctx.Done():
				}
				return
			case <-ctx.Done():
			}
		}
		g.ServeHTTP(w, r)
	})
	return g
}

// together runs f in n goroutines.
func together(n int, f func()) {
	var group sync.WaitGroup
	for range n {
		group.Go(f)
	}
	group.Wait()
}

// wait waits for a token call to arrive.
func (g *gateway) wait(t testing.TB) {
	t.Helper()
	receive(t, "a token call arrives", g.arrived)
}

// release lets a token call continue.
func (g *gateway) release(t testing.TB) {
	t.Helper()
	select {
	case g.let <- struct{}{}:
	case <-time.After(patience):
		t.Error("no token call waits")
	}
}

// receive receives from a channel, with a time limit.
func receive(t testing.TB, what string, happens <-chan struct{}) {
	t.Helper()
	select {
	case <-happens:
	case <-time.After(patience):
		t.Errorf("did not happen: %s", what)
	}
}

func gzipOf(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
