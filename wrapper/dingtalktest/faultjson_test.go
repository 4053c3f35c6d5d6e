package dingtalktest_test

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// sameFaults are faults as Go and as data has them, one at least of each kind.
var sameFaults = []struct {
	data  string
	fault dingtalktest.Fault
}{
	{`"pass"`, dingtalktest.Pass()},
	{`"502:3"`, dingtalktest.Page(502).Times(3)},
	{`"invalideChatId:always"`, dingtalktest.Code(generated.CodeInvalidChatID).Always()},
	{`"INVALIDECHATID"`, dingtalktest.Code(generated.CodeInvalidChatID)},
	{`"OwnerNotVisible"`, dingtalktest.Code(generated.CodeOwnerNotVisible)},
	{`{"fault":"systemError","status":500,"times":1}`, dingtalktest.Code(generated.CodeSystemError).WithStatus(500)},
	{`{"fault":"code","code":"aCodeOfTomorrow","message":"No.","scopes":[]}`, dingtalktest.Code("aCodeOfTomorrow").WithMessage("No.").WithScopes()},
	{`{"fault":"code","code":"x","headers":{"x-other":"y"},"retryAfter":"7","delay":"2s"}`, dingtalktest.Code("x").WithHeader("X-Other", "y").WithRetryAfter("7").WithDelay(2 * time.Second)},
	{`{"fault":"sticky-token","operation":"chatIdToOpenConversationId"}`, dingtalktest.StickyToken().For(convertOp)},
	{`{"fault":"503"}`, dingtalktest.Page(503)},
	{`503`, dingtalktest.Page(503)},
	{`{"fault":503,"always":true}`, dingtalktest.Page(503).Always()},
	{`{"fault":"page","status":200}`, dingtalktest.Page(200)},
	{`{"fault":"raw","status":200,"contentType":"application/json","body":"{}"}`, dingtalktest.Raw(200, "application/json", []byte(`{}`))},
	{`{"fault":"raw","status":204,"contentType":""}`, dingtalktest.Raw(204, "", nil)},
	{`{"fault":"raw","status":200,"contentType":"","bodyBase64":"/w=="}`, dingtalktest.Raw(200, "", []byte{0xff})},
	{`"truncated"`, dingtalktest.Truncated()},
	{`{"fault":"truncated","status":400,"contentType":"text/plain","body":"ab"}`, dingtalktest.Truncated().WithStatus(400).WithBody("text/plain", []byte("ab"))},
	{`"wrong-length"`, dingtalktest.WrongLength()},
	{`"slow"`, dingtalktest.Slow(100 * time.Millisecond)},
	{`{"fault":"slow","interval":"1ms"}`, dingtalktest.Slow(time.Millisecond)},
	{`{"fault":"bytes","body":"not HTTP"}`, dingtalktest.Bytes([]byte("not HTTP"))},
	{`{"fault":"bytes"}`, dingtalktest.Bytes(nil)},
	{`"switching-protocols"`, dingtalktest.SwitchingProtocols()},
	{`"reset"`, dingtalktest.Reset()},
	{`"hang"`, dingtalktest.Hang()},
	{`"ban"`, dingtalktest.Ban()},
	{`{"fault":"ban-json","status":403,"always":true}`, dingtalktest.BanJSON().WithStatus(403).Always()},
}

