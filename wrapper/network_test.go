package dingtalk_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
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
	t.Cleanup(func() { conn.Close() })
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
	for _, advice := range []string{"proxy", "region", nobody} {
		if !strings.Contains(e.Error(), advice) {
			t.Errorf("%q is not in: %v", advice, e)
		}
	}
}

// testEndInBody ends the connection once the client has the headers.
func testEndInBody(t *testing.T) {
	for cause, ends := range map[error]func(string) script{syscall.ECONNRESET: reset, io.ErrUnexpectedEOF: say} {
		arrived := make(chan struct{}, 10)
		ctx := httptrace.WithClientTrace(within(t), &httptrace.ClientTrace{GotFirstResponseByte: func() { arrived <- struct{}{} }})
		half := response(http.StatusOK, "application/json", successBody)
		peer := newPeer(t, nil, always(func(c net.Conn) bool {
			_, _ = io.WriteString(c, half[:len(half)-5])
			<-arrived
			return ends("")(c)
		}))
		id, err := newStatic(t, peer.URL, newHandClock().option()).OpenConversationID(ctx, dingtalktest.ChatID)
		e := asError(t, id, err, dingtalk.ErrUnexpectedResponse)
		if !errors.Is(err, cause) || e.StatusCode != http.StatusOK || e.Attempts != 3 || peer.requests() != 3 || peer.conns.Load() != 3 {
			t.Errorf("%d requests on %d connections, want 3 on new ones and %v: %+v", peer.requests(), peer.conns.Load(), cause, e)
		}
	}
}

// testSlowAnswer lets no headers, or not all of a body, arrive within an attempt's limit.
func testSlowAnswer(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	spaces := strings.Repeat(" ", 10_000)
	for name, test := range map[string]struct {
		does   script
		status int
		says   string
	}{
		"no headers":      {hang(""), 0, "no answer within 300ms"},
		"some headers":    {hang(head), 0, "no answer within 300ms"},
		"headers drip":    {drip("HTTP/1.1 ", "200 OK"+spaces), 0, "no answer within 300ms"},
		"the body stops":  {hang(head + "Content-Length: 60\r\n\r\n{"), 200, "the body did not end in time"},
		"the body drips":  {drip(head+"Content-Length: 10001\r\n\r\n", spaces), 200, "the body did not end in time"},
		"a chunk and not": {hang(head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"), 200, "the body did not end in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := []dingtalk.Option{newHandClock().option(), dingtalk.WithTimeout(300 * ms)}
			peer := newPeer(t, nil, always(test.does))
			e := refused(t, newStatic(t, peer.URL, limits...), dingtalk.ErrUnavailable)
			if !e.Timeout() || !errors.Is(e, os.ErrDeadlineExceeded) || e.StatusCode != test.status || e.Attempts != 3 || peer.requests() != 3 || !strings.Contains(e.Error(), test.says) {
				t.Errorf("%d requests, want 3 and %q: %+v", peer.requests(), test.says, e)
			}
			convert(t, newStatic(t, newPeer(t, nil, once(test.does)).URL, limits...), dingtalktest.ChatID)
		})
	}
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"

// A 101 gives a raw connection, which no limit of net/http covers: the call must not wait for its data.
func testFinal1xx(t *testing.T) {
	for name, does := range map[string]script{"silent": hang(switching), "with bytes": hang(switching + successBody), "drips": drip(switching, strings.Repeat("x", 1<<20))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newPeer(t, nil, always(does))
			for _, creds := range []dingtalk.Credentials{dingtalk.StaticToken(staticToken), appCredentials} { // the token call has no caller's deadline
				client := newClient(t, peer.URL, creds, dingtalk.WithTimeout(time.Hour))
				if e := refused(t, client, dingtalk.ErrUnexpectedResponse); e.StatusCode != http.StatusSwitchingProtocols || e.Attempts != 1 || e.TokenEndpoint != (creds == appCredentials) {
					t.Errorf("%+v", e)
				}
			}
		})
	}
	for status := 100; status < 200; status += 33 { // as a caller's round tripper may return it
		body := newDeafBody()
		client := newForeign(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: body}, nil
		})
		e := refused(t, client, dingtalk.ErrUnexpectedResponse)
		if receive(t, "the body is closed", body.closed.Done()); e.StatusCode != status {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

// deafBody never ends before it is closed, whatever its request's context does.
type deafBody struct {
	closed context.Context
	close  context.CancelFunc
}

func newDeafBody() deafBody {
	closed, end := context.WithCancel(context.Background())
	return deafBody{closed, end}
}

func (b deafBody) Read([]byte) (int, error) {
	<-b.closed.Done()
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
		asError(t, id, err, want)
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
	t.Run("short deadlines", func(t *testing.T) {
		t.Parallel()
		n := newChangingNetwork(t)
		client := newStatic(t, n.URL, dingtalk.WithTimeout(time.Hour))
		together(8, func() { convert(t, client, dingtalktest.ChatID) })
		n.generation.Add(1)
		ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
		defer cancel()
		id, err := client.OpenConversationID(ctx, "any")
		asError(t, id, err, context.DeadlineExceeded)
		convert(t, client, dingtalktest.ChatID)
	})
}
