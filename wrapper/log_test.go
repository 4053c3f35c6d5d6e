package dingtalk_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// story makes calls with every logged event.
func story(t *testing.T, level slog.Level) []map[string]any {
	t.Helper()
	var out told
	client, server := newEmulated(t, newHandClock().option(),
		dingtalk.WithLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level}))))
	const id = generated.RequestIDHeader
	server.FailNext(
		dingtalktest.Code(generated.CodeServiceBusy).For(tokenOp),
		dingtalktest.Pass().For(tokenOp).WithHeader(id, "REQ-T"),
		dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp).WithHeader(id, "REQ-1"),
		dingtalktest.Pass().For(convertOp).WithHeader(id, "REQ-2"),
	)
	convert(t, client, "any")
	server.FailNext(dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`"}`)).For(tokenOp))
	server.RejectTokens()
	server.FailNext(dingtalktest.Code(generated.CodeInvalidClientIDOrSecret).For(tokenOp))
	server.FailNext(dingtalktest.Code(generated.CodeInvalidAuthentication).For(convertOp))
	_ = refused(t, client, dingtalk.ErrUnauthenticated)
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		delete(fields, "time")
		lines = append(lines, fields)
	}
	return lines
}

func TestLog(t *testing.T) {
	t.Parallel()
	type line struct{ level, msg, op, requestID, code string }
	var got []line
	for _, fields := range story(t, slog.LevelDebug) {
		l := line{level: fields["level"].(string), msg: fields["msg"].(string)}
		l.op, _ = fields["op"].(string)
		l.requestID, _ = fields["request_id"].(string)
		if event, ok := fields["event"]; ok {
			l.msg += ": " + event.(string)
		}
		if failed, ok := fields["error"].(map[string]any); ok {
			l.code, _ = failed["code"].(string)
			if l.requestID == "" {
				l.requestID = "."
			}
			if id := failed["request_id"].(string); id == "" || l.op == convertOp.ID && l.msg == "dingtalk attempt" && l.requestID != "REQ-1" && id != l.requestID {
				t.Errorf("%v: request id %q", fields, id)
			}
		}
		if !strings.HasPrefix(l.requestID, "REQ-") {
			l.requestID = ""
		}
		got = append(got, l)
	}
	const busy, qps, rejected, wrong = "serviceBusy", "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "InvalidAuthentication", "invalidClientIdOrSecret"
	want := []line{
		{"DEBUG", "dingtalk attempt", tokenOp.ID, "", busy},
		{"INFO", "dingtalk wait", tokenOp.ID, "", busy},
		{"DEBUG", "dingtalk attempt", tokenOp.ID, "REQ-T", ""},
		{"DEBUG", "dingtalk token: fetched", "", "", ""},
		{"DEBUG", "dingtalk attempt", convertOp.ID, "REQ-1", qps},
		{"INFO", "dingtalk wait", convertOp.ID, "", qps},
		{"DEBUG", "dingtalk attempt", convertOp.ID, "REQ-2", ""},
		{"DEBUG", "dingtalk attempt", convertOp.ID, "", rejected},
		{"DEBUG", "dingtalk attempt", tokenOp.ID, "", ""},
		{"WARN", "dingtalk: the service gave a token without a lifetime", "", "", ""},
		{"DEBUG", "dingtalk token: fetched", "", "", ""},
	}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	for level, allowed := range map[slog.Level][]string{
		slog.LevelInfo:  {"INFO", "WARN"},
		slog.LevelWarn:  {"WARN"},
		slog.LevelError: nil,
	} {
		seen := map[string]bool{}
		for _, fields := range story(t, level) {
			seen[fields["level"].(string)] = true
		}
		if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, allowed) {
			t.Errorf("at %s: %q, want %q", level, got, allowed)
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
