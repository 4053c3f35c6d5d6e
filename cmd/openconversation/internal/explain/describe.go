package explain

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

// BudgetHint is the hint after a refusal by the command's own monthly budget.
const BudgetHint lang.Format = "run the rest next month, or raise --monthly-budget if the organisation's quota is higher; it is this command's own count, and the service goes on for five days of grace after its quota"

// Hint returns one line on how to fix an error, or an empty text.
func Hint(err error) lang.Text {
	var known *Error
	if errors.As(err, &known) && !known.Hint.Empty() {
		return known.Hint
	}
	var e *dingtalk.Error
	if errors.As(err, &e) && e.MayBeDone {
		return inContract(err)
	}
	row := find(err)
	if row == nil {
		return lang.Text{}
	}
	if errors.As(Cause(err), &e) && errors.Is(e.Kind, dingtalk.ErrQuotaExhausted) && e.Local {
		return lang.T(BudgetHint)
	}
	var setup *dingtalkredis.SetupError
	switch {
	case errors.As(err, &setup):
		return lang.T("%s", lang.Quoted(setup.Hint()))
	case errors.Is(err, dingtalkredis.ErrNotCounted):
		return lang.T("run the rest once Redis answers; without --monthly-budget a run goes on meanwhile")
	case Issuer(err) != "":
		return lang.T("if that is the authority of your company's proxy, have its root certificate in a PEM file and set SSL_CERT_FILE to the file's name; there is no flag that skips the check")
	}
	if errors.As(err, &e) && errors.Is(row.sentinel, dingtalk.ErrPermissionDenied) {
		missing := e.RequiredScopes
		if len(missing) == 0 {
			missing = []string{cmp.Or(permissionOf(e.Op), generated.OperationChatIDToOpenConversationID.Permission)}
		}
		return lang.T("grant the app %s in the developer console, on its page for permissions, then run again: https://help.dingtalk.io/open/development/add-api-permission", lang.List(missing, "and"))
	}
	if row.hint == "" {
		return inContract(row.sentinel)
	}
	return lang.T(row.hint)
}

// permissionOf returns an operation's permission in the contract, or "".
func permissionOf(operation string) string {
	for _, route := range generated.Routes {
		if route.Operation.ID == operation {
			return route.Operation.Permission
		}
	}
	return ""
}

// Issuer returns the issuer of an untrusted certificate, or "" for other errors.
func Issuer(err error) string {
	var authority x509.UnknownAuthorityError
	var chain *tls.CertificateVerificationError
	if !errors.As(err, &authority) || !errors.As(err, &chain) || len(chain.UnverifiedCertificates) == 0 {
		return ""
	}
	return chain.UnverifiedCertificates[len(chain.UnverifiedCertificates)-1].Issuer.String()
}

// Describe returns an error's text for people, in one line.
func Describe(err error) lang.Func {
	now := time.Now()
	return func(l lang.Language) string { return term.Printable(describe(l, err, now)) }
}

func describe(l lang.Language, err error, now time.Time) string {
	text := l.Of(err)
	var e *dingtalk.Error
	if errors.As(err, &e) {
		if before, behind, found := strings.Cut(text, l.Of(e)); found {
			return before + describeCall(l, e, now) + behind
		}
	}
	return text
}

// maxCause limits the shown text of a foreign error, in bytes.
const maxCause = 300

// describeCall returns the text of a call's failure, without parts that do not help at a command line.
func describeCall(l lang.Language, e *dingtalk.Error, now time.Time) string {
	if errors.Is(e.Kind, ErrMaxCalls) {
		return l.Of(e.Kind) // no call is involved
	}
	var b strings.Builder
	b.WriteString(meaning(e.Kind).Say(l))
	if e.TokenEndpoint {
		b.WriteString(l.Sprintf(" (while fetching an access token)"))
	}
	if e.Code != "" {
		b.WriteString(l.Sprintf(": %s", e.Code))
	}
	if e.Message != "" {
		b.WriteString(l.Sprintf(": %s", lang.Quoted(e.Message)))
	}
	if len(e.RequiredScopes) > 0 {
		b.WriteString(l.Sprintf(": grant %s", strings.Join(e.RequiredScopes, ", ")))
	}
	var facts []lang.Said
	add := func(is bool, format lang.Format, args ...any) {
		if is {
			facts = append(facts, lang.T(format, args...))
		}
	}
	add(e.Local, "refused by this client")
	add(e.StatusCode != 0, "HTTP %d", e.StatusCode)
	add(e.RequestID != "", "request %s", e.RequestID)
	add(e.MayBeDone, "may have been done all the same")
	add(e.Attempts > 1, "%d attempts", e.Attempts)
	if e.RetryAfter > 0 {
		facts = append(facts, later(e.RetryAfter, now))
	}
	if len(facts) > 0 {
		b.WriteString(l.Sprintf(" (%s)", lang.Join(", ", facts...)))
	}
	if issuer := Issuer(e.Err); issuer != "" {
		b.WriteString(l.Sprintf(": the certificate was issued by %s, which this machine does not trust", issuer))
	} else if e.Err != nil {
		text := describe(l, e.Err, now)
		if len(text) > maxCause {
			text = strings.ToValidUTF8(text[:maxCause], "") + "…"
		}
		b.WriteString(l.Sprintf(": %s", text))
	}
	return b.String()
}

