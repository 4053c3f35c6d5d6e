package dingtalk_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestOneCall(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	client := newClient(t, server.URL, appCredentials)
	convert(t, client, dingtalktest.ChatID)
	wantRequests(t, server.Emulator, 1, 1)

	got := server.Requests()[1]
	want := map[string]string{
		"X-Acs-Dingtalk-Access-Token": dingtalktest.Redacted, // it is there
		"Accept":                      "application/json",
		"User-Agent":                  "openconversation-go/" + dingtalk.Version,
		"Content-Type":                "",
		"Authorization":               "",
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
		}
	}
	if got.ContentLength != 0 {
		t.Errorf("a body of %d bytes was sent", got.ContentLength)
	}
	if token := server.Requests()[0]; token.Header.Get("X-Acs-Dingtalk-Access-Token") != "" {
		t.Error("the token call carried a token")
	}
}

func TestColdClientFetchesOneToken(t *testing.T) {
	t.Parallel()
	const callers = 500
	client, server := newEmulated(t)
	ctx := within(t)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			id := fmt.Sprintf("chat-%d", i)
			got, err := client.OpenConversationID(ctx, id)
			if err != nil || got != dingtalktest.OpenConversationIDOf(id) {
				t.Errorf("%s: %q, %v", id, got, err)
			}
		})
	}
	group.Wait()
	wantRequests(t, server.Emulator, callers, 1)
}

func TestTokenRevokedMidRunIsFetchedOnce(t *testing.T) {
	t.Parallel()
	const callers, calls = 50, 20
	client, server := newEmulated(t)
	ctx := within(t)
	var done atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range calls {
				if _, err := client.OpenConversationID(ctx, dingtalktest.ChatID); err != nil {
					t.Error(err)
				}
				if done.Add(1) == callers*calls/3 {
					server.RejectTokens()
				}
			}
		})
	}
	group.Wait()
	if n := server.Count(tokenOp); n != 2 {
		t.Errorf("%d token calls, want the first and one refresh", n)
	}
	tally := server.Counts()[convertOp.ID]
	if rejected := tally.Codes[generated.CodeInvalidAuthentication]; rejected == 0 || tally.Status[200] != callers*calls || tally.Requests != callers*calls+rejected {
		t.Errorf("%+v: want each rejected request once more", tally)
	}
}

func TestChatIDsThatAreNotSent(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t)
	for id, why := range map[string]string{
		"":                              "it is empty",
		".":                             "it would change the request's path",
		"..":                            "it would change the request's path",
		"chat\x00":                      "it holds a control character",
		"chat\r\nx-injected: 1":         "it holds a control character",
		"chat\u0085":                    "it holds a control character",
		"chat\xff":                      "it is not UTF-8",
		strings.Repeat("a", 257):        "it is longer than 256 bytes",
		dingtalktest.OpenConversationID: "it already is an openConversationId",
		"cid" + base64.StdEncoding.EncodeToString(make([]byte, 32)): "it already is an openConversationId", // 47 characters, one = at its end
		"cid" + strings.Repeat("/", 42) + "8=":                      "it already is an openConversationId",
		" chat":                                                     "it begins or ends with white space",
		"chat\u3000":                                                "it begins or ends with white space",
		"\u2028":                                                    "it begins or ends with white space",
		"\u200bchat":                                                "it holds an invisible character, U+200B",
		"chat\u200e":                                                "it holds an invisible character, U+200E",
		"\ufeffchat":                                                "it holds an invisible character, U+FEFF",
		"ch\u2060at":                                                "it holds an invisible character, U+2060",
		"\u202e":                                                    "it holds an invisible character, U+202E",
		"http://host/":                                              "it is a URL",
		"dingtalk://x?id=1":                                         "it is a URL",
		`="chat1"`:                                                  "it is a spreadsheet's formula",
		`"chat1"`:                                                   "it begins or ends with a quotation mark",
		"“chat1”":                                                   "it begins or ends with a quotation mark",
	} {
		got, err := client.OpenConversationID(within(t), id)
		e := asError(t, got, err, dingtalk.ErrInvalidChatID)
		if !e.Local || e.Attempts != 0 || e.Message != "not sent: "+why {
			t.Errorf("%q: %+v", id, e)
		}
	}
	wantRequests(t, server.Emulator, 0, 0)
}

// No format is documented: an id that only resembles an openConversationId is sent.
func TestChatIDsThatMayBeOnes(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"cid", "cidA=", "cidenough", "cid" + strings.Repeat("A", 24), "4555", "chat 1", "it's"} {
		if err := dingtalk.CheckChatID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestChatIDIsOnePathSegment(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t)
	before, after, _ := strings.Cut(convertOp.Path, "{chatId}")
	for _, id := range []string{
		"a/b", "a?b", "a%2Fb", "你好", "a/../b", "../token", "./x", "...", "%2e%2e", "%", "a b", "a+b", "a;b=c", "a#b", `a\b`,
		"a:b", "//host", "a&b=c", "a,b", "~a-b_c.d", "👍", "4555", strings.Repeat("长", 85),
	} {
		convert(t, client, id)
		requests := server.Requests()
		got := requests[len(requests)-1]
		segment := strings.TrimSuffix(strings.TrimPrefix(got.Path, before), after)
		decoded, err := url.PathUnescape(segment)
		if got.ChatID != id || decoded != id || err != nil || strings.Contains(segment, "/") || got.Path != before+segment+after {
			t.Errorf("%q arrived as %q in %q", id, got.ChatID, got.Path)
		}
	}
}

