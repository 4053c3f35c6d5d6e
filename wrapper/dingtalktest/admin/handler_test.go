package admin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// both are an emulator and its admin API, each behind a listener.
type both struct {
	*dingtalktest.Server
	t     *testing.T
	admin string
}

func start(t *testing.T, opts ...dingtalktest.Option) both {
	t.Helper()
	server := dingtalktest.NewServer(t, opts...)
	control := httptest.NewServer(admin.Handler(server.Emulator))
	t.Cleanup(control.Close)
	return both{server, t, control.URL}
}

// do sends a request to the admin API; a body is JSON.
func (b both) do(method, path, body string, header ...string) (status int, answer string) {
	b.t.Helper()
	if body != "" {
		header = append([]string{"Content-Type", "application/json"}, header...)
	}
	return b.send(method, b.admin+path, body, header...)
}

// send sends a request with a header of names and values. The admin API answers with JSON, but for its description.
func (b both) send(method, url, body string, header ...string) (status int, answer string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasPrefix(url, b.admin) && len(raw) > 0 && response.Header.Get("Content-Type") != "application/json" && !strings.HasSuffix(url, "/openapi.yaml") {
		b.t.Errorf("%s %s: content type %q", method, url, response.Header.Get("Content-Type"))
	}
	return response.StatusCode, strings.TrimSpace(string(raw))
}

func (b both) want(status int, method, path, body, part string) {
	b.t.Helper()
	if got, answer := b.do(method, path, body); got != status || !strings.Contains(answer, part) {
		b.t.Errorf("%s %s %s: %d %s, want %d and %s", method, path, body, got, answer, status, part)
	}
}

// convert is a conversion at the emulator itself.
func (b both) convert(token, chatID string) (status int, answer string) {
	b.t.Helper()
	op := generated.OperationChatIDToOpenConversationID
	return b.send(op.Method, b.URL+strings.ReplaceAll(op.Path, "{chatId}", chatID), "", generated.TokenHeader, token)
}

func (b both) token() string {
	b.t.Helper()
	_, answer := b.do("POST", "/tokens", "")
	var issued struct{ AccessToken string }
	if err := json.Unmarshal([]byte(answer), &issued); err != nil || issued.AccessToken == "" {
		b.t.Fatalf("%s", answer)
	}
	return issued.AccessToken
}

func TestEverythingOverHTTP(t *testing.T) {
	b := start(t)
	b.want(200, "GET", "/healthz", "", `{"status":"ok"}`)
	b.want(200, "GET", "/openapi.yaml", "", "openapi: 3.0.3")
	b.want(200, "GET", "/fault-kinds", "", `"name":"sticky-token"`)

	// Faults of every shape are queued, taken, and cleared.
	token := b.token()
	b.want(200, "GET", "/faults", "", `[]`)
	b.want(204, "POST", "/faults", `["502", {"fault":"systemError","status":500,"times":2,"operation":"chatIdToOpenConversationId"}]`, "")
	b.want(200, "GET", "/faults", "", `[{"fault":"page","status":502},{"fault":"code","operation":"chatIdToOpenConversationId","times":2,"code":"systemError","status":500}]`)
	for _, want := range []int{502, 500} {
		if status, answer := b.convert(token, dingtalktest.ChatID); status != want {
			t.Errorf("%d %s, want %d", status, answer, want)
		}
	}
	b.want(204, "DELETE", "/faults", "", "")
	b.want(200, "GET", "/faults", "", `[]`)

	// A rejection by the API is a true one.
	b.want(204, "POST", "/tokens/reject", "", "")
	if status, answer := b.convert(token, dingtalktest.ChatID); status != 400 || !strings.Contains(answer, "InvalidAuthentication") {
		t.Errorf("%d %s", status, answer)
	}
	second := b.token()
	b.want(204, "POST", "/tokens/expire", "", "")
	if status, _ := b.convert(second, dingtalktest.ChatID); status != 400 || second == token {
		t.Error("an expired token is valid")
	}

	// Settings and time.
	b.want(200, "PATCH", "/settings", `{"chats":{"a":"cidA=="},"monthlyQuota":5}`, `"a":"cidA=="`)
	b.want(200, "GET", "/settings", "", `"monthlyQuota":5`)
	third := b.token()
	if status, answer := b.convert(third, "a"); status != 200 || !strings.Contains(answer, "cidA==") {
		t.Errorf("%d %s", status, answer)
	}
	b.want(200, "GET", "/quota", "", `{"used":1}`)
	b.want(204, "DELETE", "/quota", "", "")
	b.want(200, "GET", "/quota", "", `{"used":0}`)
	b.want(200, "PATCH", "/settings", `{"time":"2030-01-01T00:00:00Z"}`, "appKeys")
	b.want(200, "POST", "/clock", `{"advance":"48h"}`, `{"now":"2030-01-03T00:`)
	b.want(200, "GET", "/clock", "", `{"now":"2030-01-03T00:`)

	// What was seen.
	b.want(200, "GET", "/requests?operation=chatIdToOpenConversationId&status=502", "", `"fault":"page"`)
	b.want(200, "GET", "/requests?chatId=a", "", `"dropped":0`)
	b.want(200, "GET", "/counts", "", `"chatIdToOpenConversationId":{"requests":5,"statuses":{"200":1,`)
	b.want(408, "GET", "/requests?wait=100&timeout=0", "", `"requests":[{`)
	b.want(204, "DELETE", "/requests", "", "")
	b.want(200, "GET", "/requests", "", `{"requests":[],"dropped":0}`)

	b.want(204, "POST", "/reset", "", "")
	b.want(200, "GET", "/settings", "", `"monthlyQuota":-1`)
	if status, _ := b.convert(third, dingtalktest.ChatID); status != 400 {
		t.Error("a token outlived the reset")
	}
}

