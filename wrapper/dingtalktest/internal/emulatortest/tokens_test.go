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
	a.wantKnown(first.AccessToken)
	clock.Advance(time.Nanosecond)
	a.convert(first.AccessToken, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	second := a.token()
	if second.AccessToken == first.AccessToken {
		t.Error("an expired token was renewed")
	}
	if second.AccessToken != a.IssueToken() {
		t.Error("IssueToken is not the token call")
	}
	a.convert(first.AccessToken, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	a.wantKnown(second.AccessToken)
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
		{0, nil, 0, false},
		{-3 * time.Second, nil, -3, false},
		{math.MaxInt64, nil, math.MaxInt32, true},
		{2 * time.Hour, ptr[int32](0), 0, true},
		{0, ptr[int32](math.MaxInt32), math.MaxInt32, false},
	} {
		a := start(t, dingtalktest.WithClock(new(fakeClock).Now), func(s *dingtalktest.Settings) {
			s.TokenLifetime, s.ExpireIn = dingtalktest.Duration(c.lasts), c.claim
		})
		token := a.token()
		if token.ExpireIn != c.want {
			t.Errorf("expireIn %d, want %d", token.ExpireIn, c.want)
		}
		if got := a.convert(token.AccessToken, knownChat); c.valid {
			got.wantID(t, knownGroup)
		} else {
			got.wantError(t, generated.CodeInvalidAuthentication)
		}
	}
}

func TestTokenHeader(t *testing.T) {
	a := start(t)
	token := a.token().AccessToken
	a.convert("", knownChat).wantError(t, generated.CodeMissingToken)
	a.convert("no-such-token", knownChat).wantError(t, generated.CodeInvalidAuthentication)
	a.convert("Bearer "+token, knownChat).wantError(t, generated.CodeInvalidAuthentication)

	empty := a.request(convertOp.Method, convertPath(knownChat), "", nil)
	empty.Header.Set(generated.TokenHeader, "")
	a.do(empty).wantError(t, generated.CodeMissingToken)

	bearer := a.request(convertOp.Method, convertPath(knownChat)+"?access_token="+token, "", nil)
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
		"not a media type": {";", good, generated.CodeMissingBody},
		"no body":          {"application/json", "", generated.CodeMissingBody},
		"malformed":        {"application/json", `{"appKey":`, generated.CodeInvalidBody},
		"trailing":         {"application/json", good + "x", generated.CodeInvalidBody},
		"an array":         {"application/json", `[]`, generated.CodeInvalidBody},
		"a number":         {"application/json", `{"appKey":1,"appSecret":"x"}`, generated.CodeInvalidBody},
		"too long":         {"application/json", good + strings.Repeat(" ", 70_000), generated.CodeInvalidBody},
		"null":             {"application/json", `null`, generated.CodeMissingAppKey},
		"no key":           {"application/json", `{"appSecret":"x"}`, generated.CodeMissingAppKey},
		"empty key":        {"application/json", `{"appKey":"","appSecret":"x"}`, generated.CodeMissingAppKey},
		"no secret":        {"application/json", `{"appKey":"x"}`, generated.CodeMissingAppSecret},
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
	a.wantKnown(first)
	a.wantKnown(second)
	if first == second || first != a.IssueToken() {
		t.Error("apps share a token, or IssueToken is not the first app's")
	}
}

// A client that drops a rejected token and fetches another gets another, however the rejection was forced, and keeps its token
// after any other fault. The token call carries none, so that a rejection of whatever comes next waits for a request that does.
func TestForcedRejections(t *testing.T) {
	legacy := generated.OperationGetChat
	for name, c := range map[string]struct {
		fault   dingtalktest.Fault
		rejects bool
	}{
		"code":            {dingtalktest.Code("invalidauthentication"), true},
		"with 401":        {dingtalktest.Fault{Kind: "code", Code: generated.CodeInvalidAuthentication, Status: 401}, true},
		"any code at 401": {dingtalktest.Fault{Kind: "code", Code: generated.CodeUnknownError, Status: 401, Operation: convertOp.ID}, true},
		"page":            {dingtalktest.Page(401).For(convertOp), true},
		"raw, PascalCase": {dingtalktest.Raw(400, "application/json", []byte(`{"Code":"InvalidAuthentication"}`)).For(convertOp), true},
		"slow":            {dingtalktest.Fault{Kind: "slow", Interval: 1, Status: 400, ContentType: "application/json", Body: `{"code":"InvalidAuthentication"}`, Operation: convertOp.ID}, true},
		"word":            {parsed(t, `"InvalidAuthentication"`), true},
		"object":          {parsed(t, `{"fault":"InvalidAuthentication","operation":"chatIdToOpenConversationId"}`), true},
		"legacy code":     {dingtalktest.Code(generated.CodeInvalidAuthentication).For(legacy), true},
		"legacy, raw":     {dingtalktest.Raw(http.StatusOK, "application/json", []byte(`{"errcode":`+string(generated.CodeGetChatInvalidToken)+`,"errmsg":"x"}`)).For(legacy), true},
		"sticky":          {dingtalktest.StickyToken(), false},
		"throttled":       {parsed(t, `"AppQPSLimit"`).For(convertOp), false},
		"raw, another":    {dingtalktest.Raw(400, "application/json", []byte(`{"code":"systemError"}`)).For(convertOp), false},
		"another page":    {dingtalktest.Page(502).For(convertOp), false},
		"banned, as JSON": {dingtalktest.Fault{Kind: "ban-json", Operation: convertOp.ID}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			a.FailNext(c.fault)
			first := a.token().AccessToken
			got := a.convert(first, knownChat)
			if c.fault.Operation == legacy.ID {
				got = a.do(a.request(legacy.Method, legacy.Path+"?"+legacy.TokenQuery+"="+first+"&chatid="+knownChat, "", nil))
			}
			if strings.Contains(got.body, knownGroup) || strings.Contains(got.body, `"errcode":0`) || a.Pending() != 0 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			second := a.token().AccessToken
			if (first != second) != c.rejects {
				t.Errorf("%s, then %s", first, second)
			}
			if c.rejects {
				a.convert(first, knownChat).wantError(t, generated.CodeInvalidAuthentication)
			}
			a.wantKnown(second)
		})
	}
	a := start(t)
	a.FailNext(dingtalktest.Code(generated.CodeInvalidAuthentication).For(tokenOp))
	a.fetch("x", "y").wantError(t, generated.CodeInvalidAuthentication)
}

func TestTokensByHand(t *testing.T) {
	a := start(t, dingtalktest.WithCredentials("a", "sa"), dingtalktest.WithCredentials("b", "sb"))
	fetch := func(app string) string { return a.tokenOf(app, "s"+app).AccessToken }
	first, other := fetch("a"), fetch("b")
	a.FailNext(dingtalktest.Code(generated.CodeInvalidAuthentication))
	a.convert(first, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	a.convert(first, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	a.wantKnown(other)

	a.Configure(func(s *dingtalktest.Settings) { s.StickyToken = true })
	a.RejectTokens()
	if fetch("b") != other {
		t.Error("a sticky token was replaced before its time")
	}
	a.convert(other, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	a.ExpireTokens() // even a sticky one is not given again
	a.convert(other, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	if fetch("b") == other {
		t.Error("the same token after its time")
	}
	if key, secret := a.Credentials(); key != "a" || secret != "sa" {
		t.Errorf("credentials %s %s", key, secret)
	}
}
