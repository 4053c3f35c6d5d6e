package dingtalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Error is the type of every error of a [Client]'s calls. It holds no secret. Its text is for people and may change:
// decide by [errors.Is] and by Code.
type Error struct {
	Op             string         // operationId of the call, as in the contract
	ChatID         string         // the call's chat id; empty for a token failure
	Kind           error          // one of the sentinels, such as ErrThrottled, or the error of the caller's context
	StatusCode     int            // HTTP status; 0 if no answer came
	Code           generated.Code // the service's code, unchanged; empty if it sent none
	Message        string         // the service's text (at most 1 KiB, without control characters) or the client's own
	RequestID      string         // for DingTalk's support; empty if the answer had none
	RequiredScopes []string       // permissions to grant, with ErrPermissionDenied; may be empty
	RetryAfter     time.Duration  // wait before the next try; 0 if unknown
	Attempts       int            // requests sent for the call; with TokenEndpoint, requests for the token
	TokenEndpoint  bool           // the token fetch failed, and the operation was not called
	Local          bool           // the client refused the call without asking the service
	MayBeDone      bool           // an operation that changes something may have succeeded: check before sending it again
	EndsRun        bool           // this failure ended a run over many chats
	Err            error          // the cause, such as a *net.DNSError, or the failure of the attempt before
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	facts := joined(", ", when(e.Local, "refused by this client"), when(e.StatusCode != 0, "HTTP "+strconv.Itoa(e.StatusCode)),
		when(e.RequestID != "", "request "+e.RequestID), when(e.MayBeDone, "may have been done all the same"),
		when(e.Attempts > 1, strconv.Itoa(e.Attempts)+" attempts"),
		when(e.RetryAfter > 0, "try again after "+e.RetryAfter.Round(time.Second).String()))
	said := joined(": ", "dingtalk: "+e.Op, fmt.Sprint(e.Kind)+when(e.TokenEndpoint, " (while fetching an access token)"),
		string(e.Code), e.Message, when(len(e.RequiredScopes) > 0, "grant "+strings.Join(e.RequiredScopes, ", ")))
	return joined(": ", said+when(facts != "", " ("+facts+")"), e.cause())
}

// when returns text if it says something.
//
//go:noinline
func when(says bool, text string) string {
	if !says {
		return ""
	}
	return text
}

// joined joins the texts that are not empty.
//
//go:noinline
func joined(between string, texts ...string) (all string) {
	for _, text := range texts {
		if all != "" && text != "" {
			all += between
		}
		all += text
	}
	return all
}

// Unwrap lets [errors.Is] and [errors.As] find the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Timeout reports whether a time limit ended the call: that of an attempt (see [WithTimeout]), that of the call (see
// [WithCallTimeout]) or the caller's deadline. Only after the last does the caller's context have an error.
func (e *Error) Timeout() bool {
	earlier := e.Local || errors.Is(e.Kind, context.Canceled) // Err is about an earlier attempt
	return errors.Is(e.Kind, context.DeadlineExceeded) || !earlier && text.Timeout(e.Err)
}

// inARow returns how many such failures in a row end a run.
func (e *Error) inARow() int {
	if e.Kind == ErrPermissionDenied && new(generated.Operation).Rule(string(e.Code)) == nil { //nolint:errorlint // a kind is never wrapped
		return inARow(ErrUnexpectedResponse) // a 403 without a known code may be a proxy's
	}
	return inARow(e.Kind)
}

// Scope tells whether the failure concerns this chat, every chat, or either. [ConvertEach] and
// [Client.OpenConversationIDs] decide by it.
func (e *Error) Scope() Scope { return scopeOf(e.inARow()) }

// LogValue groups the fields that are set, for [log/slog].
func (e *Error) LogValue() slog.Value {
	unset := func(attr slog.Attr) bool { return reflect.ValueOf(attr.Value.Any()).IsZero() }
	return slog.GroupValue(slices.DeleteFunc([]slog.Attr{
		slog.String("op", e.Op), slog.String("kind", e.Kind.Error()), slog.String("chat", e.ChatID),
		slog.Int("status", e.StatusCode), slog.String("code", string(e.Code)), slog.String("message", e.Message),
		slog.String("request_id", e.RequestID), slog.Any("required_scopes", e.RequiredScopes),
		slog.Duration("retry_after", e.RetryAfter), slog.Int("attempts", e.Attempts), slog.Bool("token_endpoint", e.TokenEndpoint),
		slog.Bool("local", e.Local), slog.Bool("may_be_done", e.MayBeDone), slog.String("cause", e.cause()),
	}, unset)...)
}

