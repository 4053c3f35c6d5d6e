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
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	successBody = `{"openConversationId":"` + dingtalktest.OpenConversationID + `"}`
	success     = "HTTP/1.1 200 OK\r\nContent-Length: 52\r\n\r\n" + successBody
)

// peer is a listener that reads HTTP requests and answers them with bytes.
type peer struct {
	URL             string
	requests, conns atomic.Int64
}

// newPeer starts a peer, which closes a connection when answer says so or the test ends.
func newPeer(t testing.TB, answer func(c net.Conn) (keep bool)) *peer {
	t.Helper()
	listener := httptest.NewUnstartedServer(nil).Listener
	p := &peer{URL: "http://" + listener.Addr().String()}
	var work sync.WaitGroup
	work.Go(func() {
		for c, err := listener.Accept(); err == nil; c, err = listener.Accept() {
			p.conns.Add(1)
			work.Go(func() {
				defer c.Close()
				defer context.AfterFunc(t.Context(), func() { c.Close() })()
				for r := bufio.NewReader(c); ; {
					if req, err := http.ReadRequest(r); err != nil {
						return
					} else if _, err = io.Copy(io.Discard, req.Body); err != nil {
						return
					}
					if p.requests.Add(1); !answer(c) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { listener.Close(); work.Wait() })
	return p
}

// hang sends bytes and then nothing, until the client leaves.
func hang(raw string) func(net.Conn) bool {
	return func(c net.Conn) bool {
		_, _ = io.WriteString(c, raw)
		_, _ = io.Copy(io.Discard, c)
		return false
	}
}

// testNameNotResolved uses a name server that answers with an error or not at all.
func testNameNotResolved(t *testing.T) {
	for name, test := range map[string]struct {
		rcode    byte // 0: no answer
		limit    time.Duration
		attempts int
	}{"NXDOMAIN": {3, patience, 1}, "SERVFAIL": {2, patience, 3}, "no answer": {0, 300 * ms, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver, dials := nameServer(t, test.rcode), 0
			transport := dingtalk.NewTransport()
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				return (&net.Dialer{Resolver: resolver}).DialContext(ctx, network, address)
			}
			client := newStatic(t, "https://dingtalk.test.", newHandClock().option(), through(transport), dingtalk.WithTimeout(test.limit))
			e, dns := refused(t, client, dingtalk.ErrUnavailable), new(net.DNSError)
			errorIf(t, e.Attempts != test.attempts || dials != test.attempts || e.Timeout() != (test.rcode == 0), "%d dials: %+v", dials, e)
			advised := errors.As(e, &dns) && strings.Contains(e.Error(), "dingtalk.test") && strings.Contains(e.Error(), "region")
			errorIf(t, test.rcode != 0 && !advised, "want a *net.DNSError that names the host, and advice: %v", e)
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

// testConnectionRefused calls a port that nothing listens on. No connection, no request: a message is tried again, too.
func testConnectionRefused(t *testing.T) {
	const nobody = "127.0.0.1:1"
	clock := newHandClock()
	client := newStatic(t, "http://"+nobody, clock.option())
	e := refused(t, client, dingtalk.ErrUnavailable)
	_, err := client.OrgGroupSend(within(t), textMessage)
	for _, e := range []*dingtalk.Error{e, asError(t, "", err, dingtalk.ErrUnavailable)} {
		errorIf(t, !errors.Is(e, syscall.ECONNREFUSED) || e.Attempts != 3 || e.MayBeDone, "want 3 refused connections: %+v", e)
		for _, advice := range []string{"proxy", "region", nobody} {
			errorIf(t, !strings.Contains(e.Error(), advice), "%q is not in: %v", advice, e)
		}
	}
	errorIf(t, len(clock.waited()) != 4, "waits %v", clock.waited())
}

// A 101 gives a raw connection, which no limit of net/http covers: the call must not wait for its data. A caller's round
// tripper may return any 1xx.
func testFinal1xx(t *testing.T) {
	const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"
	for _, says := range []string{switching, switching + successBody} {
		peer := newPeer(t, hang(says))
		for _, creds := range []dingtalk.Credentials{dingtalk.StaticToken(staticToken), appCredentials} { // its own call has no deadline
			e := refused(t, newClient(t, peer.URL, creds, dingtalk.WithTimeout(time.Hour)), dingtalk.ErrUnexpectedResponse)
			errorIf(t, e.StatusCode != 101 || e.Attempts != 1 || e.TokenEndpoint != (creds == appCredentials), "%+v", e)
		}
	}
	for status := 100; status < 200; status += 33 {
		body, writer := io.Pipe() // whose reads do not end before it is closed
		defer time.AfterFunc(patience, func() { _ = body.CloseWithError(context.DeadlineExceeded) }).Stop()
		e := refused(t, newForeign(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: body}, nil
		}), dingtalk.ErrUnexpectedResponse)
		_, err := io.WriteString(writer, "x")
		errorIf(t, e.StatusCode != status || !errors.Is(err, io.ErrClosedPipe), "%d: the body is not closed: %v, %+v", status, err, e)
	}
}

func testDeafBody(t *testing.T) {
	deaf := func(*http.Request) (*http.Response, error) {
		body, _ := io.Pipe()
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
	}
	registered := dingtalk.NewTransport()
	registered.RegisterProtocol("http", roundTripper(deaf))
	idle := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(iotest.ErrReader(nil))}, nil
	}
	for _, rt := range []http.RoundTripper{roundTripper(deaf), roundTripper(idle), registered} {
		e := refused(t, newStatic(t, "http://127.0.0.1", through(rt), oneAttempt, dingtalk.WithTimeout(20*ms)), dingtalk.ErrUnavailable)
		errorIf(t, !e.Timeout() || e.StatusCode != 200, "the attempt's limit: %+v", e)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*ms, cancel)
	late, end := context.WithTimeout(t.Context(), 20*ms)
	defer end()
	for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late} {
		id, err := newForeign(t, deaf, dingtalk.WithTimeout(time.Hour)).OpenConversationID(ctx, "any")
		_ = asError(t, id, err, want)
	}
	body, in := io.Pipe() // of an answer that comes before the request is written
	early := dingtalk.NewTransport()
	early.RegisterProtocol("http", roundTripper(func(r *http.Request) (*http.Response, error) {
		go func() {
			_, _ = io.WriteString(in, successBody)
			httptrace.ContextClientTrace(r.Context()).WroteRequest(httptrace.WroteRequestInfo{})
			_ = in.Close()
		}()
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
	}))
	convert(t, newStatic(t, "http://127.0.0.1", through(early)), dingtalktest.ChatID)
	eventually(t, "the body is closed", func() bool { _, err := body.Read(nil); return errors.Is(err, io.ErrClosedPipe) })
}

// testNotAConnection tries a transport such as one of HTTP/3, which sends again through a connection that is none.
func testNotAConnection(t *testing.T) {
	e := refused(t, newForeign(t, func(r *http.Request) (*http.Response, error) {
		for trace := httptrace.ContextClientTrace(r.Context()); r.Context().Err() == nil; trace.WroteHeaders() {
			trace.GotConn(httptrace.GotConnInfo{Conn: struct{ net.Conn }{}})
		}
		return nil, io.EOF
	}), dingtalk.ErrUnavailable)
	errorIf(t, !strings.Contains(e.Error(), "about to send it again"), "%v", e)
}

// testDeadConnections: a change of the network drops all traffic of the existing connections. One call pays for it.
func testDeadConnections(t *testing.T) {
	for _, pool := range []int{1, 8, 64} {
		t.Run(fmt.Sprint(pool), func(t *testing.T) {
			t.Parallel()
			var generation, fresh, waiting atomic.Int64
			var births sync.Map // the generation of each connection's first request
			peer := newPeer(t, func(c net.Conn) bool {
				born, old := births.LoadOrStore(c, generation.Load())
				if born != generation.Load() {
					return hang("")(c)
				}
				if !old && born != int64(0) {
					fresh.Add(1)
				}
				_, err := io.WriteString(c, success)
				return err == nil
			})
			transport, ready := dingtalk.NewTransport(), make(chan struct{})
			t.Cleanup(transport.CloseIdleConnections)
			filler := newStatic(t, peer.URL, through(roundTripper(func(req *http.Request) (*http.Response, error) { // fills the pool
				if waiting.Add(1) == int64(pool) {
					close(ready)
				}
				<-ready
				return transport.RoundTrip(req)
			})))
			together(pool, func() { convert(t, filler, dingtalktest.ChatID) })
			generation.Add(1)
			for range 2 { // the second client has the same transport
				client := newStatic(t, peer.URL, through(transport), dingtalk.WithTimeout(2*sec), dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 2, BaseDelay: 1}))
				convert(t, client, dingtalktest.ChatID)
			}
			errorIf(t, fresh.Load() != 1, "%d new connections, want 1", fresh.Load())
		})
	}
}