// A 200 without an id is never an empty success. The error keeps what support would ask for.
func TestSuccessWithoutAnID(t *testing.T) {
	t.Parallel()
	const json, html = "application/json", "text/html; charset=utf-8"
	const neither = "the answer holds neither a result nor an error"
	tests := []struct {
		name, contentType, body string
		code                    generated.Code
		message                 string
	}{
		{"empty object", json, `{}`, "", neither + ": {}"},
		{"null", json, `null`, "", neither + ": null"},
		{"array", json, `[]`, "", neither + ": []"},
		{"string", json, `"cid"`, "", neither + `: "cid"`},
		{"number", json, `7`, "", neither + ": 7"},
		{"empty id", json, `{"openConversationId":""}`, "", neither + `: {"openConversationId":""}`},
		{"null id", json, `{"openConversationId":null}`, "", neither + `: {"openConversationId":null}`},
		{"id is a number", json, `{"openConversationId":7}`, "", neither + `: {"openConversationId":7}`},
		{"id is an object", json, `{"openConversationId":{"id":"cid"}}`, "", neither + `: {"openConversationId":{"id":"cid"}}`},
		{"other field", json, `{"conversationId":"cid"}`, "", neither + `: {"conversationId":"cid"}`},
		{"legacy error", json, `{"errcode":404,"errmsg":"请求的URI地址不存在"}`, "404", "请求的URI地址不存在"},
		{"legacy success", json, `{"errcode":0,"errmsg":"ok"}`, "", neither + `: {"errcode":0,"errmsg":"ok"}`},
		{"error", json, `{"code":"aCodeOfTomorrow","message":"No."}`, "aCodeOfTomorrow", "No."},
		{"two values", json, `{"openConversationId":"cid"}{}`, "", neither + `: {"openConversationId":"cid"}{}`},
		{"cut", json, `{"openConversationId":"ci`, "", neither + `: {"openConversationId":"ci`},
		{"escape sequences", json, "\x1b[2J\r\n", "", neither + ": ·[2J··"},
		{"long", json, strings.Repeat("长", 100), "", neither + ": " + strings.Repeat("长", 66) + "…"},
		{"page", html, `<html>Log in to the network</html>`, "", "the answer is text/html, 34 bytes"},
		{"empty", json, ``, "", neither},
		{"empty, no type", "", ``, "", neither},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, server := newEmulated(t)
			server.FailNext(dingtalktest.Raw(http.StatusOK, test.contentType, []byte(test.body)).
				WithHeader(generated.RequestIDHeader, "REQ-1").For(convertOp))
			e := refused(t, client, dingtalk.ErrUnexpectedResponse)
			if e.StatusCode != http.StatusOK || e.RequestID != "REQ-1" || e.Code != test.code || e.Message != test.message || e.Attempts != 1 {
				t.Errorf("%+v", e)
			}
			wantRequests(t, server.Emulator, 1, 1)
		})
	}
}

func TestSuccessInUnusualForms(t *testing.T) {
	t.Parallel()
	const body = `{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`
	for name, fault := range map[string]dingtalktest.Fault{
		"wrong type":   dingtalktest.Raw(200, "text/plain", []byte(body)),
		"page type":    dingtalktest.Raw(200, "text/html", []byte(body)),
		"no type":      dingtalktest.Raw(200, "", []byte(body)),
		"new fields":   dingtalktest.Raw(200, "application/json", []byte(`{"new":[{}],`+body[1:])),
		"space around": dingtalktest.Raw(200, "application/json", []byte("\r\n "+body+"\n")),
		"other case":   dingtalktest.Raw(200, "application/json", []byte(strings.ReplaceAll(body, "openC", "OpenC"))),
	} {
		client, server := newEmulated(t)
		server.FailNext(fault.For(convertOp))
		if id, err := client.OpenConversationID(within(t), "any"); id != dingtalktest.OpenConversationID || err != nil {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

func TestRedirectIsNeverFollowed(t *testing.T) {
	t.Parallel()
	var target atomic.Int64
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { target.Add(1) })
	host := strings.TrimPrefix(elsewhere, "http://")
	for _, status := range []int{301, 302, 303, 307, 308} {
		client, server := newEmulated(t)
		server.FailNext(dingtalktest.Raw(status, "", nil).WithHeader("Location", elsewhere+"/elsewhere").For(convertOp))
		e := refused(t, client, dingtalk.ErrRedirect)
		if e.StatusCode != status || e.Message != "to "+host {
			t.Errorf("%d: %+v", status, e)
		}
		wantRequests(t, server.Emulator, 1, 1)

		// The token call carries the app's secret and must not be redirected, either.
		client, server = newEmulated(t)
		server.FailNext(dingtalktest.Raw(status, "", nil).WithHeader("Location", "/elsewhere").For(tokenOp))
		e = refused(t, client, dingtalk.ErrRedirect)
		if !e.TokenEndpoint || e.Message != "to the same host" {
			t.Errorf("%d: %+v", status, e)
		}
		wantRequests(t, server.Emulator, 0, 1)
	}
	if n := target.Load(); n != 0 {
		t.Errorf("the target got %d requests", n)
	}
}
