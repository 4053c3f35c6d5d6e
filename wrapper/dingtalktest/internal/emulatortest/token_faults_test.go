package emulatortest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

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
			if got := a.convert(first, dingtalktest.ChatID); got.status < 400 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			a.convert(first, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
			second := a.token().AccessToken
			if second == first {
				t.Error("the same token again")
			}
			a.convert(second, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
		})
	}
}

func TestOtherFaultsLeaveTheToken(t *testing.T) {
	a := start(t)
	token := a.token().AccessToken
	for _, data := range []string{`"AppQPSLimit"`, `"sticky-token"`, `{"fault":"raw","status":400,"body":"{\"code\":\"systemError\"}"}`, `502`, `"ban-json"`} {
		a.FailNext(parsed(t, data))
		if got := a.convert(token, dingtalktest.ChatID); strings.Contains(got.body, dingtalktest.OpenConversationID) {
			t.Errorf("%s: got %d %s", data, got.status, got.body)
		}
		if again := a.token().AccessToken; again != token {
			t.Errorf("%s: another token", data)
		}
		a.convert(token, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)
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
			a.convert(token, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
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
			got := a.do(a.request(op.Method, op.Path+"?"+op.TokenQuery+"="+token+"&chatid="+dingtalktest.ChatID, "", nil))
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
	a.convert(first, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	a.convert(first, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	a.convert(other, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID)

	a.Configure(func(s *dingtalktest.Settings) { s.StickyToken = true })
	a.ExpireTokens() // even a sticky one is not given again
	a.convert(other, dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	if fetch("b") == other {
		t.Error("the same token after its time")
	}
	if key, secret := a.Credentials(); key != "a" || secret != "sa" {
		t.Errorf("credentials %s %s", key, secret)
	}
}
