package wire_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
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
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// errorIf reports what is wrong, if it is.
func errorIf(t *testing.T, wrong bool, format string, args ...any) {
	if t.Helper(); wrong {
		t.Errorf(format, args...)
	}
}

// rawServer counts the whole requests that arrive, and answers each with bytes.
type rawServer struct {
	host     string
	requests atomic.Int64
	conns    sync.WaitGroup
}

// newRawServer serves each connection by serve, until the test's end, and must then have got want requests; -1 is any number.
func newRawServer(t *testing.T, config *tls.Config, want int64, serve func(s *rawServer, c net.Conn)) *rawServer {
	t.Helper()
	listener := httptest.NewUnstartedServer(nil).Listener
	s := &rawServer{host: listener.Addr().String()}
	s.conns.Go(func() {
		for c, err := listener.Accept(); err == nil; c, err = listener.Accept() {
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
		errorIf(t, want >= 0 && s.requests.Load() != want, "%d requests in the end, want %d", s.requests.Load(), want)
	})
	return s
}

// fault answers the nth whole request of a server, for HTTP/2 that of a stream, and reports whether the connection goes on.
type fault func(n int, stream uint32, c net.Conn, body []byte) bool

// http1 serves HTTP/1.1.
func (f fault) http1(s *rawServer, c net.Conn) {
	for r := bufio.NewReader(c); ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if body, err := io.ReadAll(req.Body); err != nil || !f(int(s.requests.Add(1)), 0, c, body) {
			return
		}
	}
}

// http2 serves HTTP/2 by hand.
func (f fault) http2(s *rawServer, c net.Conn) {
	read := func(n uint32) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(c, b); err != nil {
			return nil
		}
		return b
	}
	if read(uint32(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))) == nil || !(frame{kind: settings}).write(c) {
		return
	}
	for head := read(9); head != nil; head = read(9) {
		payload, kind, flags := read(binary.BigEndian.Uint32(head)>>8), head[3], head[4]
		switch {
		case payload == nil:
			return
		case kind == settings && flags&ack == 0:
			frame{kind: settings, flags: ack}.write(c)
		case kind == ping && flags&ack == 0:
			frame{kind: ping, flags: ack, payload: payload}.write(c)
		case (kind == headers || kind == data) && flags&endStream != 0:
			body := payload[:len(payload)*(1-int(kind))] // a small one is one frame
			if !f(int(s.requests.Add(1)), binary.BigEndian.Uint32(head[5:]), c, body) {
				return
			}
		}
	}
}

const (
	data, headers, reset, settings, ping, goAway = 0, 1, 3, 4, 6, 7
	endStream, ack, endHeaders                   = 1, 1, 4
	refusedStream                                = 7
)

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

// of is a frame with numbers in its payload.
func of(kind byte, ns ...uint32) (f frame) {
	for f.kind = kind; len(ns) > 0; ns = ns[1:] {
		f.payload = binary.BigEndian.AppendUint32(f.payload, ns[0])
	}
	return f
}

// frames answers a stream with frames; a GOAWAY belongs to none.
func frames(list ...frame) fault {
	return func(_ int, stream uint32, c net.Conn, _ []byte) (goesOn bool) {
		goesOn = true
		for _, f := range list {
			if f.stream = stream; f.kind == goAway || f.kind == settings {
				f.stream = 0
			}
			goesOn = goesOn && f.write(c)
		}
		return goesOn
	}
}

// does answers without a look at the request.
func does(f func(net.Conn) bool) fault {
	return func(_ int, _ uint32, c net.Conn, _ []byte) bool { return f(c) }
}

// says answers with bytes.
func says(answer string, more bool) fault {
	return does(func(c net.Conn) bool { _, err := io.WriteString(c, answer); return err == nil && more })
}

var fine = says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", true)
var fineStream = frames(frame{kind: headers, flags: endHeaders, payload: []byte{0x88}},
	frame{kind: data, flags: endStream, payload: []byte("{}")})

