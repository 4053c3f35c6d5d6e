package explain

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"path/filepath"
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
func apiError(kind error) *dingtalk.Error {
	return &dingtalk.Error{Op: "chatIdToOpenConversationId", Kind: kind, StatusCode: 400, Code: "some.code", Message: "some text", RequestID: "ID"}
}

func TestExitCodeOfSentinels(t *testing.T) {
	for name, want := range sentinels {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{want.err, apiError(want.err), fmt.Errorf("run: %w", apiError(want.err))} {
				if code := ExitCode(err); code != want.code {
					t.Errorf("%T: exit code %d, want %d", err, code, want.code)
				}
			}
			fetching := apiError(want.err)
			fetching.TokenEndpoint = true
			if code := ExitCode(fetching); code != want.token {
				t.Errorf("token endpoint: exit code %d, want %d", code, want.token)
			}
			// What was before, or beneath, does not decide.
			for other, sentinel := range sentinels {
				nested := apiError(want.err)
				nested.Err = apiError(sentinel.err)
				expected := want.code
				if name == "ErrNotTried" {
					expected = sentinel.code
				}
				if code := ExitCode(nested); code != expected {
					t.Errorf("wrapping %s: exit code %d, want %d", other, code, expected)
				}
			}
			row := find(want.err)
			if row.name() == "" || row.advice().String() == "" || strings.Contains(row.advice().String(), "\n") {
				t.Errorf("kind %q, hint %q", row.name(), row.advice())
			}
		})
	}
}

// The table above must name every sentinel that the SDK has, so that a new one gets an exit code and a hint.
func TestEverySentinelIsMapped(t *testing.T) {
	files, err := filepath.Glob("../../../../wrapper/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range errorVars(file) {
			_, known := sentinels[name]
			switch {
			case known:
				found++
			case name != "ErrTooLarge": // is found beside ErrUnexpectedResponse only
				t.Errorf("%s has no exit code", name)
			}
		}
	}
	if found != len(sentinels) {
		t.Errorf("%d sentinels found in the SDK, %d are in the table", found, len(sentinels))
	}
}

// errorVars names a file's package-level variables that begin with Err.
func errorVars(file *ast.File) []string {
	var names []string
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR {
			continue
		}
		for _, spec := range gen.Specs {
			if value, ok := spec.(*ast.ValueSpec); ok {
				for _, name := range value.Names {
					if strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

func TestExitCodeOfOthers(t *testing.T) {
	tooLarge := apiError(dingtalk.ErrUnexpectedResponse)
	tooLarge.Err = dingtalk.ErrTooLarge
	timedOut := apiError(context.DeadlineExceeded)
	timedOut.Err = apiError(dingtalk.ErrUnauthenticated)
	dial := apiError(dingtalk.ErrUnavailable)
	dial.Err = &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	tests := []struct {
		name string
		err  error
		code int
	}{
		{"nothing", nil, 0},
		{"usage", Usage("wrong"), 2},
		{"wrapped usage", fmt.Errorf("x: %w", Usage("wrong")), 2},
		{"SIGINT", term.SignalError{Signal: syscall.SIGINT}, 130},
		{"SIGHUP", term.SignalError{Signal: syscall.SIGHUP}, 129},
		{"SIGTERM", fmt.Errorf("x: %w", term.SignalError{Signal: syscall.SIGTERM}), 143},
		{"--timeout", TimeoutError{time.Second}, 5},
		{"deadline of the context, before that a rejected token", timedOut, 5},
		{"body too large", tooLarge, 1},
		{"dial", dial, 5},
		{"full disk", syscall.ENOSPC, 5},
		{"reported", &Error{Code: 4, Err: errors.New("x"), Reported: true}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code := ExitCode(tt.err); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
		})
	}
}
