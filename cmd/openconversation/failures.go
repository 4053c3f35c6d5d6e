package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// failure says what the command makes of one of the SDK's kinds of error.
type failure struct {
	sentinel  error
	kind      string // its name in JSON; those that the contract has are the contract's
	exit      int    // exitSomeFailed: it is about one chat, and the run goes on
	exitToken int    // where exit is exitSomeFailed: the code if it was the token that could not be fetched
	hint      string // what to do about it
}

// failures has a row for each sentinel, in the order of the SDK, and then the command's own.
var failures = []failure{
	{dingtalk.ErrInvalidChatID, string(generated.KindInvalidChatID), exitSomeFailed, exitUnavailable,
		"use the chatId of a group in the app's own organisation, often chat and 32 hexadecimal digits; ids that begin with cid are converted already"},
	{dingtalk.ErrOwnerNotVisible, string(generated.KindOwnerNotVisible), exitSomeFailed, exitUnavailable,
		"add the group's owner to the app's visible range in the developer console"},
	{dingtalk.ErrUnauthenticated, string(generated.KindUnauthenticated), exitCredentials, 0,
		"check DINGTALK_APP_KEY and the app secret (Client ID and Client Secret in the developer console), and --region: an app belongs to one region"},
	{dingtalk.ErrPermissionDenied, string(generated.KindPermissionDenied), exitCredentials, 0,
		"grant the app SCOPES in the developer console, on its page for permissions, then run again: https://help.dingtalk.io/open/development/add-api-permission"},
	{dingtalk.ErrIPNotAllowed, string(generated.KindIPNotAllowed), exitCredentials, 0,
		"add this machine's public address, which may be IPv6, to the app's allow list: developer console, security settings"},
	{dingtalk.ErrThrottled, string(generated.KindThrottled), exitLimited, 0,
		fmt.Sprintf("wait a minute, then run the rest: an app may make %d calls a second (standard edition), and everything that uses its key shares them", generated.CallsPerSecond)},
	{dingtalk.ErrQuotaExhausted, string(generated.KindQuotaExhausted), exitLimited, 0,
		fmt.Sprintf("run the rest next month, or have the organisation's quota raised (%d calls a month on the standard edition)", generated.CallsPerMonth)},
	{dingtalk.ErrBlocked, "blocked", exitLimited, 0,
		fmt.Sprintf("send nothing from this address for %d minutes, then run the rest", generated.BanTime/time.Minute)},
	{dingtalk.ErrUnavailable, string(generated.KindUnavailable), exitUnavailable, 0,
		"try again later; if that does not help, check the network, HTTPS_PROXY, --region and --base-url"},
	{dingtalk.ErrUnexpectedResponse, "unexpected-response", exitSomeFailed, exitUnavailable,
		"something else than DingTalk may have answered, such as a proxy or a network's login page: check --base-url and the proxy"},
	{dingtalk.ErrRedirect, "redirect", exitUnavailable, 0,
		"check --base-url and the proxy: a redirect is not followed, since it would take the access token to another host"},
	{dingtalk.ErrTLS, "tls", exitUnavailable, 0,
		"check this machine's clock and certificates, and any proxy that opens TLS; there is no flag that skips the check"},
	{dingtalk.ErrNotTried, "not-tried", exitUnavailable, 0,
		"run it again once the cause is gone"},
	{dingtalk.ErrRejected, string(generated.KindRejected), exitSomeFailed, exitCredentials,
		"look the code up in DingTalk's documentation, or ask its support and quote the request id"},
	{dingtalk.ErrPanicked, "panicked", exitUnavailable, 0,
		"this is a fault of the command: report it with what it printed"},
	{errMaxCalls, "max-calls", exitLimited, 0,
		"run the rest, a file with --resume, and with a higher --max-calls if you like; the organisation's quota is not used up"},
	{context.DeadlineExceeded, "timeout", exitUnavailable, 0,
		"give the run more time with --timeout"},
}

