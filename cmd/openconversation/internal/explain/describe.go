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

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// BudgetHint is the hint where it was not the service that refused for the month's sake.
const BudgetHint = "run the rest next month, or raise --monthly-budget if the organisation's quota is higher; it is this command's own count, and the service goes on for five days of grace after its quota"

// notCountedHint is the hint where a strict budget refused for want of its Redis.
const notCountedHint = "run the rest once Redis answers; with --budget-mode available a run goes on without it, within a share"

// maybeDoneHint is the hint where a call may have changed what it was to change, although it failed.
const maybeDoneHint = "look whether it was done before you send it again: a second call may do it twice"

// authorityHint is the hint where a certificate's issuer is none that this machine trusts.
const authorityHint = "if that is the authority of your company's proxy, have its root certificate in a PEM file and set SSL_CERT_FILE to the file's name; there is no flag that skips the check"

// Hint says in one line what to do about an error. It is empty where there is nothing to say.
func Hint(err error) string {
	var known *Error
	if errors.As(err, &known) && known.Hint != "" {
		return known.Hint
	}
	var e *dingtalk.Error
	if errors.As(err, &e) && e.MayBeDone {
		return maybeDoneHint
	}
	row := find(err)
	if row == nil {
		return ""
	}
	if errors.As(Cause(err), &e) && errors.Is(e.Kind, dingtalk.ErrQuotaExhausted) && e.Local {
		return BudgetHint
	}
	var setup *dingtalkredis.SetupError
	switch {
	case errors.As(err, &setup):
		return setup.Hint()
	case errors.Is(err, dingtalkredis.ErrNotCounted):
		return notCountedHint
	case Issuer(err) != "":
		return authorityHint
	}
	scopes := dingtalktest.Scope // for answers that name none
	if errors.As(err, &e) {
		scopes = cmp.Or(strings.Join(e.RequiredScopes, " and "), permissionOf(e.Op), scopes)
	}
	return strings.ReplaceAll(row.hint, "SCOPES", term.Printable(scopes))
}

// permissionOf is what the contract says that an operation needs; empty if it does not say.
func permissionOf(operation string) string {
	for _, route := range generated.Routes {
		if route.Operation.ID == operation {
			return route.Operation.Permission
		}
	}
	return ""
}

// Issuer is who issued the certificate that this machine does not trust; empty if that is not what failed.
func Issuer(err error) string {
	var authority x509.UnknownAuthorityError
	if !errors.As(err, &authority) {
		return ""
	}
	var chain *tls.CertificateVerificationError
	if errors.As(err, &chain) && len(chain.UnverifiedCertificates) > 0 {
		return chain.UnverifiedCertificates[len(chain.UnverifiedCertificates)-1].Issuer.String()
	}
	if authority.Cert == nil {
		return ""
	}
	return authority.Cert.Issuer.String()
}

// Describe is an error's text for people, in one line.
func Describe(err error) string { return term.Printable(describe(err, time.Now())) }

func describe(err error, now time.Time) string {
	var e *dingtalk.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), e.Error()) {
		return strings.TrimPrefix(err.Error(), "dingtalk: ")
	}
	before, behind, _ := strings.Cut(err.Error(), e.Error())
	return before + describeCall(e, now) + behind
}

// maxCause is how much of a foreign error's text is shown, in bytes.
const maxCause = 300

// describeCall is the text of a call's failure. What says nothing to somebody who typed a command is left out.
func describeCall(e *dingtalk.Error, now time.Time) string {
	if errors.Is(e.Kind, ErrMaxCalls) {
		return e.Kind.Error() // it is about no call
	}
	var b strings.Builder
	b.WriteString(e.Kind.Error())
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
	add(e.Attempts > 1, "%s", Count(e.Attempts, "attempt"))
	if e.RetryAfter > 0 {
		facts = append(facts, later(e.RetryAfter, now))
	}
	if len(facts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	if issuer := Issuer(e.Err); issuer != "" {
		fmt.Fprintf(&b, ": the certificate was issued by %s, which this machine does not trust", issuer)
	} else if e.Err != nil {
		text := describe(e.Err, now)
		if len(text) > maxCause {
			text = strings.ToValidUTF8(text[:maxCause], "") + "…"
		}
		fmt.Fprintf(&b, ": %s", text)
	}
	return b.String()
}

// Ended is why ctx ended the call that failed with err, or nil if it did not.
func Ended(ctx context.Context, err error) error {
	kind := Sentinel(err)
	_, limited := ctx.Deadline()
	switch {
	case errors.Is(kind, context.DeadlineExceeded) && limited:
		<-ctx.Done() // the SDK reads the clock, and may be a moment ahead of the context's timer
	case !errors.Is(kind, context.Canceled):
		return nil
	}
	cause := context.Cause(ctx)
	var e, before *dingtalk.Error
	if cause != nil && errors.As(err, &e) && errors.As(e.Err, &before) {
		return fmt.Errorf("%w; before that: %s", cause, Describe(before)) // such as what was being repeated
	}
	return cause
}

// FromCall is whether an error is that of a call.
func FromCall(err error) bool {
	var e *dingtalk.Error
	return errors.As(err, &e)
}

// PrintHint prints what to do about an error.
func PrintHint(w *term.World, hint string) {
	fmt.Fprintf(w.Err, "%s %s\n", w.Paint(w.Err, term.Yellow, "hint:"), hint)
}

// Complain prints an error and what to do about it, unless that has been done.
func Complain(w *term.World, err error) {
	var known *Error
	if err == nil || errors.As(err, &known) && known.Reported {
		return
	}
	fmt.Fprintf(w.Err, "%s %s\n", w.Paint(w.Err, term.Red, term.CommandName+":"), Describe(err))
	if hint := Hint(err); hint != "" {
		PrintHint(w, hint)
	}
}