// testBodyTooLarge sends endless bodies, plain and compressed, and measures their cost.
func testBodyTooLarge(t *testing.T) {
	const mebibyte = 1 << 20
	spaces := strings.Repeat(" ", mebibyte)
	// Members without content.
	nothing := strings.Repeat("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00", mebibyte/20)
	var member bytes.Buffer // gzip members may be concatenated: 1024 of these are a gibibyte
	w := gzip.NewWriter(&member)
	_, _ = io.WriteString(w, spaces)
	_ = w.Close() // neither fails on a buffer
	for head, part := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n":   member.String(),
		"HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\n\r\n": member.String(), "HTTP/1.1 200 OK\r\n\r\n": spaces,
		"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n": spaces, "HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\n\r\n": nothing,
	} {
		sent, payload := atomic.Int64{}, []byte(part) // once: what the server allocates counts, too
		peer := newPeer(t, func(c net.Conn) bool {
			_, err := io.WriteString(c, head)
			for n := 0; n < 1024 && err == nil; n++ {
				_, err = c.Write(payload)
				sent.Add(1)
			}
			return false
		})
		client := newStatic(t, peer.URL, newHandClock().option(), dingtalk.WithTimeout(time.Minute))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		e := refused(t, client, dingtalk.ErrUnexpectedResponse)
		runtime.ReadMemStats(&after)
		errorIf(t, !errors.Is(e, dingtalk.ErrTooLarge) || e.Attempts != 1 || peer.requests.Load() != 1 || e.StatusCode == 0, "%+v", e)
		errorIf(t, sent.Load() > 64 && part != member.String(), "%s: the client took %d of 1024 parts", head, sent.Load())
		// All allocations together bound the peak, whenever the collector ran.
		errorIf(t, after.TotalAlloc-before.TotalAlloc > 16*mebibyte, "%s: %d bytes allocated", head, after.TotalAlloc-before.TotalAlloc)
	}
	for more, kind := range map[int]error{0: nil, 1: dingtalk.ErrTooLarge} {
		body := successBody + strings.Repeat(" ", dingtalk.MaxBodyBytes+more-len(successBody))
		_, err := newStatic(t, serve(t, answers(200, body))).OpenConversationID(within(t), dingtalktest.ChatID)
		errorIf(t, !errors.Is(err, kind), "%d bytes more than the limit: %v", more, err)
	}
}

