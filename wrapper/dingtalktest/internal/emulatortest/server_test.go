package emulatortest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestServerIsOnLoopbackAndEndsWithTheTest(t *testing.T) {
	var url string
	t.Run("test", func(t *testing.T) { url = start(t).URL })
	if host, _, err := net.SplitHostPort(strings.TrimPrefix(url, "http://")); err != nil || !net.ParseIP(host).IsLoopback() {
		t.Errorf("URL %s: %v", url, err)
	}
	if response, err := http.DefaultClient.Do(newRequest(t, "GET", url, nil)); err == nil {
		response.Body.Close()
		t.Error("the server is still there")
	}
}

// TestCloseCutsWhatHangs holds requests in every way there is and closes the server under them.
func TestCloseCutsWhatHangs(t *testing.T) {
	a := start(t)
	a.FailNext(dingtalktest.Hang(), dingtalktest.Pass().WithDelay(time.Hour))
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := a.send(a.request(convertOp.Method, convertPath("x"), "", nil))
			errs <- err
		}()
	}
	// And one that never sends the body which it announced.
	a.half(tokenOp, "Content-Length: 9", "")
	for a.Count(convertOp) < 2 || a.Count(tokenOp) < 1 {
		time.Sleep(time.Millisecond)
	}
	closed := make(chan struct{})
	go func() { a.Close(); a.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("Close hangs")
	}
	for range 2 {
		if err := <-errs; err == nil {
			t.Error("a hanging request was answered")
		}
	}
}

// TestNothingPrintsSecrets prints an emulator in every way that a test or a log might.
func TestNothingPrintsSecrets(t *testing.T) {
	const secret = "canary-of-the-app-secret"
	a := start(t, dingtalktest.WithCredentials("app", secret))
	token := a.IssueToken()
	a.fetch("app", secret)
	a.convert(token, knownChat)
	type holder struct {
		Server   *dingtalktest.Server
		Emulator *dingtalktest.Emulator
		hidden   *dingtalktest.Server
		value    dingtalktest.Server
	}
	for _, value := range []any{
		a.Server, *a.Server, a.Emulator, a.Requests(), a.Counts(), holder{a.Server, a.Emulator, a.Server, *a.Server},
		&holder{a.Server, a.Emulator, a.Server, *a.Server}, dingtalktest.WithCredentials("app", secret), []any{a.Emulator},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			text := fmt.Sprintf(verb, value)
			for _, canary := range []string{secret, token, fmt.Sprintf("%x", secret), fmt.Sprintf("%x", token)} {
				if strings.Contains(text, canary) {
					t.Errorf("%s of %T: %s", verb, value, text)
				}
			}
		}
	}
	for _, text := range []string{fmt.Sprintf("%#v", a.Server), a.String()} {
		if !strings.Contains(text, "dingtalktest.Emulator(chats: 1, requests: 2, queued faults: 0)") {
			t.Errorf("printed %s", text)
		}
	}
}

// nowhere is a response writer that costs nothing.
type nowhere http.Header

func (n nowhere) Header() http.Header         { return http.Header(n) }
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhere) WriteHeader(int)             {}

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
	a.wantKnown(a.token().AccessToken)
	for _, conn := range halves {
		if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
			t.Fatalf("%v %s", err, got)
		}
	}
	if n := len(a.Requests(dingtalktest.Filter{After: 2})); n != 300 {
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
