package migrate

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/alibabacloud-go/tea/tea"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const page = "../../docs/migrating-from-the-official-sdk.md"

// outcome is the result of a call.
type outcome struct {
	id, code string
	status   int // of the error, 0 if it does not say
	err      error
}

// both makes the call with both SDKs against one emulator each, after what prepare does to it. The emulator speaks plain
// HTTP; the official SDK gets no protocol.
func both(t *testing.T, chatID string, prepare func(*dingtalktest.Server)) (old, now outcome) {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} { // the official SDK would use one for this machine too
		t.Setenv(name, "")
	}
	start := func() *dingtalktest.Server {
		return dingtalktest.NewServer(t, dingtalktest.WithChat("chat1", "cidOne=="), dingtalktest.WithChat("a/b", "cidSlash=="))
	}

	srv := start()
	b := newBefore("", strings.TrimPrefix(srv.URL, "http://"), dingtalktest.AppKey, dingtalktest.AppSecret)
	if err := b.fetchToken(); err != nil {
		t.Fatal(err)
	}
	prepare(srv)
	old.id, old.err = b.convert(chatID)
	old.code, _ = codeBefore(old.err)
	if failure := new(tea.SDKError); errors.As(old.err, &failure) {
		old.status = tea.IntValue(failure.StatusCode)
	}

	srv = start()
	client, err := newAfter(srv.URL, dingtalktest.AppKey, dingtalktest.AppSecret)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	if _, err := after(t.Context(), client, "chat1"); err != nil { // it holds a token now, as the other does
		t.Fatal(err)
	}
	prepare(srv)
	now.id, now.err = after(t.Context(), client, chatID)
	now.code, _ = codeAfter(now.err)
	if failure := new(dingtalk.Error); errors.As(now.err, &failure) {
		now.status = failure.StatusCode
	}
	return old, now
}

func convertFault(f dingtalktest.Fault) func(*dingtalktest.Server) {
	return func(srv *dingtalktest.Server) { srv.FailNext(f.For(generated.OperationChatIDToOpenConversationID)) }
}

func asIs(*dingtalktest.Server) {}

// TestSame: a migration must not change this.
func TestSame(t *testing.T) {
	old, now := both(t, "chat1", asIs)
	if old.err != nil || now.err != nil || old.id != "cidOne==" || now.id != old.id {
		t.Errorf("before %+v, after %+v", old, now)
	}
	old, now = both(t, "chat2", asIs)
	if old.code != string(generated.CodeInvalidChatID) || now.code != old.code {
		t.Errorf("codes of an unknown chat: before %+v, after %+v", old, now)
	}
	_, unknownBefore := codeBefore(old.err)
	_, unknownAfter := codeAfter(now.err)
	if !unknownBefore || !unknownAfter {
		t.Errorf("an unknown chat: before %v, after %v", unknownBefore, unknownAfter)
	}
}

// TestDifferences is the page's table of what changes. The name of each case is the row's first cell.
func TestDifferences(t *testing.T) {
	html := []byte("<html>Bad Gateway</html>")
	for _, c := range []struct {
		name     string
		chatID   string
		prepare  func(*dingtalktest.Server)
		old, now outcome // errAny stands for any error, nil for none
	}{
		{"a fault of the service that passes", "chat1", convertFault(dingtalktest.Code(generated.CodeUnknownError)),
			outcome{code: "unknownError", status: 500, err: errAny}, outcome{id: "cidOne=="}},
		{"a throttle", "chat1", convertFault(dingtalktest.Code(generated.CodeAppQPSLimit)),
			outcome{code: "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", status: 403, err: errAny}, outcome{id: "cidOne=="}},
		{"a token that the service rejects", "chat1", (*dingtalktest.Server).RejectTokens,
			outcome{code: "InvalidAuthentication", status: 400, err: errAny}, outcome{id: "cidOne=="}},
		{"a chat id with a slash", "a/b", asIs,
			outcome{code: "InvalidAction.NotFound", status: 404, err: errAny}, outcome{id: "cidSlash=="}},
		{"status 200 without an id", "chat1", convertFault(dingtalktest.Raw(http.StatusOK, "application/json", []byte("{}"))),
			outcome{}, outcome{status: 200, err: dingtalk.ErrUnexpectedResponse}},
		{"an error that is HTML", "chat1", convertFault(dingtalktest.Raw(http.StatusBadGateway, "text/html", html).Always()),
			outcome{err: errAny}, outcome{status: 502, err: errAny}},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, now := both(t, c.chatID, c.prepare)
			for _, pair := range []struct {
				who       string
				got, want outcome
			}{{"before", old, c.old}, {"after", now, c.now}} {
				got, want := pair.got, pair.want
				same := errors.Is(got.err, want.err) || errors.Is(want.err, errAny) && got.err != nil
				if !same || got.id != want.id || got.code != want.code || got.status != want.status {
					t.Errorf("%s: %+v, %+v was expected", pair.who, got, want)
				}
			}
			inPage(t, "| "+c.name+" |")
		})
	}
}

