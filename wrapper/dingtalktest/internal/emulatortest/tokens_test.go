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
	a.wantKnown(first)
	a.wantKnown(second)
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
	a.convert(token, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	clock.Advance(2 * time.Hour)
	next := a.token().AccessToken
	if next == token {
		t.Fatal("the expired token was handed back")
	}
	a.wantKnown(next)
}

// A client that drops a rejected token and fetches another gets another, however the rejection was forced.
func TestForcedRejectionRevokesTheToken(t *testing.T) {
	for name, fault := range map[string]dingtalktest.Fault{
		"by hand":         {},
		"code":            dingtalktest.Code(generated.CodeInvalidAuthentication),
		"other case":      dingtalktest.Code("invalidauthentication"),
		"with 401":        {Kind: "code", Code: generated.CodeInvalidAuthentication, Status: 401},
		"any code at 401": {Kind: "code", Code: generated.CodeUnknownError, Status: 401},
		"page":            dingtalktest.Page(401),
		"raw":             dingtalktest.Raw(400, "application/json", []byte(`{"code":"InvalidAuthentication"}`)),
		"raw, PascalCase": dingtalktest.Raw(400, "application/json", []byte(`{"Code":"InvalidAuthentication"}`)),
		"slow":            {Kind: "slow", Interval: 1, Status: 400, ContentType: "application/json", Body: `{"code":"InvalidAuthentication"}`},
		"word":            parsed(t, `"InvalidAuthentication"`),
		"bound":           parsed(t, `{"fault":"InvalidAuthentication","operation":"chatIdToOpenConversationId"}`),
		"object":          parsed(t, `{"fault":"code","code":"InvalidAuthentication","status":401}`),
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			first := a.token().AccessToken
			if fault.Kind == "" {
				a.RejectTokens()
			} else {
				a.FailNext(fault)
			}
			if got := a.convert(first, knownChat); got.status < 400 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			a.convert(first, knownChat).wantError(t, generated.CodeInvalidAuthentication)
			second := a.token().AccessToken
			if second == first {
				t.Error("the same token again")
			}
			a.wantKnown(second)
		})
	}
}

func TestOtherFaultsLeaveTheToken(t *testing.T) {
	a := start(t)
	token := a.token().AccessToken
	for _, data := range []string{`"AppQPSLimit"`, `"sticky-token"`, `{"fault":"raw","status":400,"body":"{\"code\":\"systemError\"}"}`, `502`, `"ban-json"`} {
		a.FailNext(parsed(t, data))
		if got := a.convert(token, knownChat); strings.Contains(got.body, knownGroup) {
			t.Errorf("%s: got %d %s", data, got.status, got.body)
		}
		if again := a.token().AccessToken; again != token {
			t.Errorf("%s: another token", data)
		}
		a.wantKnown(token)
	}
}

// The token call carries no token, so that a fault for whatever comes next waits for a request that does.
func TestRejectionWaitsForAToken(t *testing.T) {
	for name, fault := range map[string]dingtalktest.Fault{
		"code": dingtalktest.Code(generated.CodeInvalidAuthentication), "sticky": dingtalktest.StickyToken(), "word": parsed(t, `"InvalidAuthentication"`),
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			a.FailNext(fault)
			token := a.token().AccessToken
			a.convert(token, knownChat).wantError(t, generated.CodeInvalidAuthentication)
		})
	}
	a := start(t)
	a.FailNext(dingtalktest.Code(generated.CodeInvalidAuthentication).For(tokenOp))
	a.fetch("x", "y").wantError(t, generated.CodeInvalidAuthentication)
}

// The legacy API rejects a token with a number of its own, in its URL's parameter.
func TestForcedRejectionOfTheLegacyAPI(t *testing.T) {
	op := generated.OperationGetChat
	for name, fault := range map[string]dingtalktest.Fault{
		"code": dingtalktest.Code(generated.CodeInvalidAuthentication).For(op),
		"raw":  dingtalktest.Raw(http.StatusOK, "application/json", []byte(`{"errcode":`+string(generated.CodeGetChatInvalidToken)+`,"errmsg":"x"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t)
			token := a.token().AccessToken
			a.FailNext(fault)
			got := a.do(a.request(op.Method, op.Path+"?"+op.TokenQuery+"="+token+"&chatid="+knownChat, "", nil))
			if said := decoded[struct{ Errcode int }](t, got); said.Errcode == 0 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			if a.token().AccessToken == token {
				t.Error("the same token again")
			}
		})
	}
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
	a.ExpireTokens() // even a sticky one is not given again
	a.convert(other, knownChat).wantError(t, generated.CodeInvalidAuthentication)
	if fetch("b") == other {
		t.Error("the same token after its time")
	}
	if key, secret := a.Credentials(); key != "a" || secret != "sa" {
		t.Errorf("credentials %s %s", key, secret)
	}
}
