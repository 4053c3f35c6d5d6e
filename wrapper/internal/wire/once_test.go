package wire_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// rawServer counts the whole requests that arrive, and answers each with bytes.
type rawServer struct {
	host     string
	requests atomic.Int64
	conns    sync.WaitGroup
}

// newRawServer serves each connection by serve, until the test's end, and must then have got want requests; -1 is any
// number.
func newRawServer(t *testing.T, config *tls.Config, want int64, serve func(s *rawServer, c net.Conn)) *rawServer {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{host: listener.Addr().String()}
	s.conns.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(t.Context(), func() { c.Close() })
			s.conns.Go(func() {
				defer c.Close()
				conn := c
				if config != nil {
					conn = tls.Server(c, config)
				}
				serve(s, conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.conns.Wait()
		if got := s.requests.Load(); want >= 0 && got != want {
			t.Errorf("%d requests in the end, want %d", got, want)
		}
	})
	return s
}

type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

func (f frame) write(c net.Conn) bool {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(f.payload))<<8|uint32(f.kind))
	head = binary.BigEndian.AppendUint32(append(head, f.flags), f.stream)
	_, err := c.Write(append(head, f.payload...))
	return err == nil
}

const (
	data, headers, reset, settings, ping, goAway = 0, 1, 3, 4, 6, 7
	endStream, ack, endHeaders                   = 1, 1, 4
	refusedStream                                = 7
)

func numbers(ns ...uint32) (b []byte) {
	for _, n := range ns {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// http2 serves HTTP/2 by hand. fault answers the whole request of a stream, and reports whether the connection goes on.
func http2(fault func(n int, stream uint32, c net.Conn, body []byte) bool) func(*rawServer, net.Conn) {
	return func(s *rawServer, c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil || !(frame{kind: settings}).write(c) {
			return
		}
		head := make([]byte, 9)
		for {
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
			if _, err := io.ReadFull(c, payload); err != nil {
				return
			}
			body := payload[:len(payload)*(1-min(int(head[3]), 1))] // a small one is one frame
			kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
			switch {
			case (kind == settings || kind == ping) && flags&ack == 0:
				if kind == settings {
					payload = nil
				}
				frame{kind: kind, flags: ack, payload: payload}.write(c)
			case (kind == headers || kind == data) && flags&endStream != 0:
				if !fault(int(s.requests.Add(1)), stream, c, body) {
					return
				}
			}
		}
	}
}

// frames answers a stream with frames; a GOAWAY belongs to none.
func frames(list ...frame) func(int, uint32, net.Conn, []byte) bool {
	return func(_ int, stream uint32, c net.Conn, _ []byte) bool {
		for _, f := range list {
			if f.stream = stream; f.kind == goAway || f.kind == settings {
				f.stream = 0
			}
			if !f.write(c) {
				return false
			}
		}
		return true
	}
}

// http1 serves HTTP/1.1: fault answers the nth request of all.
func http1(fault func(n int, c net.Conn) bool) func(*rawServer, net.Conn) {
	return func(s *rawServer, c net.Conn) {
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil || !fault(int(s.requests.Add(1)), c) {
				return
			}
		}
	}
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

func answerFine(c net.Conn) bool { _, err := io.WriteString(c, fine); return err == nil }

// rst ends a connection with a TCP RST.
func rst(c net.Conn) bool {
	if outer, is := c.(*tls.Conn); is {
		c = outer.NetConn()
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
	return false
}

// senderFunc sends a request of a method, with a body or without.
type senderFunc func(ctx context.Context) (*http.Response, error)

func (f senderFunc) Send(ctx context.Context) (*http.Response, error) { return f(ctx) }

func try(ctx context.Context, w *wire.Wire, method, url, body string) *wire.Failure {
	answer, failed := w.Attempt(ctx, senderFunc(func(ctx context.Context) (*http.Response, error) {
		method, header, _ := strings.Cut(method, " ")
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		if header != "" {
			req.Header.Set(header, "1")
		}
		return w.Do(req)
	}))
	answer.Release()
	return failed
}

// roundTripper is a transport of the caller's.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A body of "" is no body.
var requests = []struct{ method, body string }{
	{"GET", ""}, {"POST", ""}, {"POST", "{}"}, {"DELETE", ""}, {"PUT Idempotency-Key", "{}"}, {"POST Expect", "{}"},
}

// forEach runs a test with each request, and the client's own transport and a foreign one around it.
func forEach(t *testing.T, change func(*http.Transport), test func(t *testing.T, w *wire.Wire, own bool, method, body string)) {
	for _, r := range requests {
		for _, own := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s_%s_own_%t", r.method, r.body, own), func(t *testing.T) {
				t.Parallel()
				transport := wire.NewTransport()
				t.Cleanup(transport.CloseIdleConnections)
				change(transport)
				rt := http.RoundTripper(transport)
				if !own {
					rt = roundTripper(transport.RoundTrip)
				}
				test(t, wire.New(rt, 20*time.Second), own, r.method, r.body)
			})
		}
	}
}

