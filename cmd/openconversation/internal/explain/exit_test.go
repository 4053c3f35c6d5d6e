package explain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// sentinels are the SDK's, with the exit codes that scripts rely on: to change one is to break them.
var sentinels = map[string]struct {
	err   error
	code  int
	token int // where the token could not be fetched
}{
	"ErrInvalidChatID":      {dingtalk.ErrInvalidChatID, 1, 5},
	"ErrOwnerNotVisible":    {dingtalk.ErrOwnerNotVisible, 1, 5},
	"ErrUnauthenticated":    {dingtalk.ErrUnauthenticated, 3, 3},
	"ErrPermissionDenied":   {dingtalk.ErrPermissionDenied, 3, 3},
	"ErrIPNotAllowed":       {dingtalk.ErrIPNotAllowed, 3, 3},
	"ErrThrottled":          {dingtalk.ErrThrottled, 4, 4},
	"ErrQuotaExhausted":     {dingtalk.ErrQuotaExhausted, 4, 4},
	"ErrBlocked":            {dingtalk.ErrBlocked, 4, 4},
	"ErrUnavailable":        {dingtalk.ErrUnavailable, 5, 5},
	"ErrUnexpectedResponse": {dingtalk.ErrUnexpectedResponse, 1, 5},
	"ErrRedirect":           {dingtalk.ErrRedirect, 5, 5},
	"ErrTLS":                {dingtalk.ErrTLS, 5, 5},
	"ErrNotTried":           {dingtalk.ErrNotTried, 5, 5},
	"ErrPanicked":           {dingtalk.ErrPanicked, 5, 5},
	"ErrRejected":           {dingtalk.ErrRejected, 1, 3},
}

// apiError is the failure of a chat, as the SDK returns it.
func apiError(kind, before error) *dingtalk.Error {
	return &dingtalk.Error{Op: "chatIdToOpenConversationId", Kind: kind, StatusCode: 400, Code: "some.code", Message: "some text", RequestID: "ID", Err: before}
}

func TestExitCodes(t *testing.T) {
	check := func(what string, err error, code int) {
		t.Helper()
		if got := ExitCode(err); got != code {
			t.Errorf("%s: exit code %d, want %d", what, got, code)
		}
	}
	for name, want := range sentinels {
		check(name, want.err, want.code)
		check(name, fmt.Errorf("run: %w", apiError(want.err, nil)), want.code)
		fetching := apiError(want.err, nil)
		fetching.TokenEndpoint = true
		check("token: "+name, fetching, want.token)
		for other, sentinel := range sentinels { // what was before, or beneath, does not decide
			code := want.code
			if name == "ErrNotTried" {
				code = sentinel.code
			}
			check(name+" wrapping "+other, apiError(want.err, apiError(sentinel.err, nil)), code)
		}
		if hint := Hint(apiError(want.err, nil)); Kind(want.err) == "" || hint.Empty() || strings.Contains(hint.String(), "\n") {
			t.Errorf("%s: kind %q, hint %q", name, Kind(want.err), hint)
		}
	}
	check("nothing", nil, 0)
	check("usage", fmt.Errorf("x: %w", Usage("wrong")), 2)
	check("SIGINT", term.SignalError{Signal: syscall.SIGINT}, 130)
	check("SIGHUP", term.SignalError{Signal: syscall.SIGHUP}, 129)
	check("SIGTERM", fmt.Errorf("x: %w", term.SignalError{Signal: syscall.SIGTERM}), 143)
	check("--timeout", TimeoutError{time.Second}, 5)
	check("deadline of the context, before that a rejected token", apiError(context.DeadlineExceeded, apiError(dingtalk.ErrUnauthenticated, nil)), 5)
	check("body too large", apiError(dingtalk.ErrUnexpectedResponse, dingtalk.ErrTooLarge), 1)
	check("dial", apiError(dingtalk.ErrUnavailable, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}), 5)
	check("full disk", syscall.ENOSPC, 5)
	check("reported", &Error{Code: 4, Err: errors.New("x"), Reported: true}, 4)
}

// The table names every sentinel that the SDK has, so that a new one gets an exit code and a hint.
func TestEverySentinelIsMapped(t *testing.T) {
	files, err := filepath.Glob("../../../../wrapper/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{"ErrTooLarge": true, "ErrTokenFetching": true} // which stand beneath others
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^(?:var|\t)\s*(Err[A-Z]\w+)\s+(?:error )?= `).FindAllSubmatch(text, -1) {
			found[string(match[1])] = true
		}
	}
	if len(found) != len(sentinels)+2 {
		t.Errorf("the SDK has %v", found)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 50 * time.Millisecond: "50ms", time.Second: "1 second", 1500 * time.Millisecond: "1.5 seconds", time.Minute: "1 minute", 5 * time.Minute: "5 minutes",
		2*time.Hour + 5*time.Minute: "2 hours 5 minutes", 25 * time.Hour: "1 day 1 hour", -time.Minute: "-1 minute", time.Hour + 59*time.Minute + 29*time.Second: "1 hour 59 minutes",
	} {
		if got := Duration(d).Say(lang.English); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	// A wait of days is said as a date, in this machine's time.
	now := time.Date(2026, 11, 25, 20, 0, 0, 0, time.FixedZone("", 8*3600))
	for wait, want := range map[time.Duration]string{5 * time.Minute: "(try again after 5 minutes)", 120*time.Hour + 2*time.Minute: "(try again on 2026-11-30 20:02 +0800)"} {
		if got := describe(lang.English, &dingtalk.Error{Kind: dingtalk.ErrQuotaExhausted, RetryAfter: wait}, now); !strings.HasSuffix(got, want) {
			t.Errorf("%s", got)
		}
	}
}
