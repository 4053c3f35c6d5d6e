package dingtalk_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
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
		"no common cipher": {func(_, s *tls.Config) {
			s.MaxVersion, s.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
		}, says("handshake failure")},
		"client certificate wanted": {func(_, s *tls.Config) { s.ClientAuth, s.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }, says("")},
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
	if sent := sendMessage(within(t), client); !errors.Is(sent, dingtalk.ErrTLS) || peer.requests() != 0 {
		t.Errorf("a message: %d requests, %v", peer.requests(), sent)
	}
}

func testTLSHandshakeHangs(t *testing.T) {
	for name, set := range map[string]func(*http.Transport) time.Duration{
		"limit of the handshake": func(transport *http.Transport) time.Duration {
			if transport.TLSHandshakeTimeout != 10*sec {
				t.Errorf("the default transport allows a handshake %s", transport.TLSHandshakeTimeout)
			}
			transport.TLSHandshakeTimeout = 100 * ms
			return patience
		},
		"limit of the attempt": func(*http.Transport) time.Duration { return 100 * ms },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer, transport := newRawPeer(t, nil, func(_ *peer, c net.Conn) { hang("")(c) }), dingtalk.NewTransport()
			limit, dialed := set(transport), 0
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				dialed++
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			client := newStatic(t, "https://"+peer.host(), newHandClock().option(), dingtalk.WithTimeout(limit), through(transport))
			if e := refused(t, client, dingtalk.ErrUnavailable); e.Attempts != 3 || dialed != 3 || !e.Timeout() {
				t.Errorf("%d dials: %+v", dialed, e)
			}
		})
	}
}
