//go:build unix

package main

import (
	"io"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// hosts are those of the service that stand-ins answer for.
var hosts = []string{"api.dingtalk.io", "api.dingtalk.com", "oapi.dingtalk.io", "oapi.dingtalk.com"}

// user is a reader of the pages, for whom the addresses that a page names lead to stand-ins on this machine.
type user struct {
	*newcomer.User
	online []string          // the environment of commands that call DingTalk, in addition
	fill   map[string]string // what NAME=… stands for, by NAME
}

// online makes a reader, and starts the emulator for the service's hosts, behind a proxy that leads to it and to nothing else.
func online(t *testing.T) *user {
	t.Helper()
	u := &user{User: newcomer.New(t, root), fill: map[string]string{"DINGTALK_APP_KEY": dingtalktest.AppKey, "DINGTALK_APP_SECRET": dingtalktest.AppSecret}}
	binary, authority := filepath.Join(u.Home, "emulator"), filepath.Join(u.Home, "authority.pem")
	u.Run(t, root, "go", "build", "-o", binary, "./cmd/openconversation")
	args := []string{"emulator", "--allow-remote", "--print-env", "--tls", "--tls-ca-file", authority} // it listens on loopback, and answers any Host
	for _, host := range hosts {
		args = append(args, "--tls-name", host)
	}
	emulator := exec.CommandContext(newcomer.Context(t), binary, args...) // It ends with the test.
	out, err := emulator.StdoutPipe()
	if err == nil {
		err = emulator.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = emulator.Wait() })
	said, err := io.ReadAll(out) // until the emulator closes it, once it serves
	address := regexp.MustCompile(`DINGTALK_BASE_URL='https://(.*)'`).FindSubmatch(said)
	if err != nil || address == nil {
		t.Fatalf("the emulator said %q, %v", said, err)
	}
	proxy := httptest.NewServer(newcomer.Tunnel(string(address[1]), hosts...))
	t.Cleanup(proxy.Close)
	u.online = []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + authority}
	return u
}
