package explain

import (
	"cmp"
	"context"
	"errors"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// meaning returns what a sentinel means, in a few words.
func meaning(sentinel error) lang.Said {
	return lang.Func(func(l lang.Language) string {
		return cmp.Or(dingtalk.Explain(sentinel, l.String()).Text, l.Of(sentinel))
	})
}

// inContract is the contract's hint on an error.
func inContract(err error) lang.Text {
	return lang.T("%s", lang.Func(func(l lang.Language) string { return dingtalk.Explain(err, l.String()).Hint }))
}

// The exit codes. Scripts decide by them: they are part of the command's interface.
const (
	OK          = 0
	SomeFailed  = 1
	UsageExit   = 2
	Credentials = 3
	Limited     = 4
	Unavailable = 5
	signalled   = 128 // plus the signal's number, as in shells
	HungUp      = signalled + 1
	Interrupted = signalled + 2
	Terminated  = signalled + 15
)

// failure maps a kind of the SDK's errors to the command's exit code and hint.
type failure struct {
	sentinel  error
	exit      int         // SomeFailed: one chat failed, and the run continues
	exitToken int         // where exit is SomeFailed: the code of a failed token fetch
	hint      lang.Format // how to fix it, where flags do; empty: the contract's
}

// failures has a row for each sentinel in the SDK's order, and then the command's own kinds.
var failures = []failure{
	{dingtalk.ErrInvalidChatID, SomeFailed, Unavailable, ""},
	{dingtalk.ErrOwnerNotVisible, SomeFailed, Unavailable, ""},
	{dingtalk.ErrUnauthenticated, Credentials, 0, "check DINGTALK_APP_KEY and the app secret (Client ID and Client Secret in the developer console), and --region: an app belongs to one region"},
	{dingtalk.ErrPermissionDenied, Credentials, 0, ""},
	{dingtalk.ErrIPNotAllowed, Credentials, 0, ""},
	{dingtalk.ErrThrottled, Limited, 0, ""},
	{dingtalk.ErrQuotaExhausted, Limited, 0, ""},
	{dingtalk.ErrBlocked, Limited, 0, ""},
	{dingtalk.ErrUnavailable, Unavailable, 0, "try again later; if that does not help, check the network, HTTPS_PROXY, --region and --base-url"},
	{dingtalk.ErrUnexpectedResponse, SomeFailed, Unavailable, ""},
	{dingtalk.ErrRedirect, Unavailable, 0, ""},
	{dingtalk.ErrTLS, Unavailable, 0, ""},
	{dingtalk.ErrNotTried, Unavailable, 0, ""},
	{dingtalk.ErrRejected, SomeFailed, Credentials, ""},
	{dingtalk.ErrPanicked, Unavailable, 0, "this is a fault of the command: report it with what it printed"},
	{ErrMaxCalls, Limited, 0, "run the rest, with a higher --max-calls if you like; the organisation's quota is not used up"},
	{context.DeadlineExceeded, Unavailable, 0, "give the run more time with --timeout"},
}

// ErrMaxCalls ends a run after --max-calls requests.
var ErrMaxCalls = lang.Errorf("stopped by --max-calls")

// name is the kind's in JSON: the contract's, or the command's own.
func (f *failure) name() string {
	var kind *dingtalk.Kind
	switch {
	case errors.As(f.sentinel, &kind):
		return string(kind.Name())
	case errors.Is(f.sentinel, ErrMaxCalls):
		return "max-calls"
	}
	return "timeout"
}

// find returns an error's row, or nil. The outermost Error's kind decides: a wrapped error, such as an earlier
// attempt's, may have another.
func find(err error) *failure {
	err = Cause(err) // the cause of the run's end has the hint
	var e *dingtalk.Error
	if errors.As(err, &e) {
		err = e.Kind
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
		return row.name()
	}
	return ""
}

// OfOneChat reports whether an output's error code says something of its chat alone. Others may pass, or concern every chat.
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
	for errors.As(err, &e) && errors.Is(e.Kind, dingtalk.ErrNotTried) && e.Err != nil {
		err = e.Err
	}
	return err
}