func testTLSHandshakeHangs(t *testing.T) {
	silent := httptest.NewUnstartedServer(nil).Listener // nobody accepts
	defer silent.Close()
	errorIf(t, dingtalk.NewTransport().TLSHandshakeTimeout != 10*sec, "the default transport allows a handshake another time")
	for _, l := range [][2]time.Duration{{300 * ms, patience}, {patience, 300 * ms}} { // of the handshake, of the attempt
		transport := dingtalk.NewTransport()
		transport.TLSHandshakeTimeout = l[0]
		client := newStatic(t, "https://"+silent.Addr().String(), newHandClock().option(), dingtalk.WithTimeout(l[1]), through(transport))
		e := refused(t, client, dingtalk.ErrUnavailable)
		errorIf(t, e.Attempts != 3 || !e.Timeout(), "%+v", e)
	}
}

// encrypted starts a server for 127.0.0.1 and example.com, and makes a transport that trusts it.
func encrypted(t *testing.T, http2 bool, handler http.HandlerFunc) (*httptest.Server, *http.Transport) {
	t.Helper()
	server, transport := httptest.NewUnstartedServer(handler), dingtalk.NewTransport()
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	return server, transport
}

// testProxy calls a service through proxies of several tempers.
func testProxy(t *testing.T) {
	// net/http reads the environment once in a process: what it does with it is its own.
	pointer := func(f any) uintptr { return reflect.ValueOf(f).Pointer() }
	errorIf(t, pointer(dingtalk.NewTransport().Proxy) != pointer(http.ProxyFromEnvironment), "its proxy is not the environment's")
	for name, test := range map[string]struct {
		status, attempts int // of the tunnel's answer; 0: none, of a connection that closes; -1: no proxy
		says             string
	}{
		"tunnels": {200, 0, ""}, "asks for credentials": {407, 1, "the proxy asks for a user"}, "refuses": {403, 1, "the proxy refused"},
		"cannot reach the service": {502, 3, "502"}, "hangs up": {0, 3, ""}, "is down": {-1, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service, transport := encrypted(t, false, answers(200, successBody))
			var asked atomic.Int64
			proxy, _ := url.Parse(serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1); test.status == 0 {
					panic(http.ErrAbortHandler)
				}
				if w.WriteHeader(test.status); test.status != 200 {
					return
				}
				c, _, _ := http.NewResponseController(w).Hijack()
				defer c.Close()
				upstream, err := net.Dial("tcp", service.Listener.Addr().String()) //nolint:noctx // it ends with its connection
				if err == nil {
					go func() { _, _ = io.Copy(upstream, c); upstream.Close() }()
					_, _ = io.Copy(c, upstream)
				}
			}))
			if proxy.User = url.UserPassword("user", "hidden"); test.status < 0 {
				proxy.Host = "127.0.0.1:1"
			}
			transport.Proxy = http.ProxyURL(proxy)
			client := newStatic(t, "https://example.com", newHandClock().option(), through(transport))
			if test.attempts == 0 {
				convert(t, client, dingtalktest.ChatID)
				return
			}
			e := refused(t, client, dingtalk.ErrUnavailable)
			errorIf(t, e.Attempts != test.attempts || test.status >= 0 && asked.Load() != int64(e.Attempts), "%+v", e)
			says := e.Error()
			errorIf(t, !strings.Contains(says, test.says) || !strings.Contains(says, "the proxy is "+proxy.Host) || strings.Contains(says, "hidden"), "%s", says)
		})
	}
}

