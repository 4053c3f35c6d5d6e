package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
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
	add(e.MayBeDone, "may have been done all the same")
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

// Timeout reports whether a time limit ended the call: that of an attempt (see [WithTimeout]), that of the call (see
// [WithCallTimeout]) or the caller's deadline. Only after the last does the caller's context have an error.
func (e *Error) Timeout() bool {
	switch {
	case errors.Is(e.Kind, context.DeadlineExceeded):
		return true
	case e.Local, errors.Is(e.Kind, context.Canceled): // Err is about an earlier attempt
		return false
	}
	t, ok := text.Find[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && t.Timeout()
}

// LogValue groups the fields that are set, for [log/slog].
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("op", e.Op), slog.String("kind", e.Kind.Error())}
	add := func(says bool, attr slog.Attr) {
		if says {
			attrs = append(attrs, attr)
		}
	}
	add(e.ChatID != "", slog.String("chat", e.ChatID))
	add(e.StatusCode != 0, slog.Int("status", e.StatusCode))
	add(e.Code != "", slog.String("code", string(e.Code)))
	add(e.Message != "", slog.String("message", e.Message))
	add(e.RequestID != "", slog.String("request_id", e.RequestID))
	add(len(e.RequiredScopes) > 0, slog.Any("required_scopes", e.RequiredScopes))
	add(e.RetryAfter > 0, slog.Duration("retry_after", e.RetryAfter))
	add(e.Attempts > 0, slog.Int("attempts", e.Attempts))
	add(e.TokenEndpoint, slog.Bool("token_endpoint", true))
	add(e.Local, slog.Bool("local", true))
	add(e.MayBeDone, slog.Bool("may_be_done", true))
	if e.Err != nil {
		attrs = append(attrs, slog.String("cause", e.cause()))
	}
	return slog.GroupValue(attrs...)
}

// cause is the text of Err on one line. It may quote a malformed header.
func (e *Error) cause() string { return text.Escape(text.Cut(e.Err.Error(), text.MaxError)) }

// isContextEnd reports whether err is the error of an ended context.
func isContextEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
