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

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A process has no proxy of the environment, and connections of no other test.
func TestDoctorHostDoesNotResolve(t *testing.T) {
	cmd := command(t, "doctor", "--base-url", "https://"+"no-such-host.invalid")
	cmd.Env = append(cmd.Env, connect.EnvAppKey+"=k", connect.EnvAppSecret+"="+canary)
	got := finish(t, cmd)
	lines := strings.Split(got.stdout, "\n")
	if got.code != 5 || !strings.HasPrefix(lines[1], "FAIL         host         service unavailable") || !strings.Contains(lines[1], "no-such-host.invalid") {
		t.Errorf("%+v", got)
	}
	if want := doctorSet + lines[1] + "\n" + unmade("connection", "token", "permission", "address", "conversion"); got.stdout != want {
		t.Errorf("it printed\n%s\nwant\n%s", got.stdout, want)
	}
	if want := spends + hintOf("unavailable"); got.stderr != want || strings.Contains(got.stdout, canary) {
		t.Errorf("standard error\n%s\nwant\n%s", got.stderr, want)
	}
}

func TestDoctorConnection(t *testing.T) {
	untrusted := httptest.NewUnstartedServer(dingtalktest.New())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	tests := []struct{ name, url, text, hint string }{
		{"untrusted certificate", untrusted.URL, "TLS failed (while fetching an access token): the certificate was issued by O=Acme Co, which this machine does not trust", "authority"},
		{"closed port", closed.URL, "service unavailable (while fetching an access token): check the network, the proxy and the region", "unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: canary, connect.EnvBaseURL: tt.url}
			got := call{args: []string{"doctor"}, env: env}.run()
			lines := strings.Split(got.stdout, "\n")
			if !strings.HasPrefix(lines[2], "FAIL         connection   "+tt.text) {
				t.Errorf("it says %q", lines[2])
			}
			got.check(t, result{5, doctorSet + "ok           host         127.0.0.1 is an address\n" + lines[2] + "\n" +
				unmade("token", "permission", "address", "conversion"), spends + hintOf(tt.hint)})
			if strings.Contains(got.stdout+got.stderr, canary) {
				t.Error("the secret was printed")
			}
		})
	}
}

func TestDoctorOverTLS(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not read here")
	}
	server := httptest.NewUnstartedServer(dingtalktest.New())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "authority.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	doctor := func(url string, env ...string) result {
		t.Helper()
		cmd := command(t, "doctor", "--base-url", url)
		cmd.Env = append(cmd.Env, connect.EnvAppKey+"="+dingtalktest.AppKey, connect.EnvAppSecret+"="+dingtalktest.AppSecret, "SSL_CERT_FILE="+file)
		cmd.Env = append(cmd.Env, env...)
		return finish(t, cmd)
	}
	got := doctor(strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
	if got.code != 5 || !strings.Contains(got.stdout, "FAIL         connection   TLS failed") || !strings.Contains(got.stdout, "localhost resolves to 127.0.0.1") {
		t.Errorf("a name that the certificate does not have: %+v", got)
	}
	const certificateText = "with a certificate of O=Acme Co until 2084-01-29\n"
	got = doctor(server.URL)
	if got.code != 0 || !strings.Contains(got.stdout, strings.TrimPrefix(server.URL, "https://")+" answers over TLS 1.3, "+certificateText) {
		t.Errorf("%+v", got)
	}
	proxy := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	defer proxy.Close()
	got = doctor("https://example.com", "HTTPS_PROXY="+proxy.URL) // a name that the certificate has
	if got.code != 0 || !strings.Contains(got.stdout, "127.0.0.1 is an address; it is the proxy, which finds example.com\n") ||
		!strings.Contains(got.stdout, "example.com answers over TLS 1.3 through the proxy, "+certificateText) {
		t.Errorf("%+v", got)
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
