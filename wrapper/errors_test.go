package dingtalk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestCatalogue sends every row of the contract's catalogue, in every spelling, through a socket.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	for _, row := range generated.ErrorCodes {
		for _, spelling := range append([]string{string(row.Code), strings.ToUpper(string(row.Code))}, row.Aliases...) {
			t.Run(spelling, func(t *testing.T) {
				t.Parallel()
				clock := newHandClock()
				client, server := newEmulated(t, clock.option(), dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 2, MaxWait: 2 * time.Minute}))
				convert(t, client, "any")
				server.RejectTokens()
				fault := dingtalktest.Code(generated.Code(spelling)).WithStatus(row.Status).WithMessage("what is wrong").WithHeader("X-Other", "1").For(convertOp)
				server.FailNext(fault.Times(2))
				begun := clock.Now()
				e := refused(t, client, dingtalk.Sentinel(row.Kind))

				requests, tokens := 1, 1
				if row.Token == generated.TokenDrop || row.Token == generated.TokenFetch {
					requests, tokens = 2, 2
				} else if row.Retry {
					requests = 2
				}
				wantRequests(t, server.Emulator, 1+requests, tokens)
				if string(e.Code) != spelling || e.StatusCode != row.Status || e.Message != "what is wrong" || e.RequestID == "" ||
					e.Attempts != requests || e.RetryAfter != row.Wait || e.Op != convertOp.ID || e.Local || e.TokenEndpoint || kindOf(e) != row.Kind {
					t.Errorf("%+v", e)
				}
				if waited := clock.Now().Sub(begun); waited < row.Wait || !row.Retry && waited != 0 {
					t.Errorf("waited %s, want %s at least", waited, row.Wait)
				}
				if row.Kind == generated.KindPermissionDenied && spelling == string(row.Code) && !slices.Equal(e.RequiredScopes, []string{dingtalktest.Scope}) {
					t.Errorf("scopes %q", e.RequiredScopes)
				}
			})
		}
	}
}

