package emulatortest

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// parsed is the fault that a word or an object makes.
func parsed(t *testing.T, data string) dingtalktest.Fault {
	t.Helper()
	var fault dingtalktest.Fault
	if err := json.Unmarshal([]byte(data), &fault); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return fault
}

// Words, objects and constructors make the same faults, and the printed form can be read back.
func TestFaultsAsData(t *testing.T) {
	for data, want := range map[string]dingtalktest.Fault{
		`"pass"`:                            dingtalktest.Pass(),
		`"502:3"`:                           dingtalktest.Page(502).Times(3),
		`"invalideChatId:always"`:           dingtalktest.Code(generated.CodeInvalidChatID).Always(),
		`"INVALIDECHATID"`:                  dingtalktest.Code(generated.CodeInvalidChatID),
		`"OwnerNotVisible"`:                 dingtalktest.Code(generated.CodeOwnerNotVisible),
		`"system.error"`:                    dingtalktest.Code("system.error"),
		`{"fault":"503"}`:                   dingtalktest.Page(503),
		`503`:                               dingtalktest.Page(503),
		`{"fault":503,"always":true}`:       dingtalktest.Page(503).Always(),
		`"slow"`:                            {Kind: "slow"},
		`{"fault":"slow","interval":"1ms"}`: dingtalktest.Fault{Kind: "slow", Interval: dingtalktest.Duration(time.Millisecond)},
		`{"fault":"systemError","status":500,"times":2}`:                                      {Kind: "code", Code: "systemError", Status: 500, Requests: 2},
		`{"fault":"code","code":"x","scopes":[],"delay":"2s","retryAfter":"7"}`:               {Kind: "code", Code: "x", Scopes: []string{}, Delay: dingtalktest.Duration(2 * time.Second), RetryAfter: "7"},
		`{"fault":"sticky-token","operation":"chatIdToOpenConversationId"}`:                   dingtalktest.StickyToken().For(convertOp),
		`{"fault":"ban","headers":{"X-Other":"y"}}`:                                           dingtalktest.Fault{Kind: "ban"}.WithHeader("X-Other", "y"),
		`{"fault":"lost","chatId":"a","appKey":"b","requestHeaders":{"C":"d"},"reused":true}`: {Kind: "lost", ChatID: "a", AppKey: "b", RequestHeaders: map[string]string{"C": "d"}, Reused: true},
		`{"fault":"raw","status":200,"contentType":"application/json","body":"{}"}`:           dingtalktest.Raw(200, "application/json", []byte(`{}`)),
		`{"fault":"raw","status":200,"bodyBase64":"/w=="}`:                                    dingtalktest.Raw(200, "", []byte{0xff}),
		`{"fault":"bytes"}`: dingtalktest.Bytes(nil),
	} {
		read := parsed(t, data)
		if !reflect.DeepEqual(read, want) {
			t.Errorf("%s is %+v, want %+v", data, read, want)
		}
		shown, err := json.Marshal(read)
		if err != nil || !reflect.DeepEqual(parsed(t, string(shown)), read) {
			t.Errorf("%s is not what %s makes: %v", shown, data, err)
		}
	}
	for _, kind := range dingtalktest.FaultKinds() {
		if _, err := dingtalktest.ParseFault(kind.Name); (err == nil) != kind.Word || kind.Does == "" {
			t.Errorf("%+v: %v", kind, err)
		}
	}
}

func TestInvalidFaults(t *testing.T) {
	e := dingtalktest.New()
	for data, want := range map[string]string{
		`"no.such.code"`:                     "there is no fault",
		`""`:                                 "there is no fault",
		`"200"`:                              "there is no fault",
		`99`:                                 "there is no fault",
		`"code"`:                             "needs code",
		`"reset:0"`:                          "after the colon",
		`"reset:x"`:                          "after the colon",
		`{}`:                                 "fault is missing",
		`{"fault":"nothing"}`:                "there is no fault",
		`{"fault":"page"}`:                   "needs status",
		`{"fault":"raw","status":99}`:        "status: this is not a number from 200 to 999",
		`{"fault":"reset","body":"x"}`:       "takes no body",
		`{"fault":"systemError","code":"y"}`: "takes no code",
		`{"fault":"reset","time":1}`:         `there is no field "time": there are always, appKey, body`,
		`{"fault":"reset","times":0}`:        "times: this is not a number from 1",
		`{"fault":"reset","times":1.5}`:      "times: this is not a whole number",
		`{"fault":"reset","times":2,"always":true}`:         "not both",
		`{"fault":"reset","delay":"soon"}`:                  "delay",
		`{"fault":"reset","delay":-1}`:                      "delay: this is not a text",
		`{"fault":"ban","headers":{"a b":"c"}}`:             "header",
		`{"fault":"ban","headers":{"Content-Length":"1"}}`:  "header",
		`{"fault":"ban","headers":["a"]}`:                   "headers: this is not an object",
		`{"fault":"ban","headers":{"a":null}}`:              "headers.a: null says nothing here",
		`{"fault":"ban","retryAfter":"1\r\nX: y"}`:          "retryAfter",
		`{"fault":"bytes","body":"x","bodyBase64":"eA=="}`:  "not both",
		`{"fault":"bytes","bodyBase64":"?"}`:                "bodyBase64: this is not base64",
		`{"fault":"raw","status":200,"contentType":"a\nb"}`: "contentType",
		`{"fault":"PermissionDenied","scopes":[null]}`:      "scopes[0]: null says nothing here",
		`{"fault":"PermissionDenied","scopes":"a"}`:         "scopes: this is not a list",
		`{"fault":true}`: "fault: this is not a text",
		`{"fault":"reset","operation":"getAccessTokens"}`: `there is no operation "getAccessTokens"`,
		`[]`:   "this is not a text",
		`null`: "null says nothing here",
	} {
		err := e.ConfigureJSON([]byte(`{"faults":[` + data + `]}`))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "json:") || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
	if err := e.Queue(dingtalktest.Reset(), dingtalktest.Fault{Kind: "raw"}); err == nil || e.Pending() != 0 {
		t.Errorf("%v, %d queued", err, e.Pending())
	}
}

// The queue is bounded in faults and in bytes, and takes all of a list or nothing.
func TestFaultQueueIsBounded(t *testing.T) {
	e := dingtalktest.New()
	many := make([]dingtalktest.Fault, 9_999)
	if err := e.Queue(many...); err != nil {
		t.Fatal(err)
	}
	if err := e.Queue(many[:2]...); err == nil || e.Pending() != 9_999 {
		t.Errorf("%v, %d queued", err, e.Pending())
	}
	e.ClearFaults()
	large := dingtalktest.Raw(200, "", []byte(strings.Repeat("x", 1<<20)))
	for range 20 {
		_ = e.Queue(large)
	}
	if n := e.Pending(); n != 7 {
		t.Errorf("%d faults of a megabyte are queued", n)
	}
	e.ClearFaults()
	if err := e.Queue(large); err != nil {
		t.Error(err)
	}
}
