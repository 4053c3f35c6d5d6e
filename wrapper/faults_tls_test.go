package dingtalk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_05_TLS_cannot_be_trusted", testTLSUntrusted)
	addRow("row_06_TLS_handshake_hangs", testTLSHandshakeHangs)
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.cert, a.key = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
	a.pool.AddCert(a.cert)
	return a
}

// sign makes a certificate of the template, by the authority itself if that has none yet.
func (a *authority) sign(t testing.TB, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// serve is a server's configuration, with a certificate for 127.0.0.1 and the names. change may alter the certificate.
func (a *authority) serve(t testing.TB, change func(*x509.Certificate), names ...string) *tls.Config {
	t.Helper()
	template := &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: names,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	cert, key := a.sign(t, template)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
}

// trusting is an HTTP client like the default one, which trusts the authority.
func (a *authority) trusting() *http.Client {
	transport := dingtalk.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: a.pool}
	return &http.Client{Transport: transport}
}

func testTLSUntrusted(t *testing.T) {
	trusted, other := newAuthority(t), newAuthority(t)
	as := func(target any) func(error) bool { return func(err error) bool { return errors.As(err, target) } }
	says := func(text string) func(error) bool {
		return func(err error) bool { return strings.Contains(err.Error(), text) }
	}
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}
	with := func(change func(*tls.Config)) *tls.Config {
		config := trusted.serve(t, nil)
		change(config)
		return config
	}
	for _, test := range []struct {
		name   string
		config *tls.Config // nil: the peer speaks no TLS
		does   script
		cause  func(error) bool
	}{
		{"expired", trusted.serve(t, expired), success, as(new(x509.CertificateInvalidError))},
		{"other_name", trusted.serve(t, func(c *x509.Certificate) { c.IPAddresses = nil }, "api.dingtalk.test"), success, as(new(x509.HostnameError))},
		{"unknown_authority", other.serve(t, nil), success, as(new(x509.UnknownAuthorityError))},
		{"not_for_servers", trusted.serve(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), success, as(new(x509.CertificateInvalidError))},
		{"version_too_old", with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), success, says("protocol version")},
		{"no_common_cipher", with(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
		}), success, says("handshake failure")},
		{"client_certificate_wanted", with(func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }), success, says("certificate required")},
		{"plain_HTTP_on_the_TLS_port", nil, say(response(http.StatusBadRequest, "text/plain", "this port speaks HTTP")), as(new(tls.RecordHeaderError))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var peer *peer
			if test.config != nil {
				peer = newPeer(t, test.config, func(int) script { return test.does })
			} else {
				peer = newTLSDeafPeer(t, test.does)
			}
			clock := newHandClock()
			client := faultClient(t, "https://"+peer.host(), clock.option(), dingtalk.WithHTTPClient(trusted.trusting()))
			id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
			e := checkError(t, id, err, dingtalk.ErrTLS)
			if !test.cause(err) {
				t.Errorf("the cause is another: %v", err)
			}
			if e.Attempts != 1 || len(clock.waited()) != 0 || peer.conns.Load() != 1 || peer.requests() != 0 {
				t.Errorf("%d attempts, waits %v, %d connections, %d requests; want one connection and no request: %v",
					e.Attempts, clock.waited(), peer.conns.Load(), peer.requests(), err)
			}
		})
	}
	t.Run("trusted", func(t *testing.T) { // what the others differ from in one thing
		t.Parallel()
		peer := newPeer(t, trusted.serve(t, nil), func(int) script { return success })
		id, err := faultClient(t, peer.URL, dingtalk.WithHTTPClient(trusted.trusting())).OpenConversationID(t.Context(), dingtalktest.ChatID)
		if err != nil || id != dingtalktest.OpenConversationID {
			t.Errorf("%q, %v", id, err)
		}
	})
}

// newTLSDeafPeer answers whatever comes, a TLS handshake too.
func newTLSDeafPeer(t *testing.T, does script) *peer {
	return newRawPeer(t, nil, func(_ *peer, c net.Conn) {
		_, _ = io.ReadAtLeast(c, make([]byte, 4<<10), 5)
		does(c)
	})
}

func testTLSHandshakeHangs(t *testing.T) {
	for name, limit := range map[string]func(*http.Transport) time.Duration{
		"limit_of_the_handshake": func(transport *http.Transport) time.Duration {
			if transport.TLSHandshakeTimeout != 10*time.Second {
				t.Errorf("the default transport allows a handshake %s", transport.TLSHandshakeTimeout)
			}
			transport.TLSHandshakeTimeout = 100 * time.Millisecond
			return 20 * time.Second
		},
		"limit_of_the_attempt": func(*http.Transport) time.Duration { return 100 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := newRawPeer(t, nil, func(_ *peer, c net.Conn) { hang("")(c) })
			transport := dingtalk.NewTransport()
			timeout := limit(transport)
			var dialed atomic.Int64
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				dialed.Add(1)
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			client := faultClient(t, "https://"+peer.host(), newHandClock().option(), dingtalk.WithTimeout(timeout),
				dingtalk.WithHTTPClient(&http.Client{Transport: transport}))
			id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
			e := checkError(t, id, err, dingtalk.ErrUnavailable)
			if e.Attempts != 3 || dialed.Load() != 3 || !e.Timeout() || t.Context().Err() != nil {
				t.Errorf("%d attempts, %d dials, timeout %v: %v", e.Attempts, dialed.Load(), e.Timeout(), err)
			}
		})
	}
}
