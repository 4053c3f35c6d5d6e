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
		if row := find(want.err); row.kind == "" || row.hint.Empty() || strings.Contains(row.hint.String(), "\n") {
			t.Errorf("kind %q, hint %q", row.kind, row.hint)
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
	found := map[string]bool{"ErrTooLarge": true} // is found beside ErrUnexpectedResponse only
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^(?:var|\t)\s*(Err[A-Z]\w+)\s+(?:error )?= `).FindAllSubmatch(text, -1) {
			found[string(match[1])] = true
		}
	}
	if len(found) != len(sentinels)+1 {
		t.Errorf("the SDK has %v", found)
	}
}