// encryption is a server's TLS for HTTP/1.1 or HTTP/2, and the client's.
func encryption(t *testing.T, protocol string) (*tls.Config, func(*http.Transport)) {
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{protocol}},
		func(transport *http.Transport) { transport.TLSClientConfig = &tls.Config{RootCAs: pool} }
}

func unencryptedHTTP2(transport *http.Transport) {
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetUnencryptedHTTP2(true)
}

// Whatever HTTP/2 does, an attempt is one request on the wire. net/http alone sends some of these hundreds of times.
func TestHTTP2OneRequestPerAttempt(t *testing.T) {
	informational := frame{kind: headers, flags: endHeaders, payload: []byte("\x08\x03103")} // :status 103, without an index
	faults := map[string]func(int, uint32, net.Conn, []byte) bool{
		"goaway_0": frames(frame{kind: goAway, payload: numbers(0, 0)}),
		"goaway_this": func(n int, stream uint32, c net.Conn, body []byte) bool {
			frames(frame{kind: goAway, payload: numbers(stream, 0)})(n, stream, c, body)
			return rst(c)
		},
		"goaway_0_error":    frames(frame{kind: goAway, payload: numbers(0, 2)}),
		"goaway_0_calm":     frames(frame{kind: goAway, payload: numbers(0, 11)}),
		"goaway_and_reset":  frames(frame{kind: goAway, payload: numbers(0, 0)}, frame{kind: reset, payload: numbers(refusedStream)}),
		"103_and_reset":     frames(informational, frame{kind: reset, payload: numbers(1)}),
		"103_and_refused":   frames(informational, frame{kind: reset, payload: numbers(refusedStream)}),
		"no_more_streams":   frames(frame{kind: settings, payload: []byte{0, 3, 0, 0, 0, 0}}, frame{kind: reset, payload: numbers(1)}),
		"bad_settings":      frames(frame{kind: settings, payload: []byte{0, 4, 0xff, 0xff, 0xff, 0xff}}),
		"push":              frames(frame{kind: 5, flags: endHeaders, payload: append(numbers(2), 0x88)}),
		"end":               func(_ int, _ uint32, c net.Conn, _ []byte) bool { c.Close(); return false },
		"reset_of_tcp":      func(_ int, _ uint32, c net.Conn, _ []byte) bool { return rst(c) },
		"headers_and_reset": frames(frame{kind: headers, flags: endHeaders, payload: []byte{0x88}}, frame{kind: reset, payload: numbers(1)}),
	}
	for code := range uint32(14) {
		faults[fmt.Sprintf("reset_%d", code)] = frames(frame{kind: reset, payload: numbers(code)})
	}
	config, trusting := encryption(t, "h2")
	for name, fault := range faults {
		for scheme, change := range map[string]func(*http.Transport){"https": trusting, "http": unencryptedHTTP2} {
			t.Run(name+"_"+scheme, func(t *testing.T) {
				t.Parallel()
				forEach(t, change, func(t *testing.T, w *wire.Wire, own bool, method, body string) {
					s := newRawServer(t, map[string]*tls.Config{"https": config}[scheme], 1, http2(fault))
					failed := try(t.Context(), w, method, scheme+"://"+s.host, body)
					if failed == nil || s.requests.Load() != 1 {
						t.Fatalf("%+v after %d requests, want a failure after 1", failed, s.requests.Load())
					}
					refused := scheme == "https" && own && (name == "reset_7" || name == "103_and_refused")
					if failed.Unsent != refused {
						t.Errorf("surely not processed: %t, want %t: %v", failed.Unsent, refused, failed.Cause)
					}
				})
			})
		}
	}
}