// rst ends a connection with a TCP RST.
func rst(c net.Conn) bool {
	if outer, is := c.(*tls.Conn); is {
		c = outer.NetConn()
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
	return false
}

// senderFunc sends a request.
type senderFunc func(ctx context.Context) (*http.Response, error)

func (f senderFunc) Send(ctx context.Context) (*http.Response, error) { return f(ctx) }

// try sends a request with a method and possibly a header.
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
	}), time.Now())
	answer.Release()
	return failed
}

// roundTripper is a transport of the caller's.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// forEach runs a test with each kind of request, and the client's own transport and a foreign one around it.
func forEach(t *testing.T, change func(*http.Transport), test func(t *testing.T, w *wire.Wire, own bool, method, body string)) {
	for _, request := range []string{"GET|", "POST|", "POST|{}", "DELETE|", "PUT Idempotency-Key|{}", "POST Expect|{}"} {
		for _, own := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s own %t", request, own), func(t *testing.T) {
				t.Parallel()
				transport := wire.NewTransport()
				t.Cleanup(transport.CloseIdleConnections)
				change(transport)
				rt := map[bool]http.RoundTripper{true: transport, false: roundTripper(transport.RoundTrip)}[own]
				method, body, _ := strings.Cut(request, "|")
				test(t, wire.New(rt, 20*time.Second), own, method, body)
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

// isRefused has the faults of HTTP/2 that prove that the request was not processed.
var isRefused = map[string]bool{"reset 7": true, "103 and refused": true}

// http2Faults are what may become of a request of HTTP/2.
func http2Faults() map[string]fault {
	informational := frame{kind: headers, flags: endHeaders, payload: []byte("\x08\x03103")} // :status 103, without an index
	faults := map[string]fault{
		"goaway 0": frames(of(goAway, 0, 0)), "goaway 0 error": frames(of(goAway, 0, 2)), "goaway 0 calm": frames(of(goAway, 0, 11)),
		"goaway this": func(n int, stream uint32, c net.Conn, _ []byte) bool {
			return frames(of(goAway, stream, 0))(n, stream, c, nil) && rst(c)
		},
		"goaway and reset": frames(of(goAway, 0, 0), of(reset, refusedStream)), "103 and reset": frames(informational, of(reset, 1)),
		"103 and refused": frames(informational, of(reset, refusedStream)), "push": frames(frame{kind: 5, flags: endHeaders, payload: []byte{0, 0, 0, 2, 0x88}}),
		"no more streams":   frames(frame{kind: settings, payload: []byte{0, 3, 0, 0, 0, 0}}, of(reset, 1)),
		"bad settings":      frames(frame{kind: settings, payload: []byte{0, 4, 0xff, 0xff, 0xff, 0xff}}),
		"headers and reset": frames(frame{kind: headers, flags: endHeaders, payload: []byte{0x88}}, of(reset, 1)),
		"end":               does(func(c net.Conn) bool { c.Close(); return false }), "TCP reset": does(rst),
		"stuck": does(func(c net.Conn) bool { _, err := io.Copy(io.Discard, c); return err != nil }), // pings have no answer, either
	}
	for code := range uint32(14) {
		faults[fmt.Sprintf("reset %d", code)] = frames(of(reset, code))
	}
	return faults
}

// Whatever a connection does, an attempt is one request on the wire. net/http alone sends some of these hundreds of times,
// and a GET on one pooled connection of HTTP/1.1 after another. A stream beside one that is reset goes on.
func TestOneRequestPerAttempt(t *testing.T) {
	for protocol, faults := range map[string]map[string]fault{"h2": http2Faults(), "http/1.1": {
		"end": does(func(net.Conn) bool { return false }), "reset": does(rst), "garbage": says("\r\n\r\n", false),
		"early": does(func(c net.Conn) bool { _, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n"); return rst(c) }),
	}} {
		config, trusting := encryption(t, protocol)
		for name, does := range faults {
			pooled := map[bool]int{protocol == "http/1.1": 5, strings.HasPrefix(name, "reset "): 1}[true]
			for _, scheme := range []string{"http", "https"} {
				t.Run(protocol+" "+name+" "+scheme, func(t *testing.T) {
					t.Parallel()
					forEach(t, func(transport *http.Transport) {
						trusting(transport)
						if protocol == "h2" && scheme == "http" {
							transport.Protocols = new(http.Protocols)
							transport.Protocols.SetUnencryptedHTTP2(true)
						}
						if name == "stuck" {
							transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: time.Second / 5, PingTimeout: time.Second / 5}
						}
					}, func(t *testing.T, w *wire.Wire, own bool, method, body string) {
						var together, fill sync.WaitGroup
						together.Add(pooled)
						over := make(chan struct{})
						answer := fault(func(n int, stream uint32, c net.Conn, body []byte) bool {
							if n > pooled {
								return does(n, stream, c, body)
							}
							together.Done()
							together.Wait() // each on a connection of its own
							if protocol == "h2" {
								go func() { <-over; fineStream(n, stream, c, nil) }()
								return true
							}
							return fine(n, stream, c, body)
						})
						serves := map[string]func(*rawServer, net.Conn){"h2": answer.http2, "http/1.1": answer.http1}
						s := newRawServer(t, map[string]*tls.Config{"https": config}[scheme], int64(pooled+1), serves[protocol])
						for range pooled {
							fill.Go(func() {
								errorIf(t, try(t.Context(), w, "GET", scheme+"://"+s.host, "") != nil, "another request failed")
							})
						}
						map[string]*sync.WaitGroup{"h2": &together, "http/1.1": &fill}[protocol].Wait()
						failed := try(t.Context(), w, method, scheme+"://"+s.host, body)
						close(over) // the other stream goes on
						fill.Wait()
						refused := scheme == "https" && own && isRefused[name]
						if failed == nil || failed.Late || failed.Unsent != refused || s.requests.Load() != int64(pooled+1) {
							t.Errorf("%+v after %d requests, want a failure after %d, surely not processed %t", failed, s.requests.Load(), pooled+1, refused)
						}
					})
				})
			}
		}
	}
}

// A pooled connection that turns out dead before a byte is written proves that the request was not sent: net/http goes
// on with another one. For other requests it gives no proof, and nor does a foreign transport's own repeat.
func TestPooledDeadBeforeTheWrite(t *testing.T) {
	var firsts sync.Map // the first connection by the address
	forEach(t, func(transport *http.Transport) {
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			firsts.LoadOrStore(address, c)
			return c, err
		}
	}, func(t *testing.T, w *wire.Wire, own bool, method, body string) {
		s := newRawServer(t, nil, -1, fine.http1)
		failed := try(t.Context(), w, "GET", "http://"+s.host, "")
		errorIf(t, failed != nil, "%+v", failed)
		first, _ := firsts.Load(s.host)
		_ = first.(net.Conn).SetWriteDeadline(time.Unix(1, 0)) // as if the peer had reset it a moment ago
		failed = try(t.Context(), w, method, "http://"+s.host, body)
		served := method == "POST" || method == "DELETE" || method == "POST Expect"
		errorIf(t, own && (served != (failed == nil) || failed != nil && failed.Unsent), "served %t: %+v", failed == nil, failed)
	})
}

// What is known of a request comes from its connection. No text of an error says that it was not sent.
func TestSentOrNot(t *testing.T) {
	config, trusting := encryption(t, "http/1.1")
	serve := func(config *tls.Config, f fault) string { return newRawServer(t, config, -1, f.http1).host }
	resets, trusted, nowhere := serve(nil, does(rst)), serve(config, fine), "127.0.0.1:1"
	raw := func(config *tls.Config, does func(net.Conn)) string {
		return newRawServer(t, config, 0, func(_ *rawServer, c net.Conn) { does(c) }).host
	}
	silent := raw(nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	noTLS := raw(nil, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 no TLS\r\n\r\n") })
	old := raw(&tls.Config{Certificates: config.Certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, func(c net.Conn) { _, _ = c.Read(nil) })
	alerts := serve(config, does(func(c net.Conn) bool { // a TLS fault after the request
		_, _ = c.(*tls.Conn).NetConn().Write([]byte("\x15\x03\x03\x00\x02\x02\x14"))
		return false
	}))
	with := func(change func(*tls.Config)) *http.Transport {
		transport := wire.NewTransport()
		t.Cleanup(transport.CloseIdleConnections)
		trusting(transport)
		change(transport.TLSClientConfig)
		return transport
	}
	own := with(func(*tls.Config) {})
	through := func(proxy string) *http.Transport {
		transport := with(func(*tls.Config) {})
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: proxy})
		return transport
	}
	sends := func(hosts ...string) roundTripper { // to one host after another until one accepts; "" is the request's own
		return func(req *http.Request) (*http.Response, error) {
			var failures []error
			for _, host := range hosts {
				other := req.Clone(req.Context())
				other.URL.Host = cmp.Or(host, req.URL.Host)
				resp, err := own.RoundTrip(other)
				if err == nil && resp.StatusCode == http.StatusOK {
					return resp, nil
				}
				failures = append(failures, err)
			}
			if len(failures) == 1 {
				return nil, failures[0]
			}
			return nil, fmt.Errorf("all: %w", errors.Join(failures...))
		}
	}
	hedged := func(req *http.Request) (*http.Response, error) { // is stopped, and nothing is certain
		failures := make(chan error, 2)
		for range 2 {
			twin := req.Clone(req.Context())
			twin.Body = io.NopCloser(strings.NewReader("{}"))              // a clone shares its reader
			go func() { _, err := own.RoundTrip(twin); failures <- err }() //nolint:bodyclose // there is no answer
		}
		return nil, cmp.Or(<-failures, <-failures)
	}
	noHooks := func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("net/http: TLS handshake timeout")}
	}
	for _, test := range []struct {
		name  string
		stage wire.Stage // Unsent, Untrusted and Refused prove that the request was not sent
		rt    http.RoundTripper
		url   string
		cause string
	}{
		{"refused", wire.Unsent, own, "http://" + nowhere, ""},
		{"no such host", wire.Unsent, own, "http://no-such-host.invalid", "no-such-host"},
		{"the handshake hangs", wire.Unsent, own, "https://" + silent, ""},
		{"the proxy is away", wire.Unsent, through(nowhere), "https://api.test", ""},
		{"the tunnel closes", wire.Unsent, through(serve(nil, says("HTTP/1.1 200 OK\r\n\r\n", false))), "https://api.test", ""},
		{"one host refuses", wire.Unsent, sends(nowhere), "http://x", ""},
		{"the proxy refuses", wire.Refused, through(serve(nil, says("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", true))), "https://api.test", "502"},
		{"no TLS", wire.Untrusted, own, "https://" + noTLS, "tls"},
		{"TLS too old", wire.Untrusted, own, "https://" + old, "protocol version"},
		{"expired", wire.Untrusted, with(func(c *tls.Config) { c.Time = func() time.Time { return time.Now().AddDate(100, 0, 0) } }), "https://" + trusted, "expired"},
		{"another's certificate", wire.Untrusted, with(func(c *tls.Config) { c.ServerName = "api.test" }), "https://" + trusted, "not api.test"},
		{"unknown authority", wire.Untrusted, with(func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }), "https://" + trusted, "unknown authority"},
		{"the answer hangs", wire.NoAnswer, own, "http://" + silent, ""},
		{"reset", wire.NoAnswer, own, "http://" + resets, ""},
		{"TLS alert after the request", wire.NoAnswer, own, "https://" + alerts, ""},
		{"words", wire.NoAnswer, own, "http://" + serve(nil, says("HTTP/1.1 200 OK\r\nTLS handshake timeout\r\n\r\n", false)), ""},
		{"headers above 64 KiB", wire.NoAnswer, own, "http://" + serve(nil, says("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 70<<10), true)), "65536"},
		{"the proxy takes it and closes", wire.NoAnswer, through(resets), "http://api.test", ""},
		{"a challenge is answered", wire.NoAnswer, sends("", ""), "http://" + serve(nil, says("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", true)), ""},
		{"two at once", wire.NoAnswer, roundTripper(hedged), "http://" + silent, wire.ErrAgain.Error()},
		{"no hooks", wire.NoAnswer, roundTripper(noHooks), "http://x", ""},
		{"the second host refuses", wire.NoAnswer, sends(resets, nowhere), "http://x", ""},
		{"the second host answers", wire.NoAnswer, sends(nowhere, resets), "http://x", ""},
		{"two hosts refuse", wire.NoAnswer, sends(nowhere, nowhere), "http://x", ""},
	} {
		for _, traced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, traced by the caller %t", test.name, traced), func(t *testing.T) {
				t.Parallel()
				ctx, limit := t.Context(), time.Minute
				if traced {
					ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{})
				}
				if strings.HasSuffix(test.name, "hangs") {
					limit = 100 * time.Millisecond
				}
				failed := try(ctx, wire.New(test.rt, limit), "POST", test.url, "{}")
				if failed == nil || failed.Stage != test.stage || failed.Unsent != (test.stage <= wire.Unsent) || !strings.Contains(failed.Cause.Error(), test.cause) {
					t.Errorf("%+v, want stage %d", failed, test.stage)
				}
			})
		}
	}
}

