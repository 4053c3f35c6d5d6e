package dingtalk_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// logged is a line of a log.
type logged struct {
	Level, Msg, Event, Op string
	RequestID             string `json:"request_id"`
	Error                 struct {
		Code      string
		RequestID string `json:"request_id"`
	}
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
		"WARN dingtalk: the service gave a token without a lifetime",
		"DEBUG dingtalk token fetched",
		"DEBUG dingtalk attempt chatIdToOpenConversationId REQ-4",
	}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		var out told
		clock := newHandClock()
		client, server := newEmulated(t, clock.option(), dingtalk.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level}))))
		server.FailNext(
			dingtalktest.Code(generated.CodeServiceBusy).For(tokenOp), dingtalktest.Pass().For(tokenOp).WithHeader(id, "REQ-T"),
			dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp).WithHeader(id, "REQ-1"), dingtalktest.Pass().For(convertOp).WithHeader(id, "REQ-2"),
			dingtalktest.Code(generated.CodeInvalidAuthentication).For(convertOp).WithHeader(id, "REQ-3"), dingtalktest.Code(generated.CodeInvalidClientIDOrSecret).For(tokenOp),
		)
		convert(t, client, "any")
		refused(t, client, dingtalk.ErrUnauthenticated)
		clock.Move(3 * sec) // for which the failure is remembered
		server.FailNext(dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`"}`)).For(tokenOp).WithHeader(id, "REQ-U"), dingtalktest.Pass().For(convertOp).WithHeader(id, "REQ-4"))
		convert(t, client, "any")
		var got []string
		for line := range strings.Lines(out.String()) {
			var l logged
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if l.Error.Code != "" && l.Error.RequestID == "" {
				t.Errorf("%s: no request id", line)
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

// traced is a slog.Handler that sees the caller's context.
type traced struct {
	counter
	key  any
	seen sync.Map
}

func (h *traced) Handle(ctx context.Context, r slog.Record) error {
	h.seen.Store(r.Message, ctx.Value(h.key))
	return nil
}

func TestLogHasTheCallersContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	handler := &traced{key: key{}}
	client, _ := newEmulated(t, dingtalk.WithLogger(slog.New(handler)))
	if _, err := client.OpenConversationID(context.WithValue(within(t), key{}, "trace-1"), "any"); err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"dingtalk attempt", "dingtalk token"} {
		if value, _ := handler.seen.Load(message); value != "trace-1" {
			t.Errorf("%s: %v", message, value)
		}
	}
}
