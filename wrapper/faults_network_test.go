package dingtalk_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	addFaults([]fault{
		{row: "row_03_ends_before_headers", name: "closed", does: say(""), kind: dingtalk.ErrUnavailable, cause: io.EOF, repeated: true, text: "check the network"},
		{row: "row_03_ends_before_headers", name: "half_a_status_line", does: say("HTTP/1.1 20"), kind: dingtalk.ErrUnavailable, repeated: true},
		{row: "row_03_ends_before_headers", name: "half_of_the_headers", does: say(head), kind: dingtalk.ErrUnavailable, cause: io.ErrUnexpectedEOF, repeated: true},
		{row: "row_03_ends_before_headers", name: "reset", does: reset(""), kind: dingtalk.ErrUnavailable, cause: syscall.ECONNRESET, repeated: true},
		{row: "row_03_ends_before_headers", name: "not_HTTP", does: say("SSH-2.0-OpenSSH_9.6\r\n\r\n"), kind: dingtalk.ErrUnavailable, repeated: true},

		{row: "row_07_headers_never_come", name: "nothing", does: hang(""), hangs: true, kind: dingtalk.ErrUnavailable, cause: os.ErrDeadlineExceeded, repeated: true, timeout: true, text: "no answer within 300ms"},
		{row: "row_07_headers_never_come", name: "some", does: hang(head), hangs: true, kind: dingtalk.ErrUnavailable, cause: os.ErrDeadlineExceeded, repeated: true, timeout: true, text: "no answer within 300ms"},
		{row: "row_07_headers_never_come", name: "drip", does: drip("HTTP/1.1 ", "200 OK"+strings.Repeat(" ", 10_000)), hangs: true, kind: dingtalk.ErrUnavailable, cause: os.ErrDeadlineExceeded, repeated: true, timeout: true, text: "no answer within 300ms"},

		{row: "row_08_body_is_slow", name: "stops", does: hang(head + "Content-Length: 60\r\n\r\n{"), hangs: true, kind: dingtalk.ErrUnavailable, cause: os.ErrDeadlineExceeded, status: 200, repeated: true, timeout: true, text: "the body did not end in time"},
		{row: "row_08_body_is_slow", name: "drip", does: drip(head+"Content-Length: 10001\r\n\r\n", strings.Repeat(" ", 10_000)), hangs: true, kind: dingtalk.ErrUnavailable, cause: os.ErrDeadlineExceeded, status: 200, repeated: true, timeout: true, text: "the body did not end in time"},
	})
	addRow("row_01_name_is_not_resolved", testNameNotResolved)
	addRow("row_02_connection_refused", testConnectionRefused)
	addRow("row_04_reset_in_body", testResetInBody)
}

// testNameNotResolved uses a name server that answers with an error or not at all.
func testNameNotResolved(t *testing.T) {
	for _, test := range []struct {
		name     string
		rcode    byte // 0: no answer
		repeated bool
		timeout  bool
		dns      bool // the cause is a *net.DNSError that names the host
	}{
		{name: "NXDOMAIN", rcode: 3, dns: true},
		{name: "SERVFAIL", rcode: 2, repeated: true, dns: true},
		{name: "no_answer", repeated: true, timeout: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resolver := nameServer(t, test.rcode)
			var dials atomic.Int64
			transport := dingtalk.NewTransport()
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				dials.Add(1)
				return (&net.Dialer{Resolver: resolver}).DialContext(ctx, network, address)
			}
			limit := 20 * time.Second
			if test.timeout {
				limit = 300 * time.Millisecond
			}
			client := faultClient(t, "https://api.dingtalk.test.", newHandClock().option(),
				dingtalk.WithHTTPClient(&http.Client{Transport: transport}), dingtalk.WithTimeout(limit))
			id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
			e := checkError(t, id, err, dingtalk.ErrUnavailable)
			want := 1
			if test.repeated {
				want = 3
			}
			if e.Attempts != want || int(dials.Load()) != want || e.Timeout() != test.timeout {
				t.Errorf("%d attempts, %d look-ups, timeout %v, want %d: %v", e.Attempts, dials.Load(), e.Timeout(), want, err)
			}
			var dns *net.DNSError
			if test.dns && (!errors.As(err, &dns) || !strings.Contains(err.Error(), "api.dingtalk.test") || !strings.Contains(err.Error(), "region")) {
				t.Errorf("want a *net.DNSError that names the host, and advice: %v", err)
			}
		})
	}
}

// nameServer starts a name server that answers every question with rcode, or not at all, and returns its client.
func nameServer(t *testing.T, rcode byte) *net.Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		for message := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(message)
			if err != nil {
				return
			}
			if rcode == 0 || n < 12 {
				continue
			}
			end := 12
			for end < n && message[end] != 0 { // the labels of the name
				end += int(message[end]) + 1
			}
			end = min(end+5, n)                                         // the last label, type and class
			copy(message[2:12], []byte{0x81, 0x80 | rcode, 0, 1, 9: 0}) // a response with only one question
			_, _ = conn.WriteTo(message[:end], from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// testConnectionRefused calls a port that nothing listens on. Another test may open it meanwhile, but not speak HTTP
// there to a client that has not been told of it.
func testConnectionRefused(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	clock := newHandClock()
	client := faultClient(t, "http://"+listener.Addr().String(), clock.option())
	id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
	e := checkError(t, id, err, dingtalk.ErrUnavailable)
	if !errors.Is(err, syscall.ECONNREFUSED) || e.Attempts != 3 || len(clock.waited()) != 2 {
		t.Errorf("%d attempts, waits %v, %v; want 3 refused connections", e.Attempts, clock.waited(), err)
	}
	for _, advice := range []string{"proxy", "region", listener.Addr().String()} {
		if !strings.Contains(err.Error(), advice) {
			t.Errorf("%q is not in: %v", advice, err)
		}
	}
}

// testResetInBody resets the connection once the client has the headers.
func testResetInBody(t *testing.T) {
	for _, test := range []struct {
		name  string
		ends  func(string) script
		cause error
	}{
		{"reset", reset, syscall.ECONNRESET},
		{"closed", say, io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{}, 10)
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotFirstResponseByte: func() { arrived <- struct{}{} },
			})
			half := response(http.StatusOK, "application/json", successBody)
			half = half[:len(half)-5]
			peer := newPeer(t, nil, func(int) script {
				return func(c net.Conn) bool {
					_, _ = io.WriteString(c, half)
					<-arrived
					return test.ends("")(c)
				}
			})
			client := faultClient(t, peer.URL, newHandClock().option(), dingtalk.WithTimeout(20*time.Second))
			id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
			e := checkError(t, id, err, dingtalk.ErrUnexpectedResponse)
			if !errors.Is(err, test.cause) || e.StatusCode != http.StatusOK || e.Attempts != 3 || peer.requests() != 3 {
				t.Errorf("status %d, %d attempts, %d requests, %v; want 3 and %v", e.StatusCode, e.Attempts, peer.requests(), err, test.cause)
			}
			if got := peer.conns.Load(); got != 3 {
				t.Errorf("%d connections, want a new one for each attempt", got)
			}
		})
	}
}
