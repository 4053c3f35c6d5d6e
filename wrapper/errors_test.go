package dingtalk_test

import (
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
				client, server := newEmulated(t, clock.option(), dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 2, MaxWait: time.Hour}))
				convert(t, client, "any")
				server.RejectTokens()
				fault := dingtalktest.Fault{Kind: "code", Code: generated.Code(spelling), Status: row.Status, Message: "wrong"}
				server.FailNext(fault.WithHeader("X-Other", "1").For(convertOp).Times(2))
				begun := clock.Now()
				e := refused(t, client, dingtalk.Sentinel(row.Kind))

				requests, tokens := 1, 1
				if row.Token == generated.TokenDrop || row.Token == generated.TokenFetch {
					requests, tokens = 2, 2
				} else if row.Retry {
					requests = 2
				}
				wantRequests(t, server.Emulator, 1+requests, tokens)
				errorIf(t, e.Code != fault.Code || e.StatusCode != row.Status || e.Message != fault.Message || e.RequestID == "" ||
					e.Local || e.Attempts != requests || e.RetryAfter != row.Wait || e.Op != convertOp.ID || e.TokenEndpoint ||
					kindOf(e) != row.Kind, "%+v", e)
				waited := clock.Now().Sub(begun)
				errorIf(t, waited < row.Wait || !row.Retry && waited != 0, "waited %s, want %s at least", waited, row.Wait)
				scopes := fmt.Sprint(e.RequiredScopes)
				errorIf(t, e.Code == generated.CodePermissionDenied && scopes != "["+dingtalktest.Scope+"]", "scopes %s", scopes)
			})
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]dingtalk.Error{
		"chat id is unknown or malformed: why (refused by this client)": {Kind: dingtalk.ErrInvalidChatID, Local: true, Message: "why"},
		"permission denied: c: m: grant a, b (HTTP 403, request REQ-1)": {
			Kind: dingtalk.ErrPermissionDenied, StatusCode: 403, Code: "c", Message: "m", RequestID: "REQ-1", Attempts: 1, RequiredScopes: []string{"a", "b"},
		},
		"throttled: c (3 attempts, try again after 1s)": {Kind: dingtalk.ErrThrottled, Code: "c", Attempts: 3, RetryAfter: 1400 * ms},
		"service unavailable (while fetching an access token): check the network (3 attempts): EOF": {
			Kind: dingtalk.ErrUnavailable, TokenEndpoint: true, Attempts: 3, Message: "check the network", Err: io.EOF,
		},
		"context canceled: dingtalk: op: throttled": {Kind: context.Canceled, Err: &dingtalk.Error{Op: "op", Kind: dingtalk.ErrThrottled}},
		"TLS failed: two··lines":                    {Kind: dingtalk.ErrTLS, Err: errors.New("two\x1b\nlines")},
	} {
		err.Op = "op"
		errorIf(t, err.Error() != "dingtalk: op: "+want, "got  %s\nwant %s", err.Error(), want)
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
		errorIf(t, test.err.Timeout() != test.timeout, "%s: timeout %t", name, !test.timeout)
		for _, target := range append(test.is, test.err.Kind) {
			errorIf(t, !errors.Is(&test.err, target) || errors.Is(&test.err, dingtalk.ErrBlocked), "%s: is not %v", name, target)
		}
	}
}

// traceHandler writes down the caller's trace.
type traceHandler struct{ slog.Handler }

type traceKey struct{}

func (h traceHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Add("trace", ctx.Value(traceKey{}))
	return h.Handler.Handle(ctx, r)
}

