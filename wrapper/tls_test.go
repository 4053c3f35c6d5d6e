package dingtalk_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// authority is the certificate of net/http/httptest, for 127.0.0.1 and example.com, and who trusts it.
type authority struct {
	cert *x509.Certificate
	keys []tls.Certificate
	pool *x509.CertPool
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	a := authority{server.Certificate(), server.TLS.Certificates, x509.NewCertPool()}
	a.pool.AddCert(a.cert)
	return a
}

func (a authority) serve() *tls.Config { return &tls.Config{Certificates: a.keys} }

// trusting is a transport like the default one, which trusts the authority.
func (a authority) trusting(t testing.TB) *http.Transport {
	t.Helper()
	transport := dingtalk.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	transport.TLSClientConfig = &tls.Config{RootCAs: a.pool}
	return transport
}

// testTLSUntrusted changes one thing each of a connection that is trusted.
func testTLSUntrusted(t *testing.T) {
	as := func(target any) func(error) bool { return func(err error) bool { return errors.As(err, target) } }
	says := func(text string) func(error) bool {
		return func(err error) bool { return strings.Contains(err.Error(), text) }
	}
	for name, test := range map[string]struct {
		change func(client, server *tls.Config)
		cause  func(error) bool // nil: it is trusted
	}{
		"nothing":           {func(_, _ *tls.Config) {}, nil},
		"expired":           {func(c, _ *tls.Config) { c.Time = func() time.Time { return time.Now().AddDate(100, 0, 0) } }, as(new(x509.CertificateInvalidError))},
		"other name":        {func(c, _ *tls.Config) { c.ServerName = "api.dingtalk.test" }, as(new(x509.HostnameError))},
		"unknown authority": {func(c, _ *tls.Config) { c.RootCAs = x509.NewCertPool() }, as(new(x509.UnknownAuthorityError))},
		"version too old":   {func(_, s *tls.Config) { s.MinVersion, s.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, says("protocol version")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			transport, config, clock := a.trusting(t), a.serve(), newHandClock()
			test.change(transport.TLSClientConfig, config)
			peer := newPeer(t, config, always(success))
			client := newStatic(t, peer.URL, clock.option(), through(transport))
			if test.cause == nil {
				convert(t, client, dingtalktest.ChatID)
				return
			}
			wantUntrusted(t, client, peer, clock, test.cause)
		})
	}
	t.Run("plain HTTP on the TLS port", func(t *testing.T) {
		t.Parallel()
		peer, clock := newRawPeer(t, nil, func(_ *peer, c net.Conn) {
			_, _ = io.ReadAtLeast(c, make([]byte, 4<<10), 5)
			say(response(http.StatusBadRequest, "text/plain", "this port speaks HTTP"))(c)
		}), newHandClock()
		client := newStatic(t, "https://"+peer.host(), clock.option())
		wantUntrusted(t, client, peer, clock, as(new(tls.RecordHeaderError)))
	})
}

// wantUntrusted: one connection, no request, no repeat; and for operations of either repeat rule.
func wantUntrusted(t *testing.T, client *dingtalk.Client, peer *peer, clock *handClock, cause func(error) bool) {
	t.Helper()
	e := refused(t, client, dingtalk.ErrTLS)
	if !cause(e) {
		t.Errorf("the cause is another: %v", e)
	}
	if e.Attempts != 1 || len(clock.waited()) != 0 || peer.conns.Load() != 1 || peer.requests() != 0 {
		t.Errorf("waits %v, %d connections, %d requests; want one connection and no request: %+v", clock.waited(), peer.conns.Load(), peer.requests(), e)
	}
	_, err := client.OrgGroupSend(within(t), textMessage)
	errorIf(t, !errors.Is(err, dingtalk.ErrTLS) || peer.requests() != 0, "a message: %d requests, %v", peer.requests(), err)
}

func testTLSHandshakeHangs(t *testing.T) {
	if limit := dingtalk.NewTransport().TLSHandshakeTimeout; limit != 10*sec {
		t.Errorf("the default transport allows a handshake %s", limit)
	}
	for _, limits := range [][2]time.Duration{{300 * ms, patience}, {patience, 300 * ms}} { // of the handshake, of the attempt
		peer, transport := newRawPeer(t, nil, func(_ *peer, c net.Conn) { hang("")(c) }), dingtalk.NewTransport()
		transport.TLSHandshakeTimeout = limits[0]
		client := newStatic(t, "https://"+peer.host(), newHandClock().option(), dingtalk.WithTimeout(limits[1]), through(transport))
		if e := refused(t, client, dingtalk.ErrUnavailable); e.Attempts != 3 || peer.conns.Load() != 3 || !e.Timeout() {
			t.Errorf("%d connections: %+v", peer.conns.Load(), e)
		}
	}
}