var errAny = errors.New("any error")

// TestPlainHTTP: both got an http address in the tests above, the official SDK without asking for it. This one refuses it
// for any host that is not this machine.
func TestPlainHTTP(t *testing.T) {
	if _, err := newAfter("http://api.example.com", "key", "secret"); err == nil {
		t.Error("http was accepted")
	}
	inPage(t, "| the protocol, if none is named |")
}

// TestRedirect counts where the token goes.
func TestRedirect(t *testing.T) {
	var tokens []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("x-acs-dingtalk-access-token"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"openConversationId":"cidElsewhere=="}`))
	}))
	defer elsewhere.Close()
	redirect := dingtalktest.Raw(http.StatusTemporaryRedirect, "text/plain", nil).WithHeader("Location", elsewhere.URL)
	old, now := both(t, "chat1", convertFault(redirect))
	if len(tokens) != 1 || tokens[0] == "" || old.id != "cidElsewhere==" {
		t.Errorf("before: tokens %q, %+v; one token to the other host was expected", tokens, old)
	}
	if !errors.Is(now.err, dingtalk.ErrRedirect) {
		t.Errorf("after: %+v", now)
	}
	inPage(t, "| a redirect to another host |")
}

// TestAutoretry: even with Autoretry, the official SDK does not retry a throttle.
func TestAutoretry(t *testing.T) {
	srv := dingtalktest.NewServer(t)
	b := newBefore("http", strings.TrimPrefix(srv.URL, "http://"), dingtalktest.AppKey, dingtalktest.AppSecret)
	b.runtimeOptions.Autoretry, b.runtimeOptions.MaxAttempts = tea.Bool(true), tea.Int(3)
	if err := b.fetchToken(); err != nil {
		t.Fatal(err)
	}
	convertFault(dingtalktest.Code(generated.CodeAppQPSLimit))(srv)
	_, err := b.convert("chat1")
	if code, _ := codeBefore(err); code != string(generated.CodeAppQPSLimit) || srv.Count(generated.OperationChatIDToOpenConversationID) != 1 {
		t.Errorf("%v after %d calls", err, srv.Count(generated.OperationChatIDToOpenConversationID))
	}
}

func inPage(t *testing.T, row string) {
	t.Helper()
	if !strings.Contains(newcomer.Read(t, page), "\n"+row) {
		t.Errorf("%s has no row %q", page, row)
	}
}

// TestSnippets compares the page's code with the parts of the files that ran.
func TestSnippets(t *testing.T) {
	text := newcomer.Read(t, page)
	shown := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)<!-- (\\w+\\.go): (\\w+) -->\n```go\n(.*?)```\n").FindAllStringSubmatch(text, -1) {
		shown[m[1]+": "+m[2]] = m[3]
	}
	if n := strings.Count(text, "```go\n"); n != len(shown) {
		t.Errorf("the page has %d blocks of Go, and %d that name a part of a file", n, len(shown))
	}
	ran := map[string]string{}
	for _, file := range []string{"before.go", "after.go"} {
		for _, m := range regexp.MustCompile(`(?s)\t// snippet: (\w+)\n(.*?)\t// end\n`).FindAllStringSubmatch(newcomer.Read(t, file), -1) {
			ran[file+": "+m[1]] = strings.TrimPrefix(strings.ReplaceAll("\n"+m[2], "\n\t", "\n"), "\n")
		}
	}
	if len(ran) != 7 {
		t.Errorf("%d parts are marked, 7 were expected", len(ran))
	}
	for name, code := range ran {
		if shown[name] != code {
			t.Errorf("the page shows for %s\n%s\nwhat ran is\n%s", name, shown[name], code)
		}
	}
}
