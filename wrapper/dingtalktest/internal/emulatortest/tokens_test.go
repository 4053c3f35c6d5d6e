package emulatortest

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestTokenIsRenewedWhileValid(t *testing.T) {
	clock := new(fakeClock)
	a := start(t, dingtalktest.WithClock(clock.Now))
	first := a.token()
	if first.ExpireIn != 7200 {
		t.Errorf("expireIn %d", first.ExpireIn)
	}
	clock.Advance(2*time.Hour - time.Second)
	if again := a.token(); again != first {
		t.Errorf("%+v, then %+v", first, again)
	}
	clock.Advance(2*time.Hour - time.Nanosecond)
	a.convert(first.AccessToken, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
	clock.Advance(time.Nanosecond)
	a.convert(first.AccessToken, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	second := a.token()
	if second.AccessToken == first.AccessToken {
		t.Error("an expired token was renewed")
	}
	if second.AccessToken != a.IssueToken() {
		t.Error("IssueToken is not the token call")
	}
	a.convert(first.AccessToken, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	a.convert(second.AccessToken, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
}

func TestTokenLifetimes(t *testing.T) {
	for _, c := range []struct {
		lasts time.Duration
		claim *int32
		want  int32
		valid bool
	}{
		{90 * time.Second, nil, 90, true},
		{1900 * time.Millisecond, nil, 1, true},
		{500 * time.Millisecond, nil, 0, true},
		{0, nil, 0, false},
		{-3 * time.Second, nil, -3, false},
		{math.MaxInt64, nil, math.MaxInt32, true},
		{2 * time.Hour, ptr[int32](0), 0, true},
		{2 * time.Hour, ptr[int32](-1), -1, true},
		{0, ptr[int32](math.MaxInt32), math.MaxInt32, false},
	} {
		a := start(t, dingtalktest.WithClock(new(fakeClock).Now), func(s *dingtalktest.Settings) {
			s.TokenLifetime, s.ExpireIn = dingtalktest.Duration(c.lasts), c.claim
		})
		token := a.token()
		if token.ExpireIn != c.want {
			t.Errorf("expireIn %d, want %d", token.ExpireIn, c.want)
		}
		if got := a.convert(token.AccessToken, dingtalktest.ChatID); c.valid {
			got.wantID(t, dingtalktest.OpenConversationID)
		} else {
			got.wantError(t, generated.CodeInvalidAuthentication)
		}
	}
}

func TestTokenHeader(t *testing.T) {
	a := start(t)
	token := a.token().AccessToken
	a.convert("", dingtalktest.ChatID).wantError(t, generated.CodeMissingToken)
	a.convert("no-such-token", dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	a.convert("Bearer "+token, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)

	empty := a.request(convertOp.Method, convertPath(dingtalktest.ChatID), "", nil)
	empty.Header.Set(generated.TokenHeader, "")
	a.do(empty).wantError(t, generated.CodeMissingToken)

	bearer := a.request(convertOp.Method, convertPath(dingtalktest.ChatID)+"?access_token="+token, "", nil)
	bearer.Header.Set("Authorization", "Bearer "+token)
	a.do(bearer).wantError(t, generated.CodeMissingToken)
}

func TestTokenCallRefusals(t *testing.T) {
	a := start(t)
	good := `{"appKey":"` + dingtalktest.AppKey + `","appSecret":"` + dingtalktest.AppSecret + `"}`
	for name, c := range map[string]struct {
		contentType, body string
		code              generated.Code
	}{
		"wrong key":        {"application/json", `{"appKey":"x","appSecret":"` + dingtalktest.AppSecret + `"}`, generated.CodeInvalidClientIDOrSecret},
		"wrong secret":     {"application/json", `{"appKey":"` + dingtalktest.AppKey + `","appSecret":"x"}`, generated.CodeInvalidClientIDOrSecret},
		"form":             {"application/x-www-form-urlencoded", "appKey=a&appSecret=b", generated.CodeMissingBody},
		"JSON as a form":   {"application/x-www-form-urlencoded", good, generated.CodeMissingBody},
		"not a media type": {";", good, generated.CodeMissingBody},
		"no body":          {"application/json", "", generated.CodeMissingBody},
		"nothing at all":   {"", "", generated.CodeMissingBody},
		"malformed":        {"application/json", `{"appKey":`, generated.CodeInvalidBody},
		"trailing":         {"application/json", good + "x", generated.CodeInvalidBody},
		"an array":         {"application/json", `[]`, generated.CodeInvalidBody},
		"a number":         {"application/json", `{"appKey":1,"appSecret":"x"}`, generated.CodeInvalidBody},
		"too long":         {"application/json", good + strings.Repeat(" ", 70_000), generated.CodeInvalidBody},
		"null":             {"application/json", `null`, generated.CodeMissingAppKey},
		"no key":           {"application/json", `{"appSecret":"x"}`, generated.CodeMissingAppKey},
		"empty key":        {"application/json", `{"appKey":"","appSecret":"x"}`, generated.CodeMissingAppKey},
		"no secret":        {"application/json", `{"appKey":"x"}`, generated.CodeMissingAppSecret},
		"null secret":      {"application/json", `{"appKey":"x","appSecret":null}`, generated.CodeMissingAppSecret},
	} {
		t.Run(name, func(t *testing.T) { a.post(c.contentType, c.body).wantError(t, c.code) })
	}
	for _, contentType := range []string{"", "application/json", "application/json; charset=utf-8", "APPLICATION/JSON;charset=UTF-8", "application/vnd.x+json"} {
		if got := a.post(contentType, good); got.status != http.StatusOK {
			t.Errorf("%q: %d %s", contentType, got.status, got.body)
		}
	}
	if got := a.post("application/json", good[:len(good)-1]+`,"unknown":{"a":[1]}}`); got.status != http.StatusOK {
		t.Errorf("unknown field: %d %s", got.status, got.body)
	}
}

func TestCredentials(t *testing.T) {
	a := start(t, dingtalktest.WithCredentials("k1", "s1"), dingtalktest.WithCredentials("k2", "s2"), dingtalktest.WithQPS(1))
	a.fetch(dingtalktest.AppKey, dingtalktest.AppSecret).wantError(t, generated.CodeInvalidClientIDOrSecret)
	a.fetch("k1", "s2").wantError(t, generated.CodeInvalidClientIDOrSecret)
	first, second := a.tokenOf("k1", "s1").AccessToken, a.tokenOf("k2", "s2").AccessToken
	a.convert(first, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
	a.convert(second, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
	if first == second || first != a.IssueToken() {
		t.Error("apps share a token, or IssueToken is not the first app's")
	}
}

func TestStickyToken(t *testing.T) {
	clock := new(fakeClock)
	a := start(t, func(s *dingtalktest.Settings) { s.StickyToken = true }, dingtalktest.WithClock(clock.Now))
	token := a.token().AccessToken
	a.RejectTokens()
	if a.token().AccessToken != token {
		t.Fatal("another token was issued")
	}
	a.convert(token, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	clock.Advance(2 * time.Hour)
	next := a.token().AccessToken
	if next == token {
		t.Fatal("the expired token was handed back")
	}
	a.convert(next, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
}