// TestLog makes calls with every logged event, and leaves out of the lines what each run changes.
func TestLog(t *testing.T) {
	t.Parallel()
	const id, own = generated.RequestIDHeader, ` trace="the caller's"`
	want := `
level=DEBUG msg="dingtalk attempt" op=getAccessToken error.code=serviceBusy error.request_id=ID
level=INFO msg="dingtalk wait" op=getAccessToken error.code=serviceBusy error.request_id=ID
level=DEBUG msg="dingtalk attempt" op=getAccessToken request_id=REQ-T
level=DEBUG msg="dingtalk token" event=fetched
level=DEBUG msg="dingtalk attempt" op=chatIdToOpenConversationId request_id=REQ-1 error.code=Forbidden.AccessDenied.QpsLimitForAppkeyAndApi error.request_id=ID
level=INFO msg="dingtalk wait" op=chatIdToOpenConversationId error.code=Forbidden.AccessDenied.QpsLimitForAppkeyAndApi error.request_id=ID
level=DEBUG msg="dingtalk attempt" op=chatIdToOpenConversationId request_id=REQ-2
level=DEBUG msg="dingtalk attempt" op=chatIdToOpenConversationId request_id=REQ-3 error.code=InvalidAuthentication error.request_id=ID
level=DEBUG msg="dingtalk attempt" op=getAccessToken error.code=invalidClientIdOrSecret error.request_id=ID
level=WARN msg="dingtalk token" event="fetch failed" error.code=invalidClientIdOrSecret error.request_id=ID
level=DEBUG msg="dingtalk attempt" op=getAccessToken request_id=REQ-U
level=WARN msg="dingtalk token" event="the service gave a token without a lifetime"
level=DEBUG msg="dingtalk token" event=fetched
level=DEBUG msg="dingtalk attempt" op=chatIdToOpenConversationId request_id=REQ-4
`
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		var out told
		log := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(in []string, a slog.Attr) slog.Attr {
			switch {
			case a.Key == "op" && len(in) > 0:
				return slog.Attr{}
			case a.Key == "request_id" && len(in) > 0 && a.Value.String() != "":
				return slog.String(a.Key, "ID")
			case strings.HasPrefix(a.Value.String(), "REQ-"), slices.Contains(strings.Fields("level msg event op code trace"), a.Key):
				return a
			}
			return slog.Attr{}
		}})
		clock := newHandClock()
		client, server := newEmulated(t, clock.option(), dingtalk.WithLogger(slog.New(traceHandler{log})))
		call := func(kind error, faults ...dingtalktest.Fault) {
			server.FailNext(faults...)
			_, err := client.OpenConversationID(context.WithValue(within(t), traceKey{}, "the caller's"), "any")
			errorIf(t, !errors.Is(err, kind), "%v, want %v", err, kind)
		}
		call(nil, dingtalktest.Code(generated.CodeServiceBusy).For(tokenOp), dingtalktest.Pass().For(tokenOp).WithHeader(id, "REQ-T"),
			dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp).WithHeader(id, "REQ-1"), dingtalktest.Pass().For(convertOp).WithHeader(id, "REQ-2"))
		call(dingtalk.ErrUnauthenticated, dingtalktest.Code(generated.CodeInvalidAuthentication).For(convertOp).WithHeader(id, "REQ-3"),
			dingtalktest.Code(generated.CodeInvalidClientIDOrSecret).For(tokenOp))
		clock.Move(3 * sec) // for which the failure is remembered
		call(nil, dingtalktest.Raw(200, "", []byte(`{"accessToken":"`+server.IssueToken()+`"}`)).For(tokenOp).WithHeader(id, "REQ-U"),
			dingtalktest.Pass().For(convertOp).WithHeader(id, "REQ-4"))
		wanted := ""
		for line := range strings.Lines(strings.TrimPrefix(want, "\n")) {
			var of slog.Level
			if _ = of.UnmarshalText([]byte(strings.TrimPrefix(strings.Fields(line)[0], "level="))); of >= level {
				wanted += strings.Replace(line, "\n", own+"\n", 1)
			}
		}
		errorIf(t, out.text.String() != wanted, "at %s got\n%s\nwant\n%s", level, &out.text, wanted)
	}
}

func TestExplain(t *testing.T) {
	english := map[string]error{}
	for _, kind := range dingtalk.Kinds() {
		en, zh := dingtalk.Explain(fmt.Errorf("sending: %w", &dingtalk.Error{Kind: kind}), "en-GB"), dingtalk.Explain(kind, "zh-CN")
		errorIf(t, en.Text == "" || en.Hint == "" || zh.Text == en.Text || zh.Hint == en.Hint ||
			en.HTTPStatus < 400 || en.HTTPStatus != zh.HTTPStatus, "%s: %+v and %+v", kind.Name(), en, zh)
		other := english[en.Text]
		errorIf(t, other != nil, "%s and %v have one text", kind.Name(), other)
		english[en.Text] = kind
	}
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{nil, 200, ""},
		{errors.New("a secret of the app's own"), 500, ""},
		{context.DeadlineExceeded, 504, "超过了时限"},
		{&dingtalk.Error{Kind: context.Canceled}, 503, "调用方取消了调用"},
		{&dingtalk.Error{Kind: dingtalk.ErrUnavailable, MayBeDone: true}, 502, "写操作返回失败，但可能已经生效"},
		{&dingtalk.Error{Kind: dingtalk.ErrThrottled, Message: "<script>"}, 503, "被限流"},
	} {
		got := dingtalk.Explain(c.err, "zh")
		errorIf(t, got.HTTPStatus != c.status || got.Text != c.text, "%v: %+v", c.err, got)
	}
}
