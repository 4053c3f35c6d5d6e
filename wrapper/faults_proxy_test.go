package dingtalk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() { addRow("row_45_proxy", testProxy) }

// The default transport takes its proxy from the environment, which Go reads once in a process. So each case runs in
// one of its own, this test binary with this variable set to the base URL.
const proxyChild = "OPENCONVERSATION_TEST_PROXY_CHILD"

// childResult is the process's result.
type childResult struct {
	ID, Kind, Text string
	Attempts       int
}

func TestProxyChild(t *testing.T) {
	baseURL := os.Getenv(proxyChild)
	if baseURL == "" {
		t.Skip("a part of TestFaults/row_45_proxy")
	}
	client := faultClient(t, baseURL, newHandClock().option(), dingtalk.WithTimeout(patience))
	id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
	result := childResult{ID: id}
	if err != nil {
		var e *dingtalk.Error
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		result.Text, result.Kind, result.Attempts = err.Error(), e.Kind.Error(), e.Attempts
	}
	line, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(proxyChild+"_RESULT"), line, 0o600); err != nil {
		t.Fatal(err)
	}
}

// testProxy calls an address that does not look like loopback, because the environment's proxy excludes loopback.
func testProxy(t *testing.T) {
	authority := newAuthority(t)
	service := newPeer(t, authority.serve(t, nil, "api.dingtalk.test"), func(int) script { return success })
	certificate := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(service.host())
	if err != nil {
		t.Fatal(err)
	}
	const named = "https://api.dingtalk.test"
	unnamed := "https://0.0.0.0:" + port // reaches the service directly, with a certificate for another name
	tunnel := func(c net.Conn) bool {
		upstream, err := new(net.Dialer).DialContext(context.Background(), "tcp", service.host())
		if err != nil {
			return false
		}
		defer upstream.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			_, _ = io.Copy(upstream, c)
			upstream.Close()
		}()
		_, _ = io.Copy(c, upstream)
		return false
	}
	for _, test := range []struct {
		name     string
		baseURL  string
		does     script // of the proxy
		noProxy  string
		proxy    string // in place of the proxy's address
		id       string
		kind     error
		attempts int
		requests int // number that reach the proxy
		says     []string
	}{
		{name: "tunnels", baseURL: named, does: tunnel, id: dingtalktest.OpenConversationID, requests: 1},
		{name: "asks_for_credentials", baseURL: named, does: say("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"),
			kind: dingtalk.ErrUnavailable, attempts: 1, requests: 1, says: []string{"407", "the proxy asks for a user and password", "PROXY"}},
		{name: "refuses", baseURL: named, does: say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
			kind: dingtalk.ErrUnavailable, attempts: 1, requests: 1, says: []string{"403", "the proxy refused", "PROXY"}},
		{name: "cannot_reach_the_service", baseURL: named, does: say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
			kind: dingtalk.ErrUnavailable, attempts: 3, requests: 3, says: []string{"502", "PROXY"}},
		{name: "hangs_up", baseURL: named, does: say(""), kind: dingtalk.ErrUnavailable, attempts: 3, requests: 3, says: []string{"PROXY"}},
		{name: "is_down", baseURL: named, proxy: "http://user:hidden@127.0.0.1:1", kind: dingtalk.ErrUnavailable, attempts: 3, says: []string{"127.0.0.1:1", "the proxy is"}},
		{name: "is_used_for_any_host", baseURL: unnamed, does: say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), kind: dingtalk.ErrUnavailable, attempts: 1, requests: 1},
		{name: "is_not_used_for_NO_PROXY", baseURL: unnamed, noProxy: "0.0.0.0", does: tunnel, kind: dingtalk.ErrTLS, attempts: 1, requests: 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := newPeer(t, nil, func(int) script { return test.does })
			address := "http://user:hidden@" + proxy.host()
			if test.proxy != "" {
				address = test.proxy
			}
			file := filepath.Join(t.TempDir(), "result.json")
			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestProxyChild$")
			child.Env = append(os.Environ(), proxyChild+"="+test.baseURL, proxyChild+"_RESULT="+file, "SSL_CERT_FILE="+certificate,
				"HTTPS_PROXY="+address, "https_proxy="+address, "NO_PROXY="+test.noProxy, "no_proxy="+test.noProxy)
			if out, err := child.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			raw, err := os.ReadFile(file)
			var got childResult
			if err != nil || json.Unmarshal(raw, &got) != nil {
				t.Fatalf("%s, %v", raw, err)
			}
			kind := ""
			if test.kind != nil {
				kind = test.kind.Error()
			}
			if got.ID != test.id || got.Kind != kind || got.Attempts != test.attempts || proxy.requests() != test.requests {
				t.Errorf("%d requests reached the proxy: %+v", proxy.requests(), got)
			}
			for _, part := range test.says {
				if part == "PROXY" {
					part = "the proxy is " + proxy.host()
				}
				if !strings.Contains(got.Text, part) {
					t.Errorf("%q is not in: %s", part, got.Text)
				}
			}
			if bytes.Contains(raw, []byte("hidden")) {
				t.Errorf("the proxy's password is in: %s", raw)
			}
		})
	}
}