// JSON is an error for scripts.
type JSON struct {
	Kind      string `json:"kind,omitempty"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
	Status    int    `json:"status"`
}

// AsJSON returns an error's JSON. Its message is the service's own: the rest of the error's text has fields of its own here.
func AsJSON(err error) *JSON {
	out := &JSON{Kind: Kind(err), Message: Describe(err).String()}
	var e *dingtalk.Error
	if errors.As(err, &e) {
		out.Code, out.RequestID, out.Status = string(e.Code), e.RequestID, e.StatusCode
		if e.Message != "" && e.Err == nil {
			out.Message = e.Message
		}
	}
	return out
}

// TimeoutError is the cause of a context that --timeout ended.
type TimeoutError struct{ After time.Duration }

func (e TimeoutError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e TimeoutError) Say(l lang.Language) string {
	return l.Sprintf("stopped by --timeout: %s have passed", Duration(e.After))
}

// Unwrap returns the context's error, for errors.Is.
func (e TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// Within returns a context that --timeout ends; 0 is no limit.
func Within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, limit, TimeoutError{After: limit})
}

// Ended returns why ctx ended the call that failed with err, or nil if ctx did not.
func Ended(ctx context.Context, err error) error {
	kind := Sentinel(err)
	_, limited := ctx.Deadline()
	switch {
	case errors.Is(kind, context.DeadlineExceeded) && limited:
		<-ctx.Done() // the SDK reads the clock, and may be ahead of the context's timer
	case !errors.Is(kind, context.Canceled):
		return nil
	}
	cause := context.Cause(ctx)
	var e, before *dingtalk.Error
	if cause != nil && errors.As(err, &e) && errors.As(e.Err, &before) {
		return lang.Errorf("%w; before that: %s", cause, Describe(before)) // such as the failure that was retried
	}
	return cause
}

// PrintHint prints a hint.
func PrintHint(w *term.World, hint lang.Text) {
	fmt.Fprintln(w.Err, w.Lang.Sprintf("%s %s", w.Paint(w.Err, term.Yellow, w.Lang.Sprintf("hint:")), term.Printable(hint.Say(w.Lang))))
}

// Complain prints an error with its hint, unless it was printed before.
func Complain(w *term.World, err error) {
	var known *Error
	if err == nil || errors.As(err, &known) && known.Reported {
		return
	}
	fmt.Fprintf(w.Err, "%s %s\n", w.Paint(w.Err, term.Red, term.CommandName+":"), Describe(err).Say(w.Lang))
	if hint := Hint(err); !hint.Empty() {
		PrintHint(w, hint)
	}
}

// Rows formats a number of rows: 1 row, 2 rows.
func Rows[N ~int | ~int64](n N) lang.Text { return lang.N(n, "%d row", "%d rows", n) }

// Chats formats a number of chats.
func Chats[N ~int | ~int64](n N) lang.Text { return lang.N(n, "%d chat", "%d chats", n) }

// Calls formats a number of calls.
func Calls[N ~int | ~int64](n N) lang.Text { return lang.N(n, "%d call", "%d calls", n) }

// Duration formats a duration for people, such as 90 days, 2 hours 5 minutes, 1.5 seconds.
func Duration(d time.Duration) lang.Said {
	switch {
	case d < 0:
		return lang.T("-%s", Duration(-d))
	case d < time.Second:
		return lang.Literal(d.String())
	case d == time.Second:
		return lang.T("1 second")
	case d < time.Minute:
		return lang.T("%s seconds", strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0"))
	}
	d = d.Round(time.Second)
	var parts []lang.Said
	for _, unit := range []struct {
		size time.Duration
		say  func(n int64) lang.Text
	}{
		{24 * time.Hour, func(n int64) lang.Text { return lang.N(n, "%d day", "%d days", n) }},
		{time.Hour, func(n int64) lang.Text { return lang.N(n, "%d hour", "%d hours", n) }},
		{time.Minute, func(n int64) lang.Text { return lang.N(n, "%d minute", "%d minutes", n) }},
		{time.Second, func(n int64) lang.Text { return lang.N(n, "%d second", "%d seconds", n) }},
	} {
		if n := int64(d / unit.size); n > 0 {
			parts = append(parts, unit.say(n))
			d %= unit.size
		}
		if len(parts) == 2 {
			break
		}
	}
	return lang.Join(" ", parts...)
}

// later tells when to try again: after a duration, or on a day.
func later(wait time.Duration, now time.Time) lang.Text {
	if wait < 24*time.Hour {
		return lang.T("try again after %s", Duration(wait))
	}
	return lang.T("try again on %s", now.Add(wait).Format("2006-01-02 15:04 -0700"))
}
