package dingtalk_test

import (
	"context"
	"encoding/json"
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
				if spelling == string(generated.CodePermissionDenied) && !slices.Equal(e.RequiredScopes, []string{dingtalktest.Scope}) {
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
	for want, err := range map[string]dingtalk.Error{
		"chat id is unknown or malformed: not sent: it is empty (refused by this client)": {Kind: dingtalk.ErrInvalidChatID, Local: true, Message: "not sent: it is empty"},
		"permission denied: c: m: grant a, b (HTTP 403, request REQ-1)": {
			Kind: dingtalk.ErrPermissionDenied, StatusCode: 403, Code: "c", Message: "m", RequestID: "REQ-1", Attempts: 1, RequiredScopes: []string{"a", "b"},
		},
		"throttled: c (HTTP 403, 3 attempts, try again after 1s)": {Kind: dingtalk.ErrThrottled, StatusCode: 403, Code: "c", Attempts: 3, RetryAfter: 1400 * ms},
		"service unavailable (while fetching an access token): check the network (3 attempts): EOF": {
			Kind: dingtalk.ErrUnavailable, TokenEndpoint: true, Attempts: 3, Message: "check the network", Err: io.EOF,
		},
		"context canceled: dingtalk: op: address banned for a while": {Kind: context.Canceled, Err: &dingtalk.Error{Op: "op", Kind: dingtalk.ErrBlocked}},
		"TLS failed: two··lines":                                     {Kind: dingtalk.ErrTLS, Err: errors.Join(errors.New("two\x1b"), errors.New("lines"))},
	} {
		if err.Op = "op"; err.Error() != "dingtalk: op: "+want {
			t.Errorf("got  %s\nwant %s", err.Error(), want)
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

// logged is a line of a log.
type logged struct {
	Level, Msg, Event, Op, Trace string
	RequestID                    string `json:"request_id"`
	Error                        loggedError
}

// loggedError is an *Error, or any other.
type loggedError struct {
	Code      string
	RequestID string `json:"request_id"`
}

func (e *loggedError) UnmarshalJSON(raw []byte) error {
	type plain loggedError
	if raw[0] == '{' {
		return json.Unmarshal(raw, (*plain)(e))
	}
	return nil
}

// traceHandler writes down the caller's trace.
type traceHandler struct{ slog.Handler }

type traceKey struct{}

func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Add("trace", ctx.Value(traceKey{}))
	return h.Handler.Handle(ctx, r)
}

// TestLog makes calls with every logged event.
func TestLog(t *testing.T) {
	t.Parallel()
	const busy, qps, rejected, wrong = "serviceBusy", "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "InvalidAuthentication", "invalidClientIdOrSecret"
	const id = generated.RequestIDHeader
	want := []string{
		"DEBUG dingtalk attempt getAccessToken " + busy,
		"INFO dingtalk wait getAccessToken " + busy,
		"DEBUG dingtalk attempt getAccessToken REQ-T",
		"DEBUG dingtalk token fetched",
		"DEBUG dingtalk attempt chatIdToOpenConversationId REQ-1 " + qps,
		"INFO dingtalk wait chatIdToOpenConversationId " + qps,
		"DEBUG dingtalk attempt chatIdToOpenConversationId REQ-2",
		"DEBUG dingtalk attempt chatIdToOpenConversationId REQ-3 " + rejected,
		"DEBUG dingtalk attempt getAccessToken " + wrong,
		"WARN dingtalk token fetch failed " + wrong,
		"DEBUG dingtalk attempt getAccessToken REQ-U",
		"WARN dingtalk token the service gave a token without a lifetime",
		"DEBUG dingtalk token fetched",
		"DEBUG dingtalk attempt chatIdToOpenConversationId REQ-4",
	}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		var out told
		clock := newHandClock()
		client, server := newEmulated(t, clock.option(), dingtalk.WithLogger(slog.New(traceHandler{slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level})})))
		server.FailNext(
			dingtalktest.Code(generated.CodeServiceBusy).For(tokenOp), dingtalktest.Pass().For(tokenOp).WithHeader(id, "REQ-T"),
			dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp).WithHeader(id, "REQ-1"), dingtalktest.Pass().For(convertOp).WithHeader(id, "REQ-2"),
			dingtalktest.Code(generated.CodeInvalidAuthentication).For(convertOp).WithHeader(id, "REQ-3"), dingtalktest.Code(generated.CodeInvalidClientIDOrSecret).For(tokenOp),
		)
		ctx := context.WithValue(within(t), traceKey{}, "the caller's")
		call := func(kind error) {
			if _, err := client.OpenConversationID(ctx, "any"); !errors.Is(err, kind) {
				t.Errorf("%v, want %v", err, kind)
			}
		}
		call(nil)
		call(dingtalk.ErrUnauthenticated)
		clock.Move(3 * sec) // for which the failure is remembered
		server.FailNext(dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`"}`)).For(tokenOp).WithHeader(id, "REQ-U"), dingtalktest.Pass().For(convertOp).WithHeader(id, "REQ-4"))
		call(nil)
		var got []string
		for line := range strings.Lines(out.text.String()) {
			var l logged
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if l.Error.Code != "" && l.Error.RequestID == "" || l.Trace != "the caller's" {
				t.Errorf("%s: no request id, or not the caller's context", line)
			}
			if !strings.HasPrefix(l.RequestID, "REQ-") {
				l.RequestID = ""
			}
			got = append(got, strings.Join(strings.Fields(strings.Join([]string{l.Level, l.Msg, l.Event, l.Op, l.RequestID, l.Error.Code}, " ")), " "))
		}
		wanted := slices.DeleteFunc(slices.Clone(want), func(line string) bool {
			var of slog.Level
			_ = of.UnmarshalText([]byte(strings.Fields(line)[0]))
			return of < level
		})
		if !slices.Equal(got, wanted) {
			t.Errorf("at %s got\n%s\nwant\n%s", level, strings.Join(got, "\n"), strings.Join(wanted, "\n"))
		}
	}
}
