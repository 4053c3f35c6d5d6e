package emulatortest

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// controlled is an emulator with its admin API, each behind a listener.
type controlled struct {
	*api
	admin string
}

func startAdmin(t *testing.T) controlled {
	t.Helper()
	a := start(t)
	control := httptest.NewServer(admin.Handler(a.Emulator))
	t.Cleanup(control.Close)
	return controlled{a, control.URL}
}

// want sends a request to the admin API, whose body is JSON, with a header of names and values. A request that its description
// does not allow is refused; allowed is whether it does.
func (c controlled) want(status int, method, path, body, part string, header ...string) (answer string, allowed bool) {
	c.t.Helper()
	r := newRequest(c.t, method, c.admin+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := c.send(r)
	if err != nil {
		c.t.Error(err)
	}
	if got.status != status || !strings.Contains(got.body, part) || status >= 400 && status != 408 && !strings.HasPrefix(got.body, `{"error":`) {
		c.t.Errorf("%s %s %.200s: %d %s, want %d and %s", method, path, body, got.status, got.body, status, part)
	}
	return got.body, check(c.t, adminAPI, r, got) == nil
}

func (c controlled) token() string {
	c.t.Helper()
	answer, _ := c.want(200, "POST", "/tokens", "", `{"accessToken":"`)
	return strings.Split(answer, `"`)[3]
}

func TestEverythingOverHTTP(t *testing.T) {
	b := startAdmin(t)
	b.want(200, "GET", "/healthz", "", `{"status":"ok"}`)
	b.want(200, "GET", "/openapi.yaml", "", "openapi: 3.0.3")
	b.want(200, "GET", "/fault-kinds", "", `"name":"sticky-token"`)

	// Faults of every shape are queued, taken, and cleared.
	token := b.token()
	b.want(200, "GET", "/faults", "", `[]`)
	b.want(204, "POST", "/faults", `["502", {"fault":"systemError","status":500,"times":2,"operation":"chatIdToOpenConversationId"}]`, "")
	b.want(200, "GET", "/faults", "", `[{"fault":"page","status":502},{"fault":"code","operation":"chatIdToOpenConversationId","times":2,"code":"systemError","status":500}]`)
	for _, want := range []int{502, 500} {
		if got := b.convert(token, knownChat); got.status != want {
			t.Errorf("%+v, want %d", got, want)
		}
	}
	b.want(204, "DELETE", "/faults", "", "")
	b.want(200, "GET", "/faults", "", `[]`)

	// A rejection by the API is a true one.
	b.want(204, "POST", "/tokens/reject", "", "")
	b.convert(token, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	second := b.token()
	b.want(204, "POST", "/tokens/expire", "", "")
	b.convert(second, knownChat).wantError(t, generated.CodeInvalidAuthentication)

	// Settings and time.
	b.want(200, "PATCH", "/settings", `{"chats":{"a":"cidA=="},"monthlyQuota":5}`, `"a":"cidA=="`)
	b.want(200, "GET", "/settings", "", `"monthlyQuota":5`)
	third := b.token()
	b.convert(third, "a").wantID(t, "cidA==")
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
	b.want(200, "GET", "/requests?wait=5", "", `"requests":[{`)
	b.want(408, "GET", "/requests?wait=100&timeout=0", "", `"requests":[{`)
	b.want(204, "DELETE", "/requests", "", "")
	b.want(200, "GET", "/requests", "", `{"requests":[],"dropped":0}`)

	b.want(204, "POST", "/reset", "", "")
	b.want(200, "GET", "/settings", "", `"monthlyQuota":-1`)
	b.convert(third, knownChat).wantError(t, generated.CodeInvalidAuthentication)
}

// A group is created by a request, changed by the admin API, and found in what the emulator answers; one of the settings
// is found by its chat id.
func TestGroupsOverHTTP(t *testing.T) {
	b := startAdmin(t)
	b.want(200, "GET", "/groups", "", `[]`)
	b.want(200, "GET", "/groups?chatId=chat1", "", `[]`)
	b.code(generated.OperationCreateGroup, newGroup)
	g := b.Groups()[0]
	group := fmt.Sprintf(`{"chatId":%q,"openConversationId":%q,"name":"n","owner":"u","members":["u"],"robots":[%q],"disbanded":`,
		g.ChatID, g.OpenConversationID, robot)
	b.want(200, "GET", "/groups", "", "["+group+"false}]")
	b.want(200, "POST", "/groups", group+"true}", group+"true}")
	b.want(200, "GET", "/groups?chatId="+g.ChatID, "", "["+group+"true}]")
	if code := b.code(sendOp, message(g.OpenConversationID, robot, "{}")); code != generated.CodeOrgGroupSendGroupDisbanded {
		t.Errorf("sent to a disbanded group: %q", code)
	}

	b.want(200, "POST", "/groups", `{"chatId":"chat1"}`, `"openConversationId":"`+dingtalktest.OpenConversationIDOf("chat1")+`"`)
	b.convert(b.token(), "chat1").wantID(t, dingtalktest.OpenConversationIDOf("chat1"))
	b.want(200, "PATCH", "/settings", `{"groups":[{"chatId":"chat2","owner":"clerk"}]}`, `"groups":[{"chatId":"chat2",`)
	b.want(200, "GET", "/groups?chatId=chat2", "", `"owner":"clerk"`)
	b.want(204, "POST", "/reset", "", "")
	b.want(200, "GET", "/groups?chatId=chat1", "", `[]`)
}

// A message that a robot sent is listed, read by whom the API says, and listed as recalled once it is.
func TestMessagesOverHTTP(t *testing.T) {
	b := startAdmin(t)
	b.want(200, "GET", "/messages", "", `[]`)
	sent, _ := ask[generated.OrgGroupSendResponseBody](b.api, sendOp, message(knownGroup, robot, "{}"))
	where := fmt.Sprintf(`"openConversationId":%q,"robotCode":%q`, knownGroup, robot)
	listed := fmt.Sprintf(`"processQueryKey":%q,"chatId":%q,%s,"msgKey":"sampleText","msgParam":"{}",`, sent.ProcessQueryKey, knownChat, where)
	b.want(200, "GET", "/messages", "", listed+`"readBy":[],"recalled":false}]`)
	for range 2 { // A user counts once.
		b.want(204, "POST", "/messages/read", fmt.Sprintf(`{"processQueryKey":%q,"userIds":["u1","u2"]}`, sent.ProcessQueryKey), "")
	}
	b.code(recallOp, fmt.Sprintf(`{%s,"processQueryKeys":[%q]}`, where, sent.ProcessQueryKey))
	b.want(200, "GET", "/messages", "", listed+`"readBy":["u1","u2"],"recalled":true}]`)
	b.want(204, "POST", "/reset", "", "")
	b.want(200, "GET", "/messages", "", `[]`)
}

func TestRefusalsOverHTTP(t *testing.T) {
	b := startAdmin(t)
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
		{400, "POST", "/faults", `[{"fault":"reset","operation":"nothing"}]`, "there is no operation"},
		{400, "POST", "/faults", `{}`, "this is not a list"},
		{400, "POST", "/faults", `["reset"] x`, "see byte 11"},
		{400, "PATCH", "/settings", `{"nothing":1}`, "there is no field"},
		{400, "POST", "/groups", `{}`, "chatId is missing"},
		{400, "GET", "/groups?chat=chat1", "", "there is no parameter"},
		{404, "POST", "/messages/read", `{"processQueryKey":"none","userIds":["u1"]}`, "no message"},
		{400, "POST", "/messages/read", `{}`, "is missing"},
		{400, "POST", "/messages/read", `{"processQueryKey":"none","userIds":[]}`, "1 to 1000"},
		{400, "POST", "/clock", `{}`, "advance"},
		{400, "POST", "/clock", `{"advance":"-1s"}`, "advance"},
		{413, "POST", "/faults", `["` + strings.Repeat("x", 2<<20) + `"]`, "at most"},
	} {
		_, allowed := b.want(c.status, c.method, c.path, c.body, c.says)
		if c.status == 400 && allowed && !strings.HasPrefix(c.says, "there is no ") && !strings.HasPrefix(c.says, "see byte") {
			t.Errorf("%s %s %s is described as right", c.method, c.path, c.body)
		}
	}
	if b.Pending() != 0 {
		t.Errorf("%d queued", b.Pending())
	}
	b.want(415, "POST", "/faults", `["reset"]`, "", "Content-Type", "text/plain")
	// What a page of another site may make a browser send.
	b.want(403, "POST", "/reset", "", "another site", "Origin", "https://example.com")
	b.want(403, "POST", "/reset", "", "another site", "Sec-Fetch-Site", "cross-site")
	// Nothing is described that is not there.
	doc, _ := adminAPI()
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if got, err := b.send(newRequest(t, method, b.admin+path, nil)); err != nil || strings.Contains(got.body, "describes this API") {
				t.Errorf("%s %s: %v %+v", method, path, err, got)
			}
		}
	}
}

// Half a body does not hold its connection for ever.
func TestHalfBodyOverHTTP(t *testing.T) {
	t.Parallel()
	b := startAdmin(t)
	b.URL = b.admin
	conn := b.half(generated.Operation{Method: "POST", Path: "/faults"}, "Content-Type: application/json\r\nContent-Length: 99", "[")
	if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
		t.Errorf("%v %s", err, got)
	}
}
