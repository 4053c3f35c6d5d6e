package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// The kinds of failure. Error.Kind is one of them, or [context.Canceled] or [context.DeadlineExceeded] if the caller's
// own context ended the call. [errors.Is] finds it, and also the kinds of what Error.Err holds: what an earlier attempt
// of the same call met, or what ended a run ([ErrNotTried]). Where two of your cases could match, decide by Error.Kind.
var (
	// ErrInvalidChatID: no chat has this id, or it cannot be one. Other chats are not affected.
	ErrInvalidChatID = errors.New("chat id is unknown or malformed")
	// ErrOwnerNotVisible: the group's owner is outside the app's visible range. Other chats are not affected; widen
	// the range in the developer console.
	ErrOwnerNotVisible = errors.New("group owner is outside the app's visible range")
	// ErrUnauthenticated: the credentials are wrong, or the token was rejected and a new one did not help.
	ErrUnauthenticated = errors.New("credentials or access token rejected")
	// ErrPermissionDenied: the app lacks a permission; Error.RequiredScopes may name it.
	ErrPermissionDenied = errors.New("permission denied")
	// ErrIPNotAllowed: this machine's address is not in the app's allow list.
	ErrIPNotAllowed = errors.New("address not allowed")
	// ErrThrottled: a limit per second or minute was passed, and waiting as long as allowed did not help.
	ErrThrottled = errors.New("throttled")
	// ErrQuotaExhausted: the organisation's calls of this month are used up. Every further call would fail.
	ErrQuotaExhausted = errors.New("monthly quota exhausted")
	// ErrBlocked: this machine's address is banned for some minutes (Error.RetryAfter). The client sends nothing
	// until then. Of the page that a banned address gets no sample is known, so any HTML page with status 403 counts as
	// one: behind a proxy, look at its log first.
	ErrBlocked = errors.New("address banned for a while")
	// ErrUnavailable: the service could not be reached, or failed, more often than the client repeats a call.
	ErrUnavailable = errors.New("service unavailable")
	// ErrUnexpectedResponse: the answer was not one that the contract knows, such as HTML with status 200.
	ErrUnexpectedResponse = errors.New("unexpected response")
	// ErrRedirect: the service redirected, which is never followed: the access token would go along.
	ErrRedirect = errors.New("redirect refused")
	// ErrTLS: no trustworthy connection could be made. Repeating does not help.
	ErrTLS = errors.New("TLS failed")
	// ErrNotTried: no call was made for this id, because an earlier one of the same run met what every other would
	// meet. The error wraps that one too.
	ErrNotTried = errors.New("not tried")
	// ErrRejected: the service refused the request for a reason that has no sentinel. See Error.Code.
	ErrRejected = errors.New("request rejected")
)

// kinds maps the kinds of the contract's catalogue to sentinels.
var kinds = [...]struct {
	kind     generated.Kind
	sentinel error
}{
	{generated.KindInvalidChatID, ErrInvalidChatID},
	{generated.KindOwnerNotVisible, ErrOwnerNotVisible},
	{generated.KindUnauthenticated, ErrUnauthenticated},
	{generated.KindPermissionDenied, ErrPermissionDenied},
	{generated.KindIPNotAllowed, ErrIPNotAllowed},
	{generated.KindThrottled, ErrThrottled},
	{generated.KindQuotaExhausted, ErrQuotaExhausted},
	{generated.KindUnavailable, ErrUnavailable},
	{generated.KindRejected, ErrRejected},
}

func sentinel(kind generated.Kind) error {
	for _, row := range kinds {
		if row.kind == kind {
			return row.sentinel
		}
	}
	return ErrRejected
}

// ErrTooLarge is found, beside [ErrUnexpectedResponse], when a body passed the limit of 1 MiB after decompression.
var ErrTooLarge = fmt.Errorf("body is larger than %d bytes", maxBodyBytes)

