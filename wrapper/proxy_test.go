package dingtalk_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// testProxy calls a service through proxies of several tempers.
func testProxy(t *testing.T) {
	// net/http reads the environment once in a process: what it does with it is its own.
	if fromEnvironment := reflect.ValueOf(http.ProxyFromEnvironment).Pointer(); reflect.ValueOf(dingtalk.NewTransport().Proxy).Pointer() != fromEnvironment {
		t.Error("the default transport does not take its proxy from the environment")
	}
	a := newAuthority(t)
	service := newPeer(t, a.serve(), always(success))
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
