package emulatortest

import (
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestQPS(t *testing.T) {
	clock := new(fakeClock)
	a := start(t, dingtalktest.WithQPS(3), dingtalktest.WithClock(clock.Now))
	token := a.IssueToken()
	pass := func() { t.Helper(); a.convert(token, dingtalktest.ChatID).wantID(t, dingtalktest.OpenConversationID) }
	refuse := func() { t.Helper(); a.convert(token, dingtalktest.ChatID).wantError(t, generated.CodeAppQPSLimit) }

	pass() // at 0 ms
	clock.Advance(400 * time.Millisecond)
	pass() // at 400 ms
	pass()
	refuse()
	clock.Advance(599 * time.Millisecond)
	refuse()
	clock.Advance(time.Millisecond) // 1000 ms: the first call has left the window
	pass()
	refuse()
	clock.Advance(400 * time.Millisecond)
	pass()
	pass()
	refuse()
	for range 5 {
		a.token() // token calls have no part in it
	}

	// A lower limit takes effect at once, with the calls already made.
	a.Configure(dingtalktest.WithQPS(1))
	clock.Advance(999 * time.Millisecond)
	refuse()
	clock.Advance(time.Millisecond)
	pass()
	refuse()
	a.Configure(dingtalktest.WithQPS(2))
	pass()
	refuse()
	a.Configure(dingtalktest.WithQPS(0))
	for range 10 {
		pass()
	}
}

func TestMonthlyQuota(t *testing.T) {
	clock := new(fakeClock) // 10 March, noon UTC
	a := start(t, dingtalktest.WithMonthlyQuota(3), dingtalktest.WithQPS(2), dingtalktest.WithClock(clock.Now))
	token := a.token().AccessToken
	convert := func() reply {
		t.Helper()
		return a.convert(a.IssueToken(), dingtalktest.ChatID)
	}

	convert().wantID(t, dingtalktest.OpenConversationID)
	a.convert(token, "chat-of-nobody").wantError(t, generated.CodeInvalidChatID)
	for range 4 { // Throttled calls do not count, nor those without a valid token.
		convert().wantError(t, generated.CodeAppQPSLimit)
		a.convert("x", dingtalktest.ChatID).wantError(t, generated.CodeInvalidAuthentication)
	}
	if got := a.QuotaUsed(); got != 2 {
		t.Errorf("used %d", got)
	}
	clock.Advance(time.Minute)
	convert().wantID(t, dingtalktest.OpenConversationID)
	convert().wantError(t, generated.CodeOrgQuotaExhausted)
	a.token() // Token calls are exempt.

	clock.Advance(time.Date(2026, time.March, 31, 15, 59, 59, 0, time.UTC).Sub(clock.Now()))
	convert().wantError(t, generated.CodeOrgQuotaExhausted)
	clock.Advance(time.Second) // April in UTC+8
	if got := a.QuotaUsed(); got != 0 {
		t.Errorf("used %d in a new month", got)
	}
	convert().wantID(t, dingtalktest.OpenConversationID)

	clock.Advance(time.Minute)
	a.Configure(dingtalktest.WithMonthlyQuota(1))
	convert().wantError(t, generated.CodeOrgQuotaExhausted)
	a.ResetQuota()
	clock.Advance(time.Minute)
	convert().wantID(t, dingtalktest.OpenConversationID)
	a.Configure(dingtalktest.WithMonthlyQuota(-1))
	convert().wantID(t, dingtalktest.OpenConversationID)
	clock.Advance(time.Minute)
	a.Configure(dingtalktest.WithMonthlyQuota(0))
	convert().wantError(t, generated.CodeOrgQuotaExhausted)
}