// Data and Go make the same faults, and the printed form can be read back.
func TestFaultsAsData(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range sameFaults {
		shown := func(f dingtalktest.Fault) string {
			raw, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		read := parsed(t, c.data)
		if got, want := shown(read), shown(c.fault); got != want {
			t.Errorf("%s is %s, and Go's is %s", c.data, got, want)
		}
		if again := parsed(t, shown(read)); !reflect.DeepEqual(again, read) {
			t.Errorf("%s is not what was shown of it: %+v", c.data, again)
		}
		var kind struct{ Fault string }
		if err := json.Unmarshal([]byte(shown(read)), &kind); err != nil {
			t.Fatal(err)
		}
		seen[kind.Fault] = true
	}
	for _, kind := range dingtalktest.FaultKinds() {
		if !seen[kind.Name] {
			t.Errorf("no case of %s", kind.Name)
		}
		if _, err := dingtalktest.ParseFault(kind.Name); (err == nil) != kind.Word {
			t.Errorf("%s as a word: %v", kind.Name, err)
		}
		if !slices.IsSorted(kind.Fields) || kind.Does == "" {
			t.Errorf("%+v", kind)
		}
	}
}

func TestFaultsThatAreNone(t *testing.T) {
	for data, want := range map[string]string{
		`"no.such.code"`:                        "there is no fault",
		`""`:                                    "there is no fault",
		`"200"`:                                 "there is no fault",
		`"code"`:                                "there is no fault",
		`"reset:0"`:                             "times",
		`"reset:x"`:                             "times",
		`{}`:                                    "there is no fault",
		`{"fault":"nothing"}`:                   "there is no fault",
		`{"fault":"code"}`:                      "needs code",
		`{"fault":"page"}`:                      "needs status",
		`{"fault":"raw","status":99}`:           "status 99",
		`{"fault":"reset","body":"x"}`:          "takes no body",
		`{"fault":"code","code":"x","body":""}`: "takes no body",
		`{"fault":"systemError","code":"y"}`:    "takes no code",
		`{"fault":"reset","time":1}`:            "unknown field",
		`{"fault":"reset","times":0}`:           "times",
		`{"fault":"reset","times":2,"always":true}`:         "not both",
		`{"fault":"reset","delay":"soon"}`:                  "delay",
		`{"fault":"reset","delay":"-1s"}`:                   "delay",
		`{"fault":"ban","headers":{"a b":"c"}}`:             "header",
		`{"fault":"ban","headers":{"Content-Length":"1"}}`:  "header",
		`{"fault":"ban","retryAfter":"1\r\nX: y"}`:          "retryAfter",
		`{"fault":"bytes","body":"x","bodyBase64":"eA=="}`:  "not both",
		`{"fault":"bytes","bodyBase64":"?"}`:                "not base64",
		`{"fault":"raw","status":200,"contentType":"a\nb"}`: "contentType",
		`[]`:                                   "cannot unmarshal",
		`99`:                                   "there is no fault",
		`{"fault":"ban","headers":{"a":null}}`: "null says nothing",
		`{"fault":"PermissionDenied","scopes":[null]}`: "null says nothing",
		`{"fault":true}`: "cannot unmarshal",
		`null`:           "null says nothing",
	} {
		var fault dingtalktest.Fault
		if err := json.Unmarshal([]byte(data), &fault); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
	a := start(t)
	if err := a.CheckFaults(dingtalktest.Reset(), parsed(t, `{"fault":"reset","operation":"getAccessTokens"}`)); err == nil {
		t.Error("a fault of no operation")
	}
	if err := a.CheckFaults(dingtalktest.Reset().For(tokenOp)); err != nil {
		t.Error(err)
	}
}

// The regular answer is damaged, and the next one on another connection is whole.
func TestSpoiltAnswers(t *testing.T) {
	a := start(t)
	token := a.IssueToken()
	whole := a.convert(token, dingtalktest.ChatID).body
	try := func(fault dingtalktest.Fault) (reply, error) {
		t.Helper()
		a.FailNext(fault)
		r := a.request(convertOp.Method, convertPath(dingtalktest.ChatID), token, nil)
		r.Close = true // bytes beyond an answer's end would answer the next request of the connection
		got, err := a.send(r)
		a.convert(token, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
		return got, err
	}
	if got, err := try(dingtalktest.Truncated()); !errors.Is(err, io.ErrUnexpectedEOF) || got.status != 200 || got.body != whole[:len(whole)/2] {
		t.Errorf("truncated: %v %+v", err, got)
	}
	if got, err := try(dingtalktest.Truncated().WithStatus(500).WithBody("text/plain", []byte("abcd"))); !errors.Is(err, io.ErrUnexpectedEOF) || got.status != 500 || got.body != "ab" || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("truncated, its own body: %v %+v", err, got)
	}
	if got, err := try(dingtalktest.WrongLength()); err != nil || got.status != 200 || got.body != whole[:len(whole)/2] {
		t.Errorf("wrong length: %v %+v", err, got)
	}
	if got, err := try(dingtalktest.Slow(time.Microsecond)); err != nil || got.body != whole || got.header.Get("X-Acs-Request-Id") == "" {
		t.Errorf("slow: %v %+v", err, got)
	}
	if got, err := try(dingtalktest.SwitchingProtocols()); err != nil || got.status != 101 {
		t.Errorf("101: %v %+v", err, got)
	}
	if got, err := try(dingtalktest.Page(502)); err != nil || got.status != 502 || !strings.Contains(got.body, "<h1>502</h1>") {
		t.Errorf("page: %v %+v", err, got)
	}
	a.FailNext(dingtalktest.Truncated())
	if got, err := a.send(a.request(convertOp.Method, convertPath("unknown"), token, nil)); err == nil || got.status != 400 {
		t.Errorf("a refusal, truncated: %v %+v", err, got)
	}
}
