package emulate

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// unixPrefix marks the path of a socket in place of an address.
const unixPrefix = "unix:"

// place is where a flag says to listen.
type place struct {
	flag    string
	address string // HOST:PORT or unix:PATH
	remote  bool   // whether other machines may reach it
}

// listening is a listener, and who may ask it.
type listening struct {
	net.Listener
	place
	network string
}

// open listens.
func (p place) open(ctx context.Context) (*listening, error) {
	network, address, err := p.check(ctx)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, lang.Errorf("emulator: %w", err)
	}
	return &listening{listener, p, network}, nil
}

// check returns where to listen. It refuses an address that is none, or that other machines could reach without being allowed to.
func (p place) check(ctx context.Context) (network, address string, err error) {
	if path, ok := strings.CutPrefix(p.address, unixPrefix); ok {
		if path == "" {
			return "", "", explain.Usage("%s %s: give unix:PATH", p.flag, p.address)
		}
		return "unix", path, removeDeadSocket(ctx, path)
	}
	host, port, err := net.SplitHostPort(p.address)
	if err != nil {
		return "", "", explain.Usage("%s %s: give HOST:PORT, such as 127.0.0.1:8080", p.flag, p.address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", explain.Usage("%s %s: the port is not a number from 0 to 65535", p.flag, p.address)
	}
	switch {
	case isLoopback(host) && net.ParseIP(host) == nil: // a name, whatever a resolver says of it
		return "tcp", net.JoinHostPort("127.0.0.1", port), nil
	case !p.remote && !isLoopback(host):
		return "", "", explain.UsageHint("the emulator's credentials are public, so it serves this machine only: use 127.0.0.1, [::1] or localhost, or allow others with --allow-remote",
			"%s %s: this is not a loopback address", p.flag, p.address)
	}
	return "tcp", p.address, nil
}

// isLoopback says whether a host is this machine, whatever a resolver says: an address of it, or a name that must be one (RFC 6761).
func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// removeDeadSocket removes the socket of a process that is gone, and nothing else.
func removeDeadSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return lang.Errorf("emulator: %w", err)
	}
	if info.Mode()&os.ModeSocket == 0 {
		return explain.Usage("--listen %s%s: this file is no socket", unixPrefix, path)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		conn.Close()
		return explain.Usage("--listen %s%s: another process listens there", unixPrefix, path)
	}
	return os.Remove(path)
}

// url is where clients of this machine find the listener.
func (l *listening) url(scheme string) string {
	if l.network == "unix" {
		return unixPrefix + l.Addr().String()
	}
	at, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil || !at.Addr().IsUnspecified() {
		return scheme + "://" + l.Addr().String()
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	if host, _, err := net.SplitHostPort(l.address); err == nil && host == "::" {
		loopback = netip.IPv6Loopback()
	}
	return scheme + "://" + netip.AddrPortFrom(loopback, at.Port()).String()
}

// checkHost refuses requests that were meant for another host. A page that a browser shows can have its own name lead to
// 127.0.0.1, and read the answers: its requests say that name. A socket in the file system no page can reach.
func (l *listening) checkHost(next http.Handler) http.Handler {
	if l.remote || l.network == "unix" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if !isLoopback(strings.Trim(host, "[]")) {
			http.Error(w, "openconversation emulator: this serves 127.0.0.1, [::1] and localhost only, and the request's Host is another; "+
				"start it with --allow-remote to serve any", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// certificate is a certificate made at the start, and the authority that signed it, whose key is thrown away.
type certificate struct {
	server    tls.Certificate
	authority []byte // PEM
}

// certificateTime is how long both are valid. Some clients refuse a server's that is valid for longer than 398 days.
const certificateTime = 365 * 24 * time.Hour

// keyBits is the size of both keys. They are RSA because some clients read no elliptic ones, such as those on mono.
const keyBits = 2048

// newCertificate makes one for the loopback interface's names and for those that are given, which may be addresses.
func newCertificate(names []string, now time.Time) (*certificate, error) {
	caKey, err := rsa.GenerateKey(rand.Reader, keyBits)
	key, err2 := rsa.GenerateKey(rand.Reader, keyBits)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	valid := x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateTime), BasicConstraintsValid: true}
	ca, server := valid, valid
	ca.Subject.CommonName, server.Subject.CommonName = "openconversation emulator CA, for tests only", "openconversation emulator"
	ca.IsCA, ca.MaxPathLenZero, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range append(names, "localhost", "127.0.0.1", "::1") {
		if ip := net.ParseIP(name); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, name)
		}
	}
	caRaw, err := x509.CreateCertificate(rand.Reader, &ca, &ca, caKey.Public(), caKey)
	raw, err2 := x509.CreateCertificate(rand.Reader, &server, &ca, key.Public(), caKey)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	return &certificate{
		server:    tls.Certificate{Certificate: [][]byte{raw, caRaw}, PrivateKey: key},
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caRaw}),
	}, nil
}
