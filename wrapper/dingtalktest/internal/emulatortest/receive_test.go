package emulatortest

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// half sends a request whose body never comes to its end.
func (a *api) half(op generated.Operation, header, body string) net.Conn {
	a.t.Helper()
	return a.dial(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n%s", op.Method, strings.ReplaceAll(op.Path, "{chatId}", "x"), header, body))
}

// dial sends bytes on a connection that ends with the test.
func (a *api) dial(request string) net.Conn {
	a.t.Helper()
	conn, err := new(net.Dialer).DialContext(a.t.Context(), "tcp", strings.TrimPrefix(a.URL, "http://"))
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		a.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		a.t.Fatal(err)
	}
	return conn
}

// Requests whose bodies stop half way are dropped, whatever the operation makes of a body, and others are answered meanwhile.
func TestHalfBodiesAreDropped(t *testing.T) {
	a := start(t, func(s *dingtalktest.Settings) { s.BodyTime = time.Second })
	var halves []net.Conn
	for range 100 {
		halves = append(halves,
			a.half(tokenOp, "Content-Type: application/json\r\nContent-Length: 99", `{"appKey":`),
			a.half(convertOp, "Content-Length: 99", "x"),
			a.half(convertOp, "Transfer-Encoding: chunked", "5\r\nab"))
	}
	a.convert(a.token().AccessToken, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
	for _, conn := range halves {
		if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
			t.Fatalf("%v %s", err, got)
		}
	}
	if n := len(a.RequestsOf(dingtalktest.Filter{After: 2})); n != 300 {
		t.Errorf("%d on record", n)
	}
}

// The limit is on the body alone: an answer may take longer.
func TestBodyTimeIsNotForTheAnswer(t *testing.T) {
	a := start(t, func(s *dingtalktest.Settings) { s.BodyTime = time.Second }, dingtalktest.WithLatency(1100*time.Millisecond))
	a.fetch("x", "y").wantError(t, generated.CodeInvalidClientIDOrSecret)
}

// A body longer than the emulator reads does not hold its connection either.
func TestHalfOfALongBody(t *testing.T) {
	a := start(t, func(s *dingtalktest.Settings) { s.BodyTime = 200 * time.Millisecond })
	conn := a.half(convertOp, "Content-Length: 200000", strings.Repeat("x", 70_000))
	got, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") || len(got) > 0 && !strings.HasPrefix(string(got), "HTTP/1.1 400") {
		t.Errorf("%v %s", err, got)
	}
}
