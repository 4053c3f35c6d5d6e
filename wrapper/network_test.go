package dingtalk_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// testNameNotResolved uses a name server that answers with an error or not at all.
func testNameNotResolved(t *testing.T) {
	for _, test := range []struct {
		name     string
		rcode    byte // 0: no answer
		limit    time.Duration
		attempts int
	}{
		{"NXDOMAIN", 3, patience, 1},
		{"SERVFAIL", 2, patience, 3},
		{"no answer", 0, 300 * ms, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resolver, dials := nameServer(t, test.rcode), 0
			transport := dingtalk.NewTransport()
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return (&net.Dialer{Resolver: resolver}).DialContext(ctx, network, address)
			}
			client := newStatic(t, "https://api.dingtalk.test.", newHandClock().option(), through(transport), dingtalk.WithTimeout(test.limit))
			e := refused(t, client, dingtalk.ErrUnavailable)
			if e.Attempts != test.attempts || dials != test.attempts || e.Timeout() != (test.rcode == 0) {
				t.Errorf("%d look-ups: %+v", dials, e)
			}
			var dns *net.DNSError
			if says := e.Error(); test.rcode != 0 && (!errors.As(e, &dns) || !strings.Contains(says, "api.dingtalk.test") || !strings.Contains(says, "region")) {
				t.Errorf("want a *net.DNSError that names the host, and advice: %v", e)
			}
		})
	}
}

// nameServer starts a name server that answers every question with rcode, or not at all, and returns its client.
func nameServer(t *testing.T, rcode byte) *net.Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		for message := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(message)
			if err != nil {
				return
			}
			if rcode == 0 || n < 12 {
				continue
			}
			end := 12
			for end < n && message[end] != 0 { // the labels of the name
				end += int(message[end]) + 1
			}
			end = min(end+5, n)                                         // the last label, type and class
			copy(message[2:12], []byte{0x81, 0x80 | rcode, 0, 1, 9: 0}) // a response with only one question
			_, _ = conn.WriteTo(message[:end], from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// testConnectionRefused calls a port that nothing listens on.
func testConnectionRefused(t *testing.T) {
	const nobody = "127.0.0.1:1"
	clock := newHandClock()
	e := refused(t, newStatic(t, "http://"+nobody, clock.option()), dingtalk.ErrUnavailable)
	if !errors.Is(e, syscall.ECONNREFUSED) || e.Attempts != 3 || len(clock.waited()) != 2 || e.MayBeDone {
		t.Errorf("waits %v, want 3 refused connections: %+v", clock.waited(), e)
	}
	_, err := newStatic(t, "http://"+nobody, clock.option()).OrgGroupSend(within(t), textMessage) // no connection, no request
	sent := asError(t, "", err, dingtalk.ErrUnavailable)
	errorIf(t, sent.Attempts != 3 || sent.MayBeDone, "%+v", sent)
	for _, advice := range []string{"proxy", "region", nobody} {
		if !strings.Contains(e.Error(), advice) {
			t.Errorf("%q is not in: %v", advice, e)
		}
	}
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"

// A 101 gives a raw connection, which no limit of net/http covers: the call must not wait for its data.
func testFinal1xx(t *testing.T) {
	for _, does := range []script{hang(switching), hang(switching + successBody), drip(switching, strings.Repeat("x", 1<<20))} {
		peer := newPeer(t, nil, always(does))
		for _, creds := range []dingtalk.Credentials{dingtalk.StaticToken(staticToken), appCredentials} { // the token call has no caller's deadline
			e := refused(t, newClient(t, peer.URL, creds, dingtalk.WithTimeout(time.Hour)), dingtalk.ErrUnexpectedResponse)
			if e.StatusCode != http.StatusSwitchingProtocols || e.Attempts != 1 || e.TokenEndpoint != (creds == appCredentials) {
				t.Errorf("%+v", e)
			}
		}
	}
	for status := 100; status < 200; status += 33 { // as a caller's round tripper may return it
		body := newDeafBody()
		client := newForeign(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: body}, nil
		})
		e := refused(t, client, dingtalk.ErrUnexpectedResponse)
		if receive(t, "the body is closed", body.closed); e.StatusCode != status {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

// deafBody never ends before it is closed, whatever its request's context does.
type deafBody struct {
	closed chan struct{}
	close  func()
}

func newDeafBody() deafBody {
	closed := make(chan struct{})
	return deafBody{closed, sync.OnceFunc(func() { close(closed) })}
}

func (b deafBody) Read([]byte) (int, error) {
	<-b.closed
	return 0, errors.New("closed")
}

func (b deafBody) Close() error {
	b.close()
	return nil
}

func testDeafBody(t *testing.T) {
	deaf := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: newDeafBody()}, nil
	}
	if e := refused(t, newForeign(t, deaf, dingtalk.WithTimeout(20*ms)), dingtalk.ErrUnavailable); !e.Timeout() || e.StatusCode != 200 {
		t.Errorf("the attempt's limit: %+v", e)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*ms, cancel)
	late, end := context.WithTimeout(t.Context(), 20*ms)
	defer end()
	for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
		id, err := newForeign(t, deaf, dingtalk.WithTimeout(time.Hour)).OpenConversationID(ctx, "any")
		_ = asError(t, id, err, want)
	}
}

