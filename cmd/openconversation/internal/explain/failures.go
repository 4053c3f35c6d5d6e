package explain

import (
	"context"
	"errors"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// inContract is the contract's text about a kind: what it means, or what to do about it.
type inContract struct {
	kind generated.Kind
	hint bool
}

func (t inContract) String() string { return t.Say(lang.English) }

// Say implements lang.Said.
func (t inContract) Say(l lang.Language) string {
	text, hint, _ := generated.KindText(t.kind, l == lang.Chinese)
	if t.hint {
		return hint
	}
	return text
}

// meaning returns what a sentinel means, in a few words.
func meaning(sentinel error) lang.Said {
	for i := range failures {
		if text := (inContract{kind: generated.Kind(failures[i].kind)}); sentinel == failures[i].sentinel && text.String() != "" { //nolint:errorlint // it is one of them
			return text
		}
	}
	return lang.T("%s", sentinel)
}

// failure maps a kind of the SDK's errors to the command's name, exit code and hint.
type failure struct {
	sentinel  error
	kind      string    // its name in JSON: the contract's, if the contract has the kind
	exit      int       // SomeFailed: one chat failed, and the run continues
	exitToken int       // where exit is SomeFailed: the code of a failed token fetch
	hint      lang.Text // how to fix it; empty: the contract's
}

// failures has a row for each sentinel in the SDK's order, and then the command's own kinds.
var failures = []failure{
	{dingtalk.ErrInvalidChatID, string(generated.KindInvalidChatID), SomeFailed, Unavailable, lang.Text{}},
	{dingtalk.ErrOwnerNotVisible, string(generated.KindOwnerNotVisible), SomeFailed, Unavailable, lang.Text{}},
	{dingtalk.ErrUnauthenticated, string(generated.KindUnauthenticated), Credentials, 0,
		lang.T("check DINGTALK_APP_KEY and the app secret (Client ID and Client Secret in the developer console), and --region: an app belongs to one region")},
	{dingtalk.ErrPermissionDenied, string(generated.KindPermissionDenied), Credentials, 0,
		lang.T(grantHint, dingtalktest.Scope)},
	{dingtalk.ErrIPNotAllowed, string(generated.KindIPNotAllowed), Credentials, 0, lang.Text{}},
	{dingtalk.ErrThrottled, string(generated.KindThrottled), Limited, 0, lang.Text{}},
	{dingtalk.ErrQuotaExhausted, string(generated.KindQuotaExhausted), Limited, 0, lang.Text{}},
	{dingtalk.ErrBlocked, "blocked", Limited, 0,
		lang.T("send nothing from this address for %d minutes, then run the rest", generated.BanTime/time.Minute)},
	{dingtalk.ErrUnavailable, string(generated.KindUnavailable), Unavailable, 0,
		lang.T("try again later; if that does not help, check the network, HTTPS_PROXY, --region and --base-url")},
	{dingtalk.ErrUnexpectedResponse, "unexpected-response", SomeFailed, Unavailable,
		lang.T("something else than DingTalk may have answered, such as a proxy or a network's login page: check --base-url and the proxy")},
	{dingtalk.ErrRedirect, "redirect", Unavailable, 0,
		lang.T("check --base-url and the proxy: a redirect is not followed, since it would take the access token to another host")},
	{dingtalk.ErrTLS, "tls", Unavailable, 0,
		lang.T("check this machine's clock and certificates, and any proxy that opens TLS; there is no flag that skips the check")},
	{dingtalk.ErrNotTried, "not-tried", Unavailable, 0,
		lang.T("run it again once the cause is gone")},
	{dingtalk.ErrRejected, string(generated.KindRejected), SomeFailed, Credentials, lang.Text{}},
	{dingtalk.ErrPanicked, "panicked", Unavailable, 0,
		lang.T("this is a fault of the command: report it with what it printed")},
	{ErrMaxCalls, "max-calls", Limited, 0,
		lang.T("run the rest, with a higher --max-calls if you like; the organisation's quota is not used up")},
	{context.DeadlineExceeded, "timeout", Unavailable, 0,
		lang.T("give the run more time with --timeout")},
}

// grantHint names the missing permission: the answer's, or the conversion's if the answer names none.
const grantHint lang.Format = "grant the app %s in the developer console, on its page for permissions, then run again: https://help.dingtalk.io/open/development/add-api-permission"

// ErrMaxCalls ends a run after --max-calls requests.
var ErrMaxCalls = lang.Errorf("stopped by --max-calls")

// advice returns how to fix the kind.
func (f *failure) advice() lang.Text {
	if f.hint.Empty() {
		return lang.T("%s", inContract{generated.Kind(f.kind), true})
	}
	return f.hint
}

// find returns an error's row, or nil. The outermost Error's kind decides: a wrapped error, such as an earlier
// attempt's, may have another.
func find(err error) *failure {
	var e *dingtalk.Error
	for errors.As(err, &e) {
		if err = e.Kind; !errors.Is(e.Kind, dingtalk.ErrNotTried) || e.Err == nil {
			break
		}
		err = e.Err // the cause of the run's end has the hint
	}
	for i := range failures {
		if errors.Is(err, failures[i].sentinel) {
			return &failures[i]
		}
	}
	return nil
}

// Kind returns an error's name in JSON and in outputs, or "".
func Kind(err error) string {
	if row := find(err); row != nil {
		return row.kind
	}
	return ""
}

// OfOneChat reports whether an output's error code says something of its chat alone. Others may pass, or concern every
// chat.
func OfOneChat(code string) bool {
	kind := generated.Kind(code)
	if row := generated.LookupErrorCode(code); row != nil {
		kind = row.Kind
	}
	of, is := dingtalk.Sentinel(kind).(*dingtalk.Kind) //nolint:errorlint // a sentinel is never wrapped
	return is && of.Scope() == dingtalk.ScopeChat
}

// NotSent is the kind of a row refused without a call.
const NotSent = string(generated.KindInvalidChatID)

// Sentinel returns an error's sentinel, or the error itself if it has none.
func Sentinel(err error) error {
	if row := find(err); row != nil {
		return row.sentinel
	}
	return err
}

// Sentinels returns all kinds in the order of summaries.
func Sentinels() []error {
	all := make([]error, len(failures))
	for i, row := range failures {
		all[i] = row.sentinel
	}
	return all
}

// Cause returns why a chat was not tried, or err itself.
func Cause(err error) error {
	var e *dingtalk.Error
	if errors.As(err, &e) && errors.Is(e.Kind, dingtalk.ErrNotTried) && e.Err != nil {
		return e.Err
	}
	return err
}
