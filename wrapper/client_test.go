package dingtalk_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestOneCall(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t, dingtalk.WithUserAgent("my app/1.2"))
	convert(t, client, dingtalktest.ChatID)
	wantRequests(t, server.Emulator, 1, 1)
	got := server.Requests()[1]
	for name, value := range map[string]string{
		"X-Acs-Dingtalk-Access-Token": dingtalktest.Redacted, // it is there
		"Accept":                      "application/json",
		"User-Agent":                  "my app/1.2 openconversation-go/" + dingtalk.Version,
		"Content-Type":                "",
		"Authorization":               "",
	} {
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

// Many callers at once share the first token, and the one after it was revoked in between.
func TestColdClientFetchesOneToken(t *testing.T) {
	t.Parallel()
	const callers, each = 100, 10
	client, server := newEmulated(t)
	var done atomic.Int64
	together(callers, func() {
		for range each {
			convert(t, client, fmt.Sprint(done.Load()))
			if done.Add(1) == callers*each/3 {
				server.RejectTokens()
			}
		}
	})
	tally := server.Counts()[convertOp.ID]
	if rejected := tally.Codes[generated.CodeInvalidAuthentication]; rejected == 0 || tally.Status[200] != callers*each || tally.Requests != callers*each+rejected {
		t.Errorf("%+v: want each rejected request once more", tally)
	}
	wantRequests(t, server.Emulator, int(tally.Requests), 2)
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
	for _, id := range []string{"cid", "cidA=", "cidenough", "cid" + strings.Repeat("A", 24), "4555", "chat 1", "it's"} { // no format is documented
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

// budgetFunc is a budget and a limiter of one function.
type budgetFunc func(context.Context) error

func (f budgetFunc) Spend(ctx context.Context) error { return f(ctx) }
func (f budgetFunc) Wait(ctx context.Context) error  { return f(ctx) }

// A budget is asked before every request, repeats included, and its refusal sends nothing.
func TestBudget(t *testing.T) {
	t.Parallel()
	spent := 0
	client, server := newEmulated(t, dingtalk.WithBudget(budgetFunc(func(context.Context) error {
		if spent++; spent > 3 {
			return errors.New("enough")
		}
		return nil
	})))
	convert(t, client, "one")
	server.RejectTokens()
	convert(t, client, "two, sent twice")
	if e := refused(t, client, dingtalk.ErrQuotaExhausted); !e.Local || e.Op != convertOp.ID || e.StatusCode != 0 {
		t.Errorf("got %+v", e)
	}
	wantRequests(t, server.Emulator, 3, 2)
}

// An error of a limiter or budget that is an *Error keeps its kind and message.
func TestPartsThatRefuse(t *testing.T) {
	t.Parallel()
	own := &dingtalk.Error{Kind: dingtalk.ErrBlocked, Local: true, Message: "by hand"}
	for _, test := range []struct {
		use  func(budgetFunc) dingtalk.Option
		err  error
		want error
	}{
		{func(f budgetFunc) dingtalk.Option { return dingtalk.WithBudget(f) }, own, dingtalk.ErrBlocked},
		{func(f budgetFunc) dingtalk.Option { return dingtalk.WithLimiter(f) }, own, dingtalk.ErrBlocked},
		{func(f budgetFunc) dingtalk.Option { return dingtalk.WithLimiter(f) }, errors.New("no"), dingtalk.ErrThrottled},
	} {
		client, server := newEmulated(t, test.use(func(context.Context) error { return test.err }))
		e := refused(t, client, test.want)
		if e == own || !e.Local || e.Op != convertOp.ID || test.err == own && e.Message != own.Message { //nolint:errorlint // it is to be another
			t.Errorf("got %+v", e)
		}
		if n := server.Count(convertOp); n != 0 {
			t.Errorf("%d requests", n)
		}
	}
}