// Error is every error that a [Client] returns for a call. It holds no secret. Its text is for people and may change;
// decide by [errors.Is] and by Code.
type Error struct {
	Op             string         // operationId of the call, as in the contract
	Kind           error          // one of the sentinels above, or the error of the caller's context
	StatusCode     int            // HTTP status; 0 if no answer came
	Code           generated.Code // the service's code, as it sent it; empty if it sent none
	Message        string         // the service's text, at most 1 KiB and without control characters, or the client's own
	RequestID      string         // to quote to DingTalk's support; empty if the answer had none
	RequiredScopes []string       // permissions to grant, with ErrPermissionDenied; may be empty
	RetryAfter     time.Duration  // how long to wait before trying again; 0 if not known
	Attempts       int            // requests sent for the call; to the token endpoint, if TokenEndpoint
	TokenEndpoint  bool           // the token could not be fetched, so the operation itself was not called
	Local          bool           // the client refused by itself; the service was not asked
	Err            error          // the cause, such as a *net.DNSError, or the error before this one

	dropToken bool // the token was rejected: another may help
	retry     bool // the same request may succeed later, after RetryAfter and a backoff
	broken    bool // no complete answer came, for which the caller's context may be the cause
}

// Error describes the failure in one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dingtalk: %s: %v", e.Op, e.Kind)
	if e.TokenEndpoint {
		b.WriteString(" (while fetching an access token)")
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if len(e.RequiredScopes) > 0 {
		fmt.Fprintf(&b, ": grant %s", strings.Join(e.RequiredScopes, ", "))
	}
	var facts []string
	add := func(is bool, format string, args ...any) {
		if is {
			facts = append(facts, fmt.Sprintf(format, args...))
		}
	}
	add(e.Local, "refused by this client")
	add(e.StatusCode != 0, "HTTP %d", e.StatusCode)
	add(e.RequestID != "", "request %s", e.RequestID)
	add(e.Attempts > 1, "%d attempts", e.Attempts)
	add(e.RetryAfter > 0, "try again after %s", e.RetryAfter.Round(time.Second))
	if len(facts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %s", e.cause())
	}
	return b.String()
}

// Unwrap lets [errors.Is] and [errors.As] find the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Timeout reports whether a time limit ended the call: the client's own limit per attempt, or the caller's deadline.
// Only the latter leaves an error in the caller's context.
func (e *Error) Timeout() bool {
	switch {
	case errors.Is(e.Kind, context.DeadlineExceeded):
		return true
	case e.Local, errors.Is(e.Kind, context.Canceled): // what Err says was before that
		return false
	}
	t, ok := as[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && t.Timeout()
}

// LogValue groups the fields for [log/slog]: those that say something.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("op", e.Op), slog.String("kind", e.Kind.Error())}
	add := func(says bool, attr slog.Attr) {
		if says {
			attrs = append(attrs, attr)
		}
	}
	add(e.StatusCode != 0, slog.Int("status", e.StatusCode))
	add(e.Code != "", slog.String("code", string(e.Code)))
	add(e.Message != "", slog.String("message", e.Message))
	add(e.RequestID != "", slog.String("request_id", e.RequestID))
	add(len(e.RequiredScopes) > 0, slog.Any("required_scopes", e.RequiredScopes))
	add(e.RetryAfter > 0, slog.Duration("retry_after", e.RetryAfter))
	add(e.Attempts > 0, slog.Int("attempts", e.Attempts))
	add(e.TokenEndpoint, slog.Bool("token_endpoint", true))
	add(e.Local, slog.Bool("local", true))
	if e.Err != nil {
		attrs = append(attrs, slog.String("cause", e.cause()))
	}
	return slog.GroupValue(attrs...)
}

// cause is what Err says, fit for one line.
func (e *Error) cause() string { return cut(escape(e.Err.Error()), maxCauseBytes) }

// as finds an error of type T in err's tree. errors.As does the same through reflection, which takes time on the way of
// every failure, and 20 KB of an app that has no other use for it.
func as[T error](err error) (found T, ok bool) {
	for err != nil {
		if found, ok = err.(T); ok { //nolint:errorlint // this is the walk over what is wrapped
			return found, true
		}
		switch wrapper := err.(type) { //nolint:errorlint // likewise
		case interface{ Unwrap() error }:
			err = wrapper.Unwrap()
		case interface{ Unwrap() []error }:
			for _, inner := range wrapper.Unwrap() {
				if found, ok = as[T](inner); ok {
					return found, true
				}
			}
			return found, false
		default:
			return found, false
		}
	}
	return found, false
}

// escape makes foreign text safe for a terminal and for one line of a log.
func escape(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, s)
}
