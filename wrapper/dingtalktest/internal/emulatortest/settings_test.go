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

// What is shown of settings can be read, but for the app keys, and holds no secret.
func TestSettingsAsData(t *testing.T) {
	for _, data := range []string{
		`{}`, `{"addressNotAllowed":true,"bannedAddress":true,"anyChat":true,"stickyToken":true,"expireIn":-3}`,
		`{"chats":{"a":"cidA=="},"credentials":{"k":"s-of-k","l":"s-of-l"}}`,
		`{"groups":[{"chatId":"g","name":"Old","owner":"boss","members":["boss","clerk"],"robots":[],"disbanded":true},{"chatId":"f"}]}`,
		`{"latency":"50ms","tokenLifetime":"1h","missingScopes":["a","b"],"ownersNotVisible":["c"],"monthlyQuota":7,"qps":20,"recordSize":5}`,
	} {
		first, second := dingtalktest.New(), dingtalktest.New()
		if err := first.ConfigureJSON([]byte(data)); err != nil {
			t.Errorf("%s: %v", data, err)
			continue
		}
		shown := first.Settings()
		shown.AppKeys = nil
		raw, err := json.Marshal(shown)
		if err != nil || strings.Contains(string(raw), "s-of-") || strings.Contains(string(raw), dingtalktest.AppSecret) {
			t.Errorf("%s: %v", raw, err)
		}
		if err := second.ConfigureJSON(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		again := second.Settings()
		again.AppKeys = nil
		if back, _ := json.Marshal(again); string(back) != string(raw) {
			t.Errorf("%s was read as %s", raw, back)
		}
	}
	e := dingtalktest.New()
	if err := e.ConfigureJSON([]byte(`{"time":"2027-03-10T12:00:00Z","faults":["reset:2",{"fault":"ban"}],"credentials":{"l":"t","k":"s"}}`)); err != nil {
		t.Fatal(err)
	}
	key, secret := e.Credentials()
	if d := e.Now().Sub(time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC)); e.Pending() != 2 || d < 0 || d > time.Minute || key != "k" || secret != "s" || !reflect.DeepEqual(e.Settings().AppKeys, []string{"k", "l"}) {
		t.Errorf("%d queued, %s apart, %s, %+v", e.Pending(), d, key, e.Settings())
	}
}