func TestWaitOverHTTP(t *testing.T) {
	b := start(t)
	got := make(chan string, 1)
	go func() {
		_, answer := b.do("GET", "/requests?wait=2&status=400&timeout=60", "")
		got <- answer
	}()
	b.convert("", "x")
	b.convert("", "x")
	if answer := <-got; strings.Count(answer, `"seq"`) != 2 {
		t.Errorf("%s", answer)
	}
}

func TestRefusalsOverHTTP(t *testing.T) {
	b := start(t)
	for _, c := range []struct {
		status             int
		method, path, body string
		says               string
	}{
		{404, "GET", "/nothing", "", "openapi.yaml"},
		{405, "PUT", "/faults", "", "openapi.yaml"},
		{400, "GET", "/requests?operaton=x", "", `there is no parameter \"operaton\"`},
		{400, "GET", "/requests?status=abc", "", "status"},
		{400, "GET", "/requests?wait=-1", "", "wait"},
		{400, "GET", "/requests?timeout=61", "", "timeout"},
		{400, "POST", "/faults", `["reset","nothing"]`, "there is no fault"},
		{400, "POST", "/faults", `[{"fault":"reset","operation":"nothing"}]`, "there is no operation"},
		{400, "POST", "/faults", `{}`, "this is not a list"},
		{400, "POST", "/faults", `null`, "null says nothing here"},
		{400, "POST", "/faults", `["reset"] x`, "see byte 11"},
		{400, "PATCH", "/settings", `{"qps":-1}`, "qps"},
		{400, "PATCH", "/settings", `{"nothing":1}`, "there is no field"},
		{400, "POST", "/clock", `{}`, "advance"},
		{400, "POST", "/clock", `{"advance":"-1s"}`, "advance"},
		{400, "POST", "/clock", `{"advance":"1h","x":1}`, "there is no field"},
		{413, "POST", "/faults", `["` + strings.Repeat("x", 2<<20) + `"]`, "at most"},
	} {
		status, answer := b.do(c.method, c.path, c.body)
		if status != c.status || !strings.HasPrefix(answer, `{"error":`) || !strings.Contains(answer, c.says) {
			t.Errorf("%s %s: %d %s, want %d and %s", c.method, c.path, status, answer, c.status, c.says)
		}
	}
	if b.Pending() != 0 {
		t.Errorf("%d queued", b.Pending())
	}
	if status, answer := b.do("POST", "/faults", `["reset"]`, "Content-Type", "text/plain"); status != 415 {
		t.Errorf("%d %s", status, answer)
	}
	// What a page of another site may make a browser send.
	for _, header := range [][]string{{"Origin", "https://example.com"}, {"Sec-Fetch-Site", "cross-site"}} {
		if status, answer := b.do("POST", "/reset", "", header...); status != 403 || !strings.Contains(answer, "another site") {
			t.Errorf("%d %s", status, answer)
		}
	}
}

// Half a body does not hold its connection for ever.
func TestHalfBodyOverHTTP(t *testing.T) {
	b := start(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.admin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST /faults HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n[")
	if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
		t.Errorf("%v %s", err, got)
	}
}
