package emulatortest

import (
	"fmt"
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
	a.convert(token, dingtalktest.ChatID)
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

// BenchmarkServeHTTP measures the emulator alone.
func BenchmarkServeHTTP(b *testing.B) {
	e := dingtalktest.New(dingtalktest.WithAnyChat(), dingtalktest.WithQPS(1e9), dingtalktest.WithMonthlyQuota(1e9))
	r := newRequest(b, convertOp.Method, "http://x"+convertPath("chat0123"), nil)
	r.Header.Set(generated.TokenHeader, e.IssueToken())
	b.ReportAllocs()
	for b.Loop() {
		e.ServeHTTP(nowhere{}, r)
	}
}
