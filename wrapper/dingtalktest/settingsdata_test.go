package dingtalktest_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func shownSettings(t *testing.T, e *dingtalktest.Emulator) (all map[string]any) {
	t.Helper()
	if err := json.Unmarshal(e.SettingsJSON(), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Data and options set up the same.
func TestSettingsAsData(t *testing.T) {
	at := time.Date(2027, 3, 10, 12, 0, 0, 0, time.UTC)
	sticky := dingtalktest.WithStickyToken()
	for data, opts := range map[string][]dingtalktest.Option{
		`{}`: nil,
		`{"addressNotAllowed":true,"bannedAddress":true}`:   {dingtalktest.WithAddressNotAllowed(true), dingtalktest.WithBannedAddress(true)},
		`{"anyChat":true,"stickyToken":true,"expireIn":-3}`: {dingtalktest.WithAnyChat(), sticky, dingtalktest.WithExpireIn(-3)},
		`{"chats":{"a":"cidA=="}}`:                          {dingtalktest.WithChat("a", "cidA==")},
		`{"credentials":{"k":"s","l":"t"}}`:                 {dingtalktest.WithCredentials("k", "s"), dingtalktest.WithCredentials("l", "t")},
		`{"groups":[{"chatId":"g","name":"Old","owner":"boss","members":["boss","clerk"],"robots":[],"disbanded":true},{"chatId":"f"}]}`: {
			dingtalktest.WithGroup(dingtalktest.Group{ChatID: "f"}),
			dingtalktest.WithGroup(dingtalktest.Group{ChatID: "g", Name: "Old", Owner: "boss", Members: []string{"boss", "clerk"}, Robots: []string{}, Disbanded: true}),
		},
		`{"latency":"50ms","tokenLifetime":"1h"}`:                              {dingtalktest.WithLatency(50 * time.Millisecond), dingtalktest.WithTokenLifetime(time.Hour)},
		`{"missingScopes":["a","b"],"ownersNotVisible":["c"]}`:                 {dingtalktest.WithoutPermission("a", "b"), dingtalktest.WithOwnerNotVisible("c")},
		`{"monthlyQuota":7,"qps":20,"recordSize":5}`:                           {dingtalktest.WithMonthlyQuota(7), dingtalktest.WithQPS(20), dingtalktest.WithRecordSize(5)},
		`{"time":"2027-03-10T12:00:00Z","faults":["reset:2",{"fault":"ban"}]}`: {dingtalktest.WithTime(at), dingtalktest.WithFaults(dingtalktest.Reset().Times(2), dingtalktest.Ban())},
	} {
		read, err := dingtalktest.OptionsFromJSON([]byte(data))
		if err != nil {
			t.Errorf("%s: %v", data, err)
			continue
		}
		got, want := dingtalktest.New(read...), dingtalktest.New(opts...)
		if g, w := shownSettings(t, got), shownSettings(t, want); !reflect.DeepEqual(g, w) || !reflect.DeepEqual(got.Faults(), want.Faults()) {
			t.Errorf("%s: %v %v, want %v %v", data, g, got.Faults(), w, want.Faults())
		}
		if d := got.Now().Sub(want.Now()).Abs(); d > time.Minute {
			t.Errorf("%s: %v apart", data, d)
		}
		// What is shown can be read, but for the app keys.
		shown := shownSettings(t, got)
		delete(shown, "appKeys")
		raw, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		again := dingtalktest.New()
		if err := again.ConfigureJSON(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		back := shownSettings(t, again)
		delete(back, "appKeys")
		if !reflect.DeepEqual(back, shown) {
			t.Errorf("%s: shown %v, read %v", data, shown, back)
		}
	}
}

func TestSettingsThatAreNone(t *testing.T) {
	e := dingtalktest.New()
	before := string(e.SettingsJSON())
	for data, want := range map[string]string{
		`{"nothing":1}`:                             `there is no setting "nothing"`,
		`{"qps":-1}`:                                "qps: -1 is not from 0",
		`{"qps":"x"}`:                               "qps: it cannot be a string",
		`{"qps":null}`:                              "qps: null says nothing",
		`{"anyChat":true,"latency":"soon"}`:         `latency: "soon"`,
		`{"ownersNotVisible":[null]}`:               "ownersNotVisible: null says nothing",
		`{"chats":null}`:                            "chats: null says nothing",
		`{"chats":{"":"x"}}`:                        "chats: a chat id",
		`{"credentials":{"a":""}}`:                  "credentials: an app key",
		`{"groups":[{}]}`:                           "groups: a group needs chatId",
		`{"groups":[{"chatId":"g","color":"red"}]}`: `groups: json: unknown field "color"`,
		`{"groups":[{"chatId":"g","robots":null}]}`: "groups: null says nothing",
		`{"groups":[{"chatId":"g","robots":[""]}]}`: `groups: group "g": a member and a robot`,
		`{"groups":[{"chatId":"g","name":"` + strings.Repeat("x", 1001) + `"}]}`: `groups: group "g": a text`,
		`{"time":"1066-10-14T00:00:00Z"}`:                                        "time: a time is from 1970",
		`{"faults":["nothing"]}`:                                                 "faults: there is no fault",
		`{"anyChat":true,"faults":[{"fault":"reset","operation":"nothing"}]}`:    `there is no operation "nothing"`,
		`[]`:    "cannot unmarshal",
		`null`:  "null says nothing",
		`{} {}`: "there is more",
		``:      "EOF",
	} {
		if err := e.ConfigureJSON([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
	if after := string(e.SettingsJSON()); after != before || e.Pending() != 0 {
		t.Errorf("changed to %s", after)
	}
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
	a := start(t, dingtalktest.WithChat("a", "cidA=="), dingtalktest.WithFaults(dingtalktest.Code(generated.CodeSystemError).For(convertOp)),
		dingtalktest.WithTime(at), dingtalktest.WithMonthlyQuota(2))
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
	group := a.createGroup(t, before)
	a.Configure(dingtalktest.WithBannedAddress(true), dingtalktest.WithChat("b", "cidB=="))
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
	if _, known := a.Group(group); known {
		t.Error("a group outlived the reset")
	}
}