func TestInvalidSettings(t *testing.T) {
	e := dingtalktest.New()
	before := e.Settings()
	for data, want := range map[string]string{
		`{"nothing":1}`:                              `there is no field "nothing": there are addressNotAllowed, anyChat, bannedAddress`,
		`{"QPS":1}`:                                  `there is no field "QPS"`,
		`{"appKeys":["a"]}`:                          `there is no field "appKeys"`,
		`{"qps":-1}`:                                 "qps: this is not a number from 0 to 1000000000",
		`{"qps":"x"}`:                                "qps: this is not a whole number",
		`{"anyChat":"yes"}`:                          "anyChat: this is not true or false",
		`{"anyChat":true,"latency":"soon"}`:          `latency: "soon" is not a time from 0s to 8760h`,
		`{"ownersNotVisible":[null]}`:                "ownersNotVisible[0]: null says nothing here",
		`{"chats":{"":"x"}}`:                         `chats: "" is not a name of 1 to 1000 characters`,
		`{"credentials":{"a":""}}`:                   "credentials.a: this is not a text of 1 to 1000 characters",
		`{"groups":[{}]}`:                            "groups[0]: chatId is missing",
		`{"groups":[{"chatId":"g","color":"red"}]}`:  `groups[0]: there is no field "color"`,
		`{"groups":[{"chatId":"g"},{"chatId":"g"}]}`: `chatId "g" is there twice`,
		`{"groups":[{"chatId":"g","openConversationId":"c"},{"chatId":"h","openConversationId":"c"}]}`: `openConversationId "c" is there twice`,
		`{"groups":[{"chatId":"g","name":"` + strings.Repeat("x", 1001) + `"}]}`:                       "groups[0].name: this is not a text of 0 to 1000 characters",
		`{"time":"1066-10-14T00:00:00Z"}`:                                                              "time: a time is from 1970",
		`{"time":"today"}`:                                                                             "time: this is not a time such as",
		`null`:                                                                                         "null says nothing here",
		`{} {}`:                                                                                        "this is not one JSON value: see byte 4",
		``:                                                                                             "this is not one JSON value",
	} {
		if err := e.ConfigureJSON([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
	if after := e.Settings(); !reflect.DeepEqual(after.Chats, before.Chats) || after.AnyChat || e.Pending() != 0 {
		t.Errorf("changed to %+v", after)
	}
	// A group is replaced by a later change, and described twice by no test.
	twice := func(s *dingtalktest.Settings) { s.Groups = []dingtalktest.Group{{ChatID: "a"}, {ChatID: "a"}} }
	defer func() {
		if said := recover(); said == nil || !strings.Contains(said.(string), "is there twice") {
			t.Errorf("panic %v", said)
		}
	}()
	e.Configure(dingtalktest.WithGroup(dingtalktest.Group{ChatID: "a"}), dingtalktest.WithGroup(dingtalktest.Group{ChatID: "a", Name: "x"}))
	dingtalktest.New(twice)
}

func TestChatsAndExpireInAreTakenAway(t *testing.T) {
	a := start(t)
	for _, data := range []string{`{"expireIn":5,"chats":{"a":"cidA=="}}`, `{"expireIn":null,"chats":{"a":null}}`} {
		if err := a.ConfigureJSON([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.token().ExpireIn; got != 7200 {
		t.Errorf("expireIn %d", got)
	}
	a.convert(a.IssueToken(), "a").wantError(t, generated.CodeInvalidChatID)
}

// Reset goes back to what New made, and not further.
func TestReset(t *testing.T) {
	at := time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC)
	a := start(t, dingtalktest.WithChat("a", "cidA=="), dingtalktest.WithMonthlyQuota(2), func(s *dingtalktest.Settings) {
		s.Faults, s.Time = []dingtalktest.Fault{dingtalktest.Code(generated.CodeSystemError).For(convertOp)}, &at
	})
	used := func() string {
		t.Helper()
		token := a.token().AccessToken
		a.convert(token, "a").wantError(t, generated.CodeSystemError)
		a.convert(token, "a").wantID(t, "cidA==")
		a.convert(token, "a").wantID(t, "cidA==")
		a.convert(token, "a").wantError(t, generated.CodeOrgQuotaExhausted)
		if n := len(a.Requests()); n != 5 || a.Count(convertOp) != 4 {
			t.Errorf("%d requests, %d conversions", n, a.Count(convertOp))
		}
		return token
	}
	before := used()
	a.ResetQuota()
	a.code(generated.OperationCreateGroup, newGroup)
	a.Configure(func(s *dingtalktest.Settings) { s.BannedAddress = true }, dingtalktest.WithChat("b", "cidB=="))
	a.AdvanceClock(48 * time.Hour)
	if now := a.Now(); now.Sub(at) < 48*time.Hour {
		t.Errorf("now %v", now)
	}
	a.FailNext(dingtalktest.Hang().Always())

	held := make(chan error, 1)
	go func() {
		_, err := a.send(a.request(convertOp.Method, convertPath("a"), before, nil))
		held <- err
	}()
	if _, err := a.WaitRequests(t.Context(), 1, dingtalktest.Filter{Fault: "hang"}); err != nil {
		t.Fatal(err)
	}
	a.Reset()
	if err := <-held; err == nil {
		t.Error("a request was still held")
	}
	if now := a.Now(); now.Sub(at).Abs() > time.Hour {
		t.Errorf("now %v", now)
	}
	if used() == before {
		t.Error("a token outlived the reset")
	}
	if got := a.Groups(); len(got) != 0 {
		t.Errorf("after the reset: %+v", got)
	}
}

// step is a change of settings, a time that passes, and what conversions are answered then.
type step struct {
	set   dingtalktest.Option
	wait  time.Duration
	codes []generated.Code // empty: the id
}

func (a *api) steps(clock *fakeClock, token string, steps []step) {
	a.t.Helper()
	for i, s := range steps {
		if s.set != nil {
			a.Configure(s.set)
		}
		clock.Advance(s.wait)
		for _, code := range s.codes {
			got := a.convert(token, knownChat)
			if code != "" {
				got.wantError(a.t, code)
			} else if got.status != 200 {
				a.t.Errorf("step %d: %d %s", i, got.status, got.body)
			}
		}
	}
}

func TestQPS(t *testing.T) {
	const over = generated.CodeAppQPSLimit
	clock, ms := new(fakeClock), time.Millisecond
	a := start(t, dingtalktest.WithQPS(3), dingtalktest.WithClock(clock.Now))
	a.steps(clock, a.IssueToken(), []step{
		{codes: []generated.Code{""}},
		{wait: 400 * ms, codes: []generated.Code{"", "", over}},
		{wait: 599 * ms, codes: []generated.Code{over}},
		{wait: ms, codes: []generated.Code{"", over}}, // at 1000 ms the first call has left the window
		{wait: 400 * ms, codes: []generated.Code{"", "", over}},
		// A lower limit takes effect at once, with the calls already made.
		{set: dingtalktest.WithQPS(1), wait: 999 * ms, codes: []generated.Code{over}},
		{wait: ms, codes: []generated.Code{"", over}},
		{set: dingtalktest.WithQPS(2), codes: []generated.Code{"", over}},
		{set: dingtalktest.WithQPS(0), codes: make([]generated.Code, 10)},
	})
	a.Configure(dingtalktest.WithQPS(1))
	for range 5 {
		a.token() // token calls have no part in it
	}
}

func TestMonthlyQuota(t *testing.T) {
	const spent, over = generated.CodeOrgQuotaExhausted, generated.CodeAppQPSLimit
	clock := new(fakeClock) // 10 March, noon UTC
	a := start(t, dingtalktest.WithMonthlyQuota(3), dingtalktest.WithQPS(2), dingtalktest.WithClock(clock.Now))
	token := a.token().AccessToken
	a.convert(token, "chat-of-nobody").wantError(t, generated.CodeInvalidChatID)
	a.steps(clock, token, []step{{codes: []generated.Code{"", over, over}}}) // throttled calls do not count
	a.convert("x", knownChat).wantError(t, generated.CodeInvalidAuthentication)
	if got := a.QuotaUsed(); got != 2 {
		t.Errorf("used %d", got)
	}
	a.steps(clock, token, []step{{wait: time.Minute, codes: []generated.Code{"", spent}}})
	april := time.Date(2026, time.March, 31, 16, 0, 0, 0, time.UTC) // in UTC+8
	clock.Advance(april.Add(-time.Second).Sub(clock.Now()))
	token = a.token().AccessToken // token calls are exempt
	a.steps(clock, token, []step{{codes: []generated.Code{spent}}, {wait: time.Second}})
	if got := a.QuotaUsed(); got != 0 {
		t.Errorf("used %d in a new month", got)
	}
	a.steps(clock, token, []step{{codes: []generated.Code{""}}, {set: dingtalktest.WithMonthlyQuota(1), wait: time.Minute, codes: []generated.Code{spent}}})
	a.ResetQuota()
	a.steps(clock, token, []step{
		{wait: time.Minute, codes: []generated.Code{""}},
		{set: dingtalktest.WithMonthlyQuota(-1), codes: []generated.Code{""}},
		{set: dingtalktest.WithMonthlyQuota(0), wait: time.Minute, codes: []generated.Code{spent}},
	})
}