// Pooled connections of HTTP/1.1 that end once each has got a request: net/http alone sends a GET on one after another.
func TestPooledOneRequestPerAttempt(t *testing.T) {
	const pooled = 5
	config, trusting := encryption(t, "http/1.1")
	for scheme, change := range map[string]func(*http.Transport){"https": trusting, "http": func(*http.Transport) {}} {
		for name, end := range map[string]func(net.Conn) bool{
			"end": func(net.Conn) bool { return false }, "reset": rst, "garbage": func(c net.Conn) bool { _, _ = io.WriteString(c, "\r\n\r\n"); return false },
			"early": func(c net.Conn) bool { _, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n"); return rst(c) },
		} {
			t.Run(name+"_"+scheme, func(t *testing.T) {
				t.Parallel()
				forEach(t, change, func(t *testing.T, w *wire.Wire, _ bool, method, body string) {
					var together sync.WaitGroup
					together.Add(pooled)
					s := newRawServer(t, map[string]*tls.Config{"https": config}[scheme], pooled+1, http1(func(n int, c net.Conn) bool {
						if n > pooled {
							return end(c)
						}
						together.Done()
						together.Wait() // each on a connection of its own
						return answerFine(c)
					}))
					var fill sync.WaitGroup
					for range pooled {
						fill.Go(func() {
							if failed := try(t.Context(), w, "GET", scheme+"://"+s.host, ""); failed != nil {
								t.Error(failed.Cause)
							}
						})
					}
					fill.Wait()
					failed := try(t.Context(), w, method, scheme+"://"+s.host, body)
					if failed == nil || failed.Unsent || s.requests.Load() != pooled+1 {
						t.Errorf("%+v after %d requests, want a failure that may be done after %d", failed, s.requests.Load(), pooled+1)
					}
				})
			})
		}
	}
}

// deadConn is a connection that dies after one write, as if the peer had reset it a moment ago.
type deadConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c deadConn) Write(b []byte) (int, error) {
	if c.writes.Add(1) > 1 {
		return 0, errors.New("the peer has gone")
	}
	return c.Conn.Write(b)
}

// A pooled connection that turns out dead before a byte is written proves that the request was not sent: net/http goes
// on with another one. For other requests it gives no proof.
func TestPooledDeadBeforeTheWrite(t *testing.T) {
	forEach(t, func(transport *http.Transport) {
		first := true
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if first && err == nil {
				first = false
				return deadConn{c, new(atomic.Int64)}, nil
			}
			return c, err
		}
	}, func(t *testing.T, w *wire.Wire, own bool, method, body string) {
		s := newRawServer(t, nil, -1, http1(func(_ int, c net.Conn) bool { return answerFine(c) }))
		if !own {
			t.Skip("a foreign transport's own repeat proves nothing")
		}
		if failed := try(t.Context(), w, "GET", "http://"+s.host, ""); failed != nil {
			t.Fatal(failed.Cause)
		}
		failed := try(t.Context(), w, method, "http://"+s.host, body)
		served := method == "POST" || method == "DELETE" || method == "POST Expect"
		if served != (failed == nil) || failed != nil && failed.Unsent {
			t.Errorf("served %t: %+v", failed == nil, failed)
		}
	})
}