// One timer serves one attempt after another: each gets the whole limit, and no more. A caller's end is not the limit's.
func TestEachAttemptGetsTheWholeLimit(t *testing.T) {
	const limit, sec = 10 * time.Second, time.Second
	synctest.Test(t, func(t *testing.T) {
		var takes atomic.Int64
		transport := wire.NewTransport()
		defer func() { transport.CloseIdleConnections(); time.Sleep(time.Minute) }() // until servers whose clients left have seen it
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			slow := does(func(c net.Conn) bool { time.Sleep(time.Duration(takes.Load())); return fine(0, 0, c, nil) })
			go slow.http1(new(rawServer), server)
			return client, nil
		}
		w := wire.New(transport, limit)
		for _, test := range []struct{ takes, pause, leaves time.Duration }{
			{sec, 0, 0}, {limit - 1, 0, 0}, {limit + sec, 0, 0}, {sec, 2 * limit, 0}, {limit - 1, 0, 0}, {limit + 1, 0, 0}, {limit, 0, sec}, {sec, 0, 0},
		} {
			takes.Store(int64(test.takes))
			ctx, cancel := context.WithTimeout(t.Context(), cmp.Or(test.leaves, time.Hour))
			begun := time.Now()
			failed := try(ctx, w, "GET", "http://x", "")
			late, ended := failed != nil && failed.Late, failed != nil && failed.Ended != nil
			errorIf(t, late != (test.takes > limit) || ended != (test.leaves > 0), "%+v: %+v", test, failed)
			errorIf(t, time.Since(begun) != min(test.takes, limit, cmp.Or(test.leaves, limit)), "%+v: took %s", test, time.Since(begun))
			cancel()
			time.Sleep(test.pause)
		}
	})
}

