package main

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// What doctor says of a connection. A process has no proxy of the environment, and connections of no other test.
func TestDoctorExaminesTheConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(dingtalktest.New())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "authority.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	defer proxy.Close()
	const unmade = "not checked  token\nnot checked  permission\nnot checked  address\nnot checked  conversion\n"
	for name, tt := range map[string]struct {
		url           string
		trusts        bool
		code          int
		stdout, hints []string // what they hold
	}{
		"no such host": {"https://" + "no-such-host.invalid", false, 5, []string{"FAIL         host         service unavailable", "no-such-host.invalid", "not checked  connection\n" + unmade}, []string{"hint: "}},
		"untrusted": {server.URL, false, 5, []string{"ok           host         127.0.0.1 is an address\n",
			"FAIL         connection   TLS failed (while fetching an access token): the certificate was issued by O=Acme Co, which this machine does not trust\n" + unmade}, []string{"have its root certificate in a PEM file and set SSL_CERT_FILE"}},
		"another name": {strings.Replace(server.URL, "127.0.0.1", "localhost", 1), true, 5, []string{"FAIL         connection   TLS failed", "localhost resolves to 127.0.0.1"}, nil},
		"well":         {server.URL, true, 0, []string{strings.TrimPrefix(server.URL, "https://") + " answers over TLS 1.3, with a certificate of O=Acme Co until 2084-01-29\n"}, nil},
		"a proxy": {"https://example.com", true, 0, []string{"127.0.0.1 is an address; it is the proxy, which finds example.com\n",
			"example.com answers over TLS 1.3 through the proxy, with a certificate of O=Acme Co until 2084-01-29\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret}
			if tt.trusts {
				if runtime.GOOS != "linux" {
					t.Skip("SSL_CERT_FILE is not read here")
				}
				env["SSL_CERT_FILE"] = file
			}
			if name == "a proxy" { // that leads to the server, whatever the name, which the certificate has
				env["HTTPS_PROXY"] = proxy.URL
			}
			got := finish(t, command(t, env, "doctor", "--base-url", tt.url))
			for _, part := range tt.stdout {
				if got.code != tt.code || !strings.Contains(got.stdout, part) {
					t.Errorf("%q is not in %+v", part, got)
				}
			}
			for _, part := range tt.hints {
				if !strings.Contains(got.stderr, part) {
					t.Errorf("%q is not in %+v", part, got)
				}
			}
			if strings.Contains(got.stdout+got.stderr, dingtalktest.AppSecret) {
				t.Error("the secret was printed")
			}
		})
	}
}

// tunnel is a proxy that leads to one address, whatever it is asked for.
func tunnel(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := new(net.Dialer).DialContext(r.Context(), "tcp", address)
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "no tunnel", http.StatusBadGateway)
			return
		}
		defer to.Close()
		from, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer from.Close()
		_, _ = io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(to, buffered)
			to.Close()
		}()
		_, _ = io.Copy(from, to)
	})
}
