package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The files of a certificate's folder.
const (
	certificateFile = "certificate.pem"
	keyFile         = "key.pem"
)

// makeCertificate makes a certificate for this run, and adds it to this process's system roots: no client needs extra
// code.
func makeCertificate() (folder string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "openconversation benchmark"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	if folder, err = os.MkdirTemp("", "certificate"); err != nil {
		return "", err
	}
	trusted := filepath.Join(folder, certificateFile)
	err = errors.Join(
		os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600),
		os.WriteFile(filepath.Join(folder, keyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
		os.Setenv("SSL_CERT_FILE", trusted)) // read at the first handshake
	return folder, err
}

// serveHTTP2 serves a listener with net/http's server, which supports HTTP/2.
func serveHTTP2(listener net.Listener, certificate tls.Certificate, answer, token canned, opened func()) {
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			out := answer
			if strings.HasSuffix(r.URL.Path, "/oauth2/accessToken") {
				out = token
			}
			w.Header().Set("Content-Type", "application/json;charset=utf-8")
			w.Header().Set("x-acs-request-id", "30EE8654-1AA2-7D88-8248-9518547248AA")
			w.WriteHeader(out.status)
			_, _ = io.WriteString(w, out.body) // the client counts its own failure
		}),
		ReadHeaderTimeout: time.Minute,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened()
			}
		},
	}
	_ = server.ServeTLS(listener, "", "") // until the process ends
}