// An error's text from an answer is bounded, and safe to print in one line.
func TestErrorIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 10_000)
	scopes := `"` + strings.Repeat(`scope","`, 1000) + `"`
	client, server := newEmulated(t)
	server.FailNext(dingtalktest.Raw(400, "application/json", []byte(
		`{"code":"c`+long+`","message":"a\r\nb\u001b[31m\u202e`+long+`","requestid":"r`+long+`","accessdenieddetail":{"requiredScopes":[`+scopes+`]}}`)).For(convertOp))
	e := refused(t, client, dingtalk.ErrRejected)
	if len(e.Message) > 1100 || len(e.Code) > 210 || len(e.RequestID) > 210 || len(e.RequiredScopes) > 20 {
		t.Errorf("message %d, code %d, request id %d, %d scopes", len(e.Message), len(e.Code), len(e.RequestID), len(e.RequiredScopes))
	}
	if !strings.HasPrefix(e.Message, "a··b·[31m·长") || !strings.HasSuffix(e.Message, "长…") {
		t.Errorf("message %q", e.Message)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  dingtalk.Error
		want string
	}{
		{
			dingtalk.Error{Op: "op", Kind: dingtalk.ErrInvalidChatID, Local: true, Message: "not sent: it is empty"},
			"dingtalk: op: chat id is unknown or malformed: not sent: it is empty (refused by this client)",
		},
		{
			dingtalk.Error{Op: "op", Kind: dingtalk.ErrInvalidChatID, StatusCode: 400, Code: generated.CodeInvalidChatID, Message: "Invalid chatId", RequestID: "REQ-1", Attempts: 1},
			"dingtalk: op: chat id is unknown or malformed: invalideChatId: Invalid chatId (HTTP 400, request REQ-1)",
		},
		{
			dingtalk.Error{Op: "op", Kind: dingtalk.ErrPermissionDenied, StatusCode: 403, Code: "c", RequiredScopes: []string{"a", "b"}},
			"dingtalk: op: permission denied: c: grant a, b (HTTP 403)",
		},
		{
			dingtalk.Error{Op: "op", Kind: dingtalk.ErrThrottled, StatusCode: 403, Code: "c", Attempts: 3, RetryAfter: 1400 * time.Millisecond},
			"dingtalk: op: throttled: c (HTTP 403, 3 attempts, try again after 1s)",
		},
		{
			dingtalk.Error{Op: "op", Kind: dingtalk.ErrUnavailable, TokenEndpoint: true, Attempts: 3, Message: "check the network", Err: io.EOF},
			"dingtalk: op: service unavailable (while fetching an access token): check the network (3 attempts): EOF",
		},
		{
			dingtalk.Error{Op: "op", Kind: context.Canceled, Err: &dingtalk.Error{Op: "op", Kind: dingtalk.ErrBlocked}},
			"dingtalk: op: context canceled: dingtalk: op: address banned for a while",
		},
		{
			dingtalk.Error{Op: "op", Kind: dingtalk.ErrTLS, Err: errors.Join(errors.New("two\x1b"), errors.New("lines"))},
			"dingtalk: op: TLS failed: two··lines",
		},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestErrorIsAndTimeout(t *testing.T) {
	t.Parallel()
	limit := &dingtalk.Error{Kind: dingtalk.ErrUnavailable, Err: os.ErrDeadlineExceeded}
	for name, test := range map[string]struct {
		err     dingtalk.Error
		is      []error
		timeout bool
	}{
		"deadline of the caller":     {dingtalk.Error{Kind: context.DeadlineExceeded}, nil, true},
		"limit of an attempt":        {*limit, []error{os.ErrDeadlineExceeded}, true},
		"the network's":              {dingtalk.Error{Kind: dingtalk.ErrUnavailable, Err: fmt.Errorf("dial: %w", &net.DNSError{IsTimeout: true})}, nil, true},
		"not the network's":          {dingtalk.Error{Kind: dingtalk.ErrUnavailable, Err: &net.DNSError{}}, nil, false},
		"an answer":                  {dingtalk.Error{Kind: dingtalk.ErrUnavailable, StatusCode: 504}, nil, false},
		"cancelled after a timeout":  {dingtalk.Error{Kind: context.Canceled, Err: limit}, []error{limit, dingtalk.ErrUnavailable, os.ErrDeadlineExceeded}, false},
		"not sent after a timeout":   {dingtalk.Error{Kind: dingtalk.ErrUnavailable, Local: true, Err: limit}, nil, false},
		"deadline after other error": {dingtalk.Error{Kind: context.DeadlineExceeded, Err: io.EOF}, []error{io.EOF}, true},
	} {
		if got := test.err.Timeout(); got != test.timeout {
			t.Errorf("%s: %t", name, got)
		}
		for _, target := range append(test.is, test.err.Kind) {
			if !errors.Is(&test.err, target) || errors.Is(&test.err, dingtalk.ErrBlocked) {
				t.Errorf("%s: is not %v", name, target)
			}
		}
	}
}

func TestErrorInLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := &dingtalk.Error{
		Op: "op", Kind: dingtalk.ErrThrottled, StatusCode: 403, Code: "c", Message: "m", RequestID: "REQ-1", Attempts: 3,
		RequiredScopes: []string{"s"}, RetryAfter: time.Minute, TokenEndpoint: true, Local: true, Err: errors.New("one\ntwo"),
	}
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("x", "error", e)
	log.Info("x", "error", &dingtalk.Error{Op: "op", Kind: dingtalk.ErrTLS})
	for _, want := range []string{
		"error.op=op error.kind=throttled error.status=403 error.code=c error.message=m error.request_id=REQ-1" +
			" error.required_scopes=[s] error.retry_after=1m0s error.attempts=3 error.token_endpoint=true error.local=true error.cause=one·two\n",
		`error.op=op error.kind="TLS failed"` + "\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s\nwant %s", out.String(), want)
		}
	}
}