// testProxy calls a service through proxies of several tempers.
func testProxy(t *testing.T) {
	// net/http reads the environment once in a process: what it does with it is its own.
	if fromEnvironment := reflect.ValueOf(http.ProxyFromEnvironment).Pointer(); reflect.ValueOf(dingtalk.NewTransport().Proxy).Pointer() != fromEnvironment {
		t.Error("the default transport does not take its proxy from the environment")
	}
	a := newAuthority(t)
	service := newPeer(t, a.serve(), always(success))
	tunnel := func(c net.Conn) bool {
		upstream, err := net.Dial("tcp", service.host()) //nolint:noctx // it ends with its connection
		if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
			go func() { _, _ = io.Copy(upstream, c); upstream.Close() }()
			_, _ = io.Copy(c, upstream)
		}
		return false
	}
	refuse := func(status string) script { return say("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n") }
	for name, test := range map[string]struct {
		does     script
		attempts int // 0: success
		says     []string
	}{
		"tunnels":                  {tunnel, 0, nil},
		"asks for credentials":     {refuse("407 Proxy Authentication Required"), 1, []string{"407", "the proxy asks for a user and password"}},
		"refuses":                  {refuse("403 Forbidden"), 1, []string{"403", "the proxy refused"}},
		"cannot reach the service": {refuse("502 Bad Gateway"), 3, []string{"502"}},
		"hangs up":                 {say(""), 3, nil},
		"is down":                  {nil, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, host, transport := newPeer(t, nil, always(test.does)), "127.0.0.1:1", a.trusting(t)
			if test.does != nil {
				host = proxy.host()
			}
			transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("user", "hidden"), Host: host})
			client := newStatic(t, "https://example.com", newHandClock().option(), through(transport))
			if test.attempts == 0 {
				convert(t, client, dingtalktest.ChatID)
				return
			}
			e := refused(t, client, dingtalk.ErrUnavailable)
			if e.Attempts != test.attempts || test.does != nil && proxy.requests() != test.attempts {
				t.Errorf("%d requests reached the proxy: %+v", proxy.requests(), e)
			}
			for _, part := range append(test.says, "the proxy is "+host) {
				if !strings.Contains(e.Error(), part) {
					t.Errorf("%q is not in: %v", part, e)
				}
			}
			if strings.Contains(e.Error(), "hidden") {
				t.Errorf("the proxy's password is in: %v", e)
			}
		})
	}
}

// testHTTP2: a stream or connection of HTTP/2 that dies is a failure like others, with requests counted at the server.
// What net/http would repeat by itself is for the tests of package wire.
func testHTTP2(t *testing.T) {
	for name, test := range map[string]struct {
		does   func(w http.ResponseWriter, r *http.Request, frozen *atomic.Bool)
		kind   error
		says   string
		status int
	}{
		"reset": {func(http.ResponseWriter, *http.Request, *atomic.Bool) { panic(http.ErrAbortHandler) }, dingtalk.ErrUnavailable, "INTERNAL_ERROR; received from peer", 0},
		"reset in the body": {func(w http.ResponseWriter, _ *http.Request, _ *atomic.Bool) {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, dingtalk.ErrUnexpectedResponse, "INTERNAL_ERROR; received from peer", 200},
		"stuck": {func(_ http.ResponseWriter, r *http.Request, frozen *atomic.Bool) {
			frozen.Store(true)
			<-r.Context().Done()
		}, dingtalk.ErrUnavailable, "connection lost", 0},
	} {
		for _, failures := range []int64{1, 3} {
			t.Run(fmt.Sprint(name, failures), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				var frozen atomic.Bool
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if requests.Add(1) <= failures && r.ProtoMajor == 2 {
						test.does(w, r, &frozen)
					} else {
						_, _ = io.WriteString(w, successBody)
					}
				}))
				server.EnableHTTP2, server.Listener = true, freezing{server.Listener, &frozen}
				server.StartTLS()
				t.Cleanup(server.Close)
				transport, clock := dingtalk.NewTransport(), newHandClock()
				t.Cleanup(transport.CloseIdleConnections)
				transport.ForceAttemptHTTP2, transport.TLSClientConfig = true, server.Client().Transport.(*http.Transport).TLSClientConfig
				if h := transport.HTTP2; h == nil || h.SendPingTimeout != 10*sec || h.PingTimeout != 5*sec {
					t.Errorf("the default transport pings as %+v", h)
				}
				if name == "stuck" {
					transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 200 * ms, PingTimeout: 200 * ms}
				}
				client := newStatic(t, server.URL, clock.option(), through(transport), dingtalk.WithTimeout(patience))
				if failures == 1 {
					convert(t, client, dingtalktest.ChatID)
				} else if e := refused(t, client, test.kind); e.Attempts != 3 || e.StatusCode != test.status || len(clock.waited()) != 2 || !strings.Contains(e.Error(), test.says) {
					t.Errorf("waits %v: %+v", clock.waited(), e)
				}
				if want := max(failures, 2); requests.Load() != want {
					t.Errorf("%d requests, want %d", requests.Load(), want)
				}
			})
		}
	}
}

// freezing is a listener whose connections write nothing while they are frozen. A new one thaws.
type freezing struct {
	net.Listener
	frozen *atomic.Bool
}

func (f freezing) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	f.frozen.Store(false)
	return freezingConn{c, f.frozen}, err
}

type freezingConn struct {
	net.Conn
	frozen *atomic.Bool
}

func (c freezingConn) Write(p []byte) (int, error) {
	if c.frozen.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}