// A date is relative to the clock of this machine.
func TestRetryAfter(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.FixedZone("CST", 8*3600))
	for header, want := range map[string]time.Duration{
		"Fri, 01 Jan 2027 19:04:15 GMT": 10 * time.Second, "Friday, 01-Jan-27 19:04:15 GMT": 10 * time.Second,
		"Fri Jan  1 19:04:15 2027": 10 * time.Second, "Sat, 02 Jan 2027 03:04:15 +0800": 10 * time.Second, "  7 ": 7 * time.Second,
		"Sun, 03 Jan 2027 19:04:05 GMT": day, "Fri, 31 Dec 9999 23:59:59 GMT": day, "Inf": day, "1e400": day, "9223372036854775808": day,
		"Sat, 02 Jan 2027 03:04:15 CST": 0, "Fri, 01 Jan 2027 19:04:05 GMT": 0, "Mon, 01 Jan 0001 00:00:00 GMT": 0, // CST may be any of three zones
		"": 0, "0x10": 0, "-9223372036854775809": 0, "7, 8": 0, strings.Repeat("9", 1000): day, "0." + strings.Repeat("0", 400) + "1": 0,
	} {
		got := wire.RetryAfter(http.Header{"Retry-After": {header}}, now)
		errorIf(t, got != want, "%q: %s, want %s", header, got, want)
	}
}
