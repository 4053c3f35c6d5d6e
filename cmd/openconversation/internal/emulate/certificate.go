package emulate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// certificate is a certificate made at the start, and the authority that signed it, whose key is thrown away.
type certificate struct {
	server    tls.Certificate
	authority []byte // PEM
}

// certificateTime is how long both are valid. Some clients refuse a server's that is valid for longer than 398 days.
const certificateTime = 365 * 24 * time.Hour

// newCertificate makes one for the loopback interface's names and for those that are given, which may be addresses.
func newCertificate(names []string, now time.Time) (*certificate, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "openconversation emulator CA, for tests only"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateTime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caRaw, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	server := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "openconversation emulator"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, name)
		}
	}
	raw, err := x509.CreateCertificate(rand.Reader, server, ca, key.Public(), caKey)
	if err != nil {
		return nil, err
	}
	return &certificate{
		server:    tls.Certificate{Certificate: [][]byte{raw, caRaw}, PrivateKey: key},
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caRaw}),
	}, nil
}

// serial is at most 16 bytes, as clients expect.
func serial() *big.Int {
	var raw [15]byte
	_, _ = rand.Read(raw[:]) // It never fails.
	return new(big.Int).SetBytes(raw[:])
}