const (
	// Caps on the parts of a body kept in an Error.
	maxMessageBytes = 1 << 10
	maxSnippetBytes = 200
	maxScopes       = 20
)

// cause is the text of Err on one line. It may quote a malformed header.
func (e *Error) cause() string {
	if e.Err == nil {
		return ""
	}
	return text.Escape(text.Cut(e.Err.Error(), text.MaxError))
}

//go:noinline
func operationName(o *generated.Operation) string {
	return cmp.Or(o.ID, text.Escape(text.Cut(o.Method+" "+o.Path, maxSnippetBytes)))
}

// Scope tells failures of one chat from failures of every chat.
type Scope int

// The scopes.
const (
	ScopeUnclear Scope = iota // one chat or every chat: several in a row end a run over many chats
	ScopeChat                 // one chat alone
	ScopeAll                  // every chat: the first ends a run
)

// Scope returns the scope of failures of this kind.
func (k *Kind) Scope() Scope { return scopeOf(inARow(k)) }

func scopeOf(inARow int) Scope { return [...]Scope{ScopeChat, ScopeAll, ScopeUnclear}[min(inARow, 2)] }

// inARow returns how many failures of a kind in a row end a run.
func inARow(kind error) int {
	switch kind {
	case ErrInvalidChatID, ErrOwnerNotVisible: //nolint:errorlint // a kind is never wrapped
		return 0 // each concerns its chat alone
	case ErrUnavailable, context.DeadlineExceeded: // an outage; a run ends with its own context anyway
		return 5
	case ErrUnexpectedResponse, ErrRejected, ErrPanicked:
		return 3
	}
	return 1
}

// Kinds returns all kinds.
func Kinds() (all []*Kind) {
	for _, k := range kinds {
		all = append(all, (*k).(*Kind)) //nolint:errorlint // a sentinel
	}
	return all
}

// ErrTooLarge accompanies [ErrUnexpectedResponse] when a body exceeds 1 MiB after decompression.
var ErrTooLarge = wire.ErrTooLarge

// Sentinel returns the sentinel of a kind of the contract's catalogue, such as [ErrThrottled] for
// [generated.KindThrottled], and [ErrRejected] for a kind without one.
func Sentinel(name generated.Kind) error {
	for _, k := range kinds {
		if (*k).(*Kind).name == name { //nolint:errorlint // a sentinel
			return *k
		}
	}
	return ErrRejected
}

// Explanation says to people what an error means and what to do about it.
type Explanation struct {
	Text, Hint string
	HTTPStatus int // that an app may answer with: a suggestion
}

// Explain returns the contract's words about an error of this package, in Chinese for a language such as "zh" or "zh-CN",
// otherwise in English. After [Error.MayBeDone] it says so. It quotes nothing of the service's answer, which Error.Code,
// Message and RequestID hold. Any other error is 500 without a text, and nil is 200.
//
// The suggested status is 404 for [ErrInvalidChatID], 403 for [ErrOwnerNotVisible], 422 for [ErrRejected], 503 for what may
// pass ([ErrThrottled], [ErrQuotaExhausted], [ErrBlocked], [ErrUnavailable]), 504 for a deadline, 502 for an answer that is
// not DingTalk's, and 500 for what the app's operator must set right.
func Explain(err error, language string) Explanation {
	e, own := text.Find[*Error](err)
	cause, kind := err, generated.Kind("")
	if own {
		cause = e.Kind
	}
	k, known := text.Find[*Kind](cause)
	switch {
	case err == nil:
		return Explanation{HTTPStatus: http.StatusOK}
	case own && e.MayBeDone:
		kind = "may-be-done"
	case errors.Is(cause, context.Canceled):
		kind = "canceled"
	case errors.Is(cause, context.DeadlineExceeded):
		kind = "timeout"
	case known:
		kind = k.name
	}
	says, hint, status := generated.KindText(kind, strings.HasPrefix(strings.ToLower(language), "zh"))
	return Explanation{says, hint, cmp.Or(status, http.StatusInternalServerError)}
}