// failureOf finds the row of an error, or nil. The kind of the outermost Error decides: what it wraps, such as the
// answer to an earlier attempt, may be of another.
func failureOf(err error) *failure {
	var e *dingtalk.Error
	for errors.As(err, &e) {
		if err = e.Kind; !errors.Is(e.Kind, dingtalk.ErrNotTried) || e.Err == nil {
			break
		}
		err = e.Err // what ended the run says what to do
	}
	for i := range failures {
		if errors.Is(err, failures[i].sentinel) {
			return &failures[i]
		}
	}
	return nil
}

// budgetHint is the hint where it was not the service that refused for the month's sake.
const budgetHint = "run the rest next month, or raise --monthly-budget if the organisation's quota is higher"

// hintFor says in one line what to do about an error.
func hintFor(err error) string {
	var known *exitError
	if errors.As(err, &known) && known.hint != "" {
		return known.hint
	}
	row := failureOf(err)
	if row == nil {
		return ""
	}
	var e *dingtalk.Error
	if errors.As(stopCause(err), &e) && errors.Is(e.Kind, dingtalk.ErrQuotaExhausted) && e.Local {
		return budgetHint
	}
	scopes := dingtalktest.Scope // for answers that name none
	if errors.As(err, &e) && len(e.RequiredScopes) > 0 {
		scopes = strings.Join(e.RequiredScopes, " and ")
	}
	return strings.ReplaceAll(row.hint, "SCOPES", printable(scopes))
}

// describe is an error's text for people, in one line.
func describe(err error) string {
	text := err.Error()
	var e *dingtalk.Error
	if errors.As(err, &e) {
		if errors.Is(e.Kind, errMaxCalls) {
			return e.Kind.Error() // it is about no call
		}
		text = strings.TrimPrefix(text, "dingtalk: "+e.Op+": ") // says nothing to somebody who typed a command
	}
	return printable(strings.TrimPrefix(text, "dingtalk: "))
}

// endsRun is whether every further chat would meet an error too. Of those that may or may not be about one chat, the
// SDK counts how many come in a row.
func endsRun(err error) bool {
	var e *dingtalk.Error
	if !errors.As(err, &e) {
		return true
	}
	return !aboutChat(err) && !doubtful(err)
}

// aboutChat is whether an error is surely about one chat alone.
func aboutChat(err error) bool {
	kind := failureKind(err)
	return errors.Is(kind, dingtalk.ErrInvalidChatID) || errors.Is(kind, dingtalk.ErrOwnerNotVisible)
}

// After so many doubtful failures in a row the SDK takes them to be about every chat: those of the network or the
// service, and strange answers, of which it counts all kinds together.
const (
	maxUnavailable = 5
	maxStrange     = 3
)

// doubts is how many such errors in a row it takes to tell that every chat meets them; 0 if it is not to be told by that.
func doubts(err error) int {
	var e *dingtalk.Error
	switch kind := failureKind(err); {
	case errors.Is(kind, dingtalk.ErrUnavailable):
		return maxUnavailable
	case errors.Is(kind, dingtalk.ErrUnexpectedResponse), errors.Is(kind, dingtalk.ErrRejected),
		errors.Is(kind, dingtalk.ErrPermissionDenied) && errors.As(err, &e) && generated.LookupErrorCode(string(e.Code)) == nil:
		return maxStrange
	default:
		return 0
	}
}

func doubtful(err error) bool { return doubts(err) > 0 }

// stopCode is the exit code of a run that an error stopped.
func stopCode(err error) int {
	if code := exitCode(err); code != exitSomeFailed {
		return code
	}
	return exitUnavailable
}

// stopCause is what is behind an error of a chat that was not tried, or err itself.
func stopCause(err error) error {
	var e *dingtalk.Error
	if errors.As(err, &e) && errors.Is(e.Kind, dingtalk.ErrNotTried) && e.Err != nil {
		return e.Err
	}
	return err
}

// failureKind is the sentinel of an error, or the error itself if it has none.
func failureKind(err error) error {
	if row := failureOf(err); row != nil {
		return row.sentinel
	}
	return err
}