// changingNetwork serves conversions until a change of the network drops all traffic of the existing connections.
type changingNetwork struct {
	*peer
	generation atomic.Int64
	fresh      atomic.Int64 // connections that served a request after a change
}

func newChangingNetwork(t *testing.T) *changingNetwork {
	n := new(changingNetwork)
	n.peer = newRawPeer(t, nil, func(_ *peer, c net.Conn) {
		born := n.generation.Load()
		for r, first := bufio.NewReader(c), true; ; first = false {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if n.generation.Load() != born {
				_, _ = io.Copy(io.Discard, c) // never to answer
				return
			}
			if first && born > 0 {
				n.fresh.Add(1)
			}
			if !success(c) {
				return
			}
		}
	})
	return n
}

func testDeadConnections(t *testing.T) {
	for _, pool := range []int{1, 8, 64} {
		t.Run(fmt.Sprint(pool), func(t *testing.T) {
			t.Parallel()
			n, transport := newChangingNetwork(t), dingtalk.NewTransport()
			t.Cleanup(transport.CloseIdleConnections)
			ready := make(chan struct{})
			var waiting atomic.Int64
			filler := newStatic(t, n.URL, through(roundTripper(func(req *http.Request) (*http.Response, error) { // holds until the pool is full
				if waiting.Add(1) == int64(pool) {
					close(ready)
				}
				<-ready
				return transport.RoundTrip(req)
			})))
			together(pool, func() { convert(t, filler, dingtalktest.ChatID) })
			n.generation.Add(1)
			for range 2 { // the second client has the same transport
				client := newStatic(t, n.URL, through(transport), dingtalk.WithTimeout(2*sec), dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 2, BaseDelay: 1}))
				convert(t, client, dingtalktest.ChatID)
			}
			if fresh := n.fresh.Load(); fresh != 1 {
				t.Errorf("%d new connections, want 1", fresh)
			}
		})
	}
}

func compressed(body string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close() // neither fails on a buffer
	return b.Bytes()
}

// testBodyTooLarge sends endless bodies, plain and compressed, and measures their cost.
func testBodyTooLarge(t *testing.T) {
	const mebibyte = 1 << 20
	spaces := strings.Repeat(" ", mebibyte)
	member := compressed(spaces) // gzip members may be concatenated: 1024 of these are a gibibyte
	for head, part := range map[string][]byte{
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n":     member,
		"HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\n\r\n":   member,
		"HTTP/1.1 200 OK\r\n\r\n":                               []byte(spaces),
		"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n": []byte(spaces),
	} {
		t.Run(head, func(t *testing.T) {
			var sent atomic.Int64
			peer := newPeer(t, nil, always(func(c net.Conn) bool {
				_, err := io.WriteString(c, head)
				for range 1024 {
					if err != nil {
						break
					}
					if _, err = c.Write(part); err == nil {
						sent.Add(1)
					}
				}
				return false
			}))
			client := newStatic(t, peer.URL, newHandClock().option(), dingtalk.WithTimeout(time.Minute))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e := refused(t, client, dingtalk.ErrUnexpectedResponse)
			runtime.ReadMemStats(&after)
			if !errors.Is(e, dingtalk.ErrTooLarge) || e.Attempts != 1 || peer.requests() != 1 || e.StatusCode == 0 {
				t.Errorf("%d requests: %+v", peer.requests(), e)
			}
			if got := sent.Load(); got > 64 && len(part) == mebibyte {
				t.Errorf("the client took %d of 1024 parts", got)
			}
			// All allocations together bound the peak, whenever the collector ran.
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16*mebibyte {
				t.Errorf("%d bytes allocated", grown)
			}
		})
	}
	for more, kind := range map[int]error{0: nil, 1: dingtalk.ErrTooLarge} {
		body := successBody + strings.Repeat(" ", dingtalk.MaxBodyBytes+more-len(successBody))
		client := newStatic(t, newPeer(t, nil, always(respond(200, "application/json", body))).URL)
		if _, err := client.OpenConversationID(within(t), dingtalktest.ChatID); !errors.Is(err, kind) {
			t.Errorf("%d bytes more than the limit: %v", more, err)
		}
	}
}