// What is known of a request comes from its connection. No text of an error says that it was not sent.
func TestSentOrNot(t *testing.T) {
	config, trusting := encryption(t, "http/1.1")
	plain := newRawServer(t, nil, -1, http1(func(_ int, c net.Conn) bool { return rst(c) }))
	garbage := newRawServer(t, nil, -1, http1(func(_ int, c net.Conn) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTLS handshake timeout\r\n\r\n")
		return false
	}))
	encrypted := newRawServer(t, config, -1, http1(func(_ int, c net.Conn) bool { // a TLS fault after the request
		_, _ = c.(*tls.Conn).NetConn().Write([]byte("\x15\x03\x03\x00\x02\x02\x14"))
		return false
	}))
	silent := newRawServer(t, nil, -1, func(_ *rawServer, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	handshakes := newRawServer(t, nil, -1, func(_ *rawServer, c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 no TLS\r\n\r\n") })
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	nowhere := closed.Addr().String()
	to := func(host string, req *http.Request) (*http.Response, error) {
		own := req.Clone(req.Context())
		own.URL.Host = host
		return wire.NewTransport().RoundTrip(own)
	}
	says := func(answer string, more bool) *rawServer {
		return newRawServer(t, nil, -1, http1(func(_ int, c net.Conn) bool { _, err := io.WriteString(c, answer); return err == nil && more }))
	}
	tunnels, refuses := says("HTTP/1.1 200 OK\r\n\r\n", false), says("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", true)
	challenges := says("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", true)
	transport := wire.NewTransport()
	through := func(proxy *rawServer) http.RoundTripper {
		transport := wire.NewTransport()
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: proxy.host})
		return transport
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{})
	for _, test := range []struct {
		name   string
		ctx    context.Context
		rt     http.RoundTripper // nil: the client's own
		url    string
		unsent bool
		stage  wire.Stage
	}{
		{name: "refused", url: "http://" + nowhere, unsent: true, stage: wire.Unsent},
		{name: "refused_with_a_trace_of_the_caller", ctx: traced, url: "http://" + nowhere, unsent: true, stage: wire.Unsent},
		{name: "no_such_host", url: "http://no-such-host.invalid", unsent: true, stage: wire.Unsent},
		{name: "no_TLS", url: "https://" + handshakes.host, unsent: true, stage: wire.Untrusted},
		{name: "handshake_hangs", ctx: short, url: "https://" + silent.host, unsent: true, stage: wire.Unsent},
		{name: "answer_hangs", ctx: short, url: "http://" + silent.host, stage: wire.NoAnswer},
		{name: "reset", url: "http://" + plain.host, stage: wire.NoAnswer},
		{name: "reset_with_a_trace_of_the_caller", ctx: traced, url: "http://" + plain.host, stage: wire.NoAnswer},
		{name: "words", url: "http://" + garbage.host, stage: wire.NoAnswer},
		{name: "TLS_alert_after_the_request", url: "https://" + encrypted.host, stage: wire.NoAnswer},
		{name: "proxy_takes_the_request_and_closes", url: "http://api.test", rt: through(plain), stage: wire.NoAnswer},
		{name: "proxy_opens_a_tunnel_and_closes", url: "https://api.test", rt: through(tunnels), unsent: true, stage: wire.Unsent},
		{name: "proxy_refuses_the_tunnel", url: "https://api.test", rt: through(refuses), unsent: true, stage: wire.Refused},
		{name: "proxy_is_away", url: "https://api.test", rt: through(&rawServer{host: nowhere}), unsent: true, stage: wire.Unsent},
		{name: "a_challenge_is_answered", url: "http://" + challenges.host, rt: roundTripper(func(req *http.Request) (*http.Response, error) {
			if resp, err := transport.RoundTrip(req); err != nil || resp.StatusCode != http.StatusUnauthorized {
				return resp, err
			}
			return transport.RoundTrip(req)
		}), stage: wire.NoAnswer},
		{name: "no_hooks", url: "http://x", rt: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("net/http: TLS handshake timeout")}
		}), stage: wire.NoAnswer},
		{name: "second_host_refuses", url: "http://x", rt: roundTripper(func(req *http.Request) (*http.Response, error) {
			if resp, err := to(plain.host, req); err == nil {
				return resp, nil
			}
			return to(nowhere, req)
		}), stage: wire.NoAnswer},
		{name: "second_host_answers", url: "http://x", rt: roundTripper(func(req *http.Request) (*http.Response, error) {
			if resp, err := to(nowhere, req); err == nil {
				return resp, nil
			}
			return to(plain.host, req)
		}), stage: wire.NoAnswer},
		{name: "two_hosts_refuse", url: "http://x", rt: roundTripper(func(req *http.Request) (*http.Response, error) {
			_, first := to(nowhere, req)
			_, second := to(nowhere, req)
			return nil, fmt.Errorf("both: %w", errors.Join(first, second))
		}), stage: wire.NoAnswer},
		{name: "one_host_refuses", url: "http://x", rt: roundTripper(func(req *http.Request) (*http.Response, error) { return to(nowhere, req) }), unsent: true, stage: wire.Unsent},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.rt == nil {
				transport := wire.NewTransport()
				trusting(transport)
				test.rt = transport
			}
			if test.ctx == nil {
				test.ctx = t.Context()
			}
			if failed := try(test.ctx, wire.New(test.rt, time.Minute), "POST", test.url, "{}"); failed == nil || failed.Unsent != test.unsent || failed.Stage != test.stage {
				t.Errorf("%+v, want stage %d, unsent %t", failed, test.stage, test.unsent)
			}
		})
	}
}

// A transport that sends to two hosts at once is stopped, and nothing is certain.
func TestHedgedRequestIsStopped(t *testing.T) {
	s := newRawServer(t, nil, -1, func(_ *rawServer, c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	transport := wire.NewTransport()
	rt := roundTripper(func(req *http.Request) (*http.Response, error) {
		failures := make(chan error, 2)
		for range 2 {
			go func() {
				resp, err := transport.RoundTrip(req.Clone(req.Context()))
				if err == nil {
					resp.Body.Close()
				}
				failures <- err
			}()
		}
		return nil, cmp.Or(<-failures, <-failures)
	})
	if failed := try(t.Context(), wire.New(rt, time.Minute), "POST", "http://"+s.host, ""); failed == nil || failed.Unsent || !errors.Is(failed.Cause, wire.ErrAgain) {
		t.Errorf("%+v", failed)
	}
}

func TestHeadersAreCapped(t *testing.T) {
	s := newRawServer(t, nil, 1, http1(func(_ int, c net.Conn) bool {
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("x", 70<<10)+"\r\nContent-Length: 2\r\n\r\n{}")
		return err == nil
	}))
	if failed := try(t.Context(), wire.New(wire.NewTransport(), 20*time.Second), "POST", "http://"+s.host, ""); failed == nil || failed.Unsent || !strings.Contains(failed.Cause.Error(), "65536") {
		t.Errorf("%+v", failed)
	}
}
