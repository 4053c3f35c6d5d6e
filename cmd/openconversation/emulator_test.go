package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// startEmulator runs the emulator command in this process and returns its address, and what stops it.
func startEmulator(t *testing.T, flags ...string) (url string, stop func() result) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	reader, writer := io.Pipe()
	done := make(chan result, 1)
	go func() {
		got := call{ctx: ctx, args: append([]string{"emulator"}, flags...), stdout: writer}.run()
		writer.CloseWithError(fmt.Errorf("it ended: %+v", got))
		done <- got
	}()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	stop = func() result {
		cancel(term.SignalError{Signal: syscall.SIGTERM})
		return <-done
	}
	t.Cleanup(func() { cancel(nil) })
	url = strings.Fields(line)[2]
	if want := fmt.Sprintf("listening on %s with DINGTALK_APP_KEY=%s DINGTALK_APP_SECRET=%s\n", url, dingtalktest.AppKey, dingtalktest.AppSecret); line != want {
		t.Errorf("it printed %q, want %q", line, want)
	}
	return url, stop
}

func TestEmulatorCommand(t *testing.T) {
	tests := []struct {
		flags string
		chats string // given one command each
		want  string // exit codes and outputs
	}{
		{"", chat + " x", "0:" + openID + " 1:"},
		{"--any-chat", "x unknown1", "0:" + dingtalktest.OpenConversationIDOf("x") + " 1:"},
		{"--chat a=cid1== --chat b=cid2==", "a b c", "0:cid1== 0:cid2== 1:"},
		{"--quota 1", chat + " " + chat, "0:" + openID + " 4:"},
		{"--quota 0", chat, "4:"},
		{"--latency 1ms --token-lifetime 1h --qps 20", chat, "0:" + openID},
		{"--fault invalideChatId", chat + " " + chat, "1: 0:" + openID},
		{"--fault INVALIDECHATID:2 --fault OwnerNotVisible", strings.Repeat(chat+" ", 4), "1: 1: 1: 0:" + openID},
		{"--fault pass --fault 90020:always", strings.Repeat(chat+" ", 3), "0:" + openID + " 4: 4:"},
		{"--fault ban-json", chat, "4:"},
		{"--fault ban", chat, "4:"},
		{"--fault 418", chat, "1:"},
		{"--fault reset", chat, "0:" + openID},
		{"--token-fault invalidClientIdOrSecret --fault permession.checkFailed", chat + " " + chat + " " + chat, "3: 1: 0:" + openID},
	}
	for _, tt := range tests {
		t.Run(tt.flags, func(t *testing.T) {
			url, stop := startEmulator(t, strings.Fields(tt.flags)...)
			env := map[string]string{connect.EnvAppKey: dingtalktest.AppKey, connect.EnvAppSecret: dingtalktest.AppSecret}
			var got []string
			for _, id := range strings.Fields(tt.chats) {
				r := call{args: []string{"convert", "--base-url", url, id}, env: env}.run()
				got = append(got, fmt.Sprintf("%d:%s", r.code, strings.TrimSpace(r.stdout)))
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			stop().check(t, result{0, "", ""})
		})
	}
}

func TestEmulatorUsage(t *testing.T) {
	loopback := "hint: the emulator's credentials are public, so it serves this machine only: use 127.0.0.1, [::1] or localhost, or allow others with --allow-remote\n"
	faults := "hint: see openconversation codes, and openconversation emulator --help\n"
	tests := []struct{ flag, value, err string }{
		{"--listen", ":8080", "--listen :8080: this is not a loopback address\n" + loopback},
		{"--listen", "0.0.0.0:0", "--listen 0.0.0.0:0: this is not a loopback address\n" + loopback},
		{"--listen", "[::]:0", "--listen [::]:0: this is not a loopback address\n" + loopback},
		{"--listen", "192.168.0.1:0", "--listen 192.168.0.1:0: this is not a loopback address\n" + loopback},
		{"--listen", "example.com:0", "--listen example.com:0: this is not a loopback address\n" + loopback},
		{"--listen", "127.0.0.1", "--listen 127.0.0.1: give HOST:PORT, such as 127.0.0.1:8080\n"},
		{"--listen", "127.0.0.1:http", "--listen 127.0.0.1:http: the port is not a number from 0 to 65535\n"},
		{"--listen", "127.0.0.1:65536", "--listen 127.0.0.1:65536: the port is not a number from 0 to 65535\n"},
		{"--qps", "-1", "--qps: -1 is negative\n"},
		{"--latency", "-1s", "--latency: -1s is negative\n"},
		{"--token-lifetime", "0", "--token-lifetime: 0s is not positive\n"},
		{"--chat", "x", "--chat x: give CHAT_ID=OPEN_CONVERSATION_ID\n"},
		{"--chat", "=x", "--chat =x: give CHAT_ID=OPEN_CONVERSATION_ID\n"},
		{"--chat", "x=", "--chat x=: give CHAT_ID=OPEN_CONVERSATION_ID\n"},
		{"--fault", "no.such.code", "--fault no.such.code: there is no such fault\n" + faults},
		{"--fault", "", "--fault : there is no such fault\n" + faults},
		{"--fault", "200", "--fault 200: there is no such fault\n" + faults},
		{"--fault", "reset:0", "--fault reset:0: after the colon comes a number from 1, or always\n"},
		{"--token-fault", "reset:x", "--token-fault reset:x: after the colon comes a number from 1, or always\n"},
	}
	for _, tt := range tests {
		t.Run(tt.flag+" "+tt.value, func(t *testing.T) {
			runArgs(t, "", "emulator", tt.flag, tt.value).check(t, result{2, "", "openconversation: " + tt.err})
		})
	}
}

func TestEmulatorPortInUse(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := runArgs(t, "", "emulator", "--listen", listener.Addr().String())
	if got.code != explain.Unavailable || !strings.HasPrefix(got.stderr, "openconversation: emulator: listen tcp "+listener.Addr().String()) {
		t.Errorf("%+v", got)
	}
}

// A client that waits for an answer does not keep the emulator from stopping.
func TestEmulatorStopsWhileRequestsHang(t *testing.T) {
	url, stop := startEmulator(t, "--fault", "hang:always", "--token-fault", "hang:always")
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1.0/oauth2/accessToken HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	stop().check(t, result{0, "", ""})
	if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}
