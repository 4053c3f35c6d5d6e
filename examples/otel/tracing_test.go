package otel_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dingtalk-openapi/openconversation-go/examples/otel"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A call that fails once has three spans under the app's own: the token call and two attempts.
func TestSpanPerAttempt(t *testing.T) {
	server := dingtalktest.NewServer(t)
	server.FailNext(dingtalktest.Code(generated.CodeServiceBusy).For(generated.OperationChatIDToOpenConversationID))
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(server.URL), dingtalk.WithRetry(dingtalk.Retry{BaseDelay: time.Millisecond}), otel.Tracing(provider))
	if err != nil {
		t.Fatal(err)
	}

	ctx, parent := provider.Tracer("app").Start(t.Context(), "convert a chat")
	id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
	parent.End()
	if err != nil || id != dingtalktest.OpenConversationID {
		t.Fatalf("%q, %v", id, err)
	}

	var got []string
	for _, span := range recorder.Ended() {
		if span.SpanContext().SpanID() == parent.SpanContext().SpanID() {
			continue
		}
		if span.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("span %s is not the child of the app's", span.Name())
		}
		got = append(got, attributeOf(span, "http.response.status_code")+" "+pathOf(attributeOf(span, "url.full")))
		if text := fmt.Sprintf("%+v", tracetest.SpanStubFromReadOnlySpan(span)); strings.Contains(text, dingtalktest.AppSecret) || strings.Contains(text, server.IssueToken()) {
			t.Errorf("a secret is in: %s", text)
		}
	}
	const convert = "/v1.0/im/chat/" + dingtalktest.ChatID + "/convertToOpenConversationId"
	want := []string{"200 /v1.0/oauth2/accessToken", "503 " + convert, "200 " + convert}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("spans %q, want %q", got, want)
	}
}

// Bursts of calls find the connections of those before them.
func TestConnectionsAreKept(t *testing.T) {
	const bursts, calls, limit = 20, 16, 64
	emulator := dingtalktest.New(dingtalktest.WithAnyChat())
	t.Cleanup(emulator.Close)
	server := httptest.NewUnstartedServer(emulator)
	var opened atomic.Int64
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client, err := dingtalk.NewClient(dingtalk.StaticToken(emulator.IssueToken()), dingtalk.WithBaseURL(server.URL),
		dingtalk.WithLimiter(dingtalk.NewLimiter(1e6)), otel.Tracing(sdktrace.NewTracerProvider()))
	if err != nil {
		t.Fatal(err)
	}
	for range bursts {
		var all sync.WaitGroup
		for range calls {
			all.Go(func() {
				if _, err := client.OpenConversationID(t.Context(), "chat1"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if n := opened.Load(); n > limit {
		t.Errorf("%d connections for %d bursts of %d calls, at most %d", n, bursts, calls, limit)
	}
}

func attributeOf(span sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, a := range span.Attributes() {
		if a.Key == key {
			return a.Value.Emit()
		}
	}
	return ""
}

func pathOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
}