// testHTTP2: a stream of HTTP/2 that is reset is a failure like others, with requests counted at the server. What net/http
// would repeat by itself, and dead connections, are for the tests of package wire.
func testHTTP2(t *testing.T) {
	pings := dingtalk.NewTransport().HTTP2
	errorIf(t, pings == nil || pings.SendPingTimeout != 10*sec || pings.PingTimeout != 5*sec, "the default transport pings as %+v", pings)
	for begun, want := range map[string]struct {
		kind   error
		status int
	}{"": {dingtalk.ErrUnavailable, 0}, "{": {dingtalk.ErrUnexpectedResponse, 200}} {
		for _, failures := range []int64{1, 3} {
			var requests atomic.Int64
			clock := newHandClock()
			server, transport := encrypted(t, true, func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) > failures || r.ProtoMajor != 2 {
					_, _ = io.WriteString(w, successBody)
					return
				}
				if _, _ = io.WriteString(w, begun); begun != "" {
					_ = http.NewResponseController(w).Flush()
				}
				panic(http.ErrAbortHandler)
			})
			transport.ForceAttemptHTTP2 = true
			client := newStatic(t, server.URL, clock.option(), through(transport), dingtalk.WithTimeout(patience))
			if failures == 1 {
				convert(t, client, dingtalktest.ChatID)
			} else {
				e := refused(t, client, want.kind)
				errorIf(t, e.Attempts != 3 || e.StatusCode != want.status || len(clock.waited()) != 2 || !strings.Contains(e.Error(), "INTERNAL_ERROR; received from peer"), "%+v", e)
			}
			errorIf(t, requests.Load() != max(failures, 2), "%d requests for %d failures", requests.Load(), failures)
		}
	}
}
