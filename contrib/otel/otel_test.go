package dingtalkotel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	dingtalkotel "github.com/dingtalk-openapi/openconversation-go/contrib/otel"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// counted is a budget that knows its count, as those of package dingtalkredis do.
type counted struct{ used atomic.Int64 }

const budgetLimit = 3

func (c *counted) Spend(context.Context) error {
	if c.used.Load() >= budgetLimit {
		return &dingtalk.Error{Kind: dingtalk.ErrQuotaExhausted, Local: true}
	}
	c.used.Add(1)
	return nil
}
func (c *counted) Used(context.Context) (int, error) { return int(c.used.Load()), nil }
func (c *counted) Limit() int                        { return budgetLimit }

type memory map[string]string

func (m memory) Get(_ context.Context, chatID string) (string, bool) {
	id, ok := m[chatID]
	return id, ok
}
func (m memory) Set(_ context.Context, chatID, id string) { m[chatID] = id }

// measured is a client with all parts, and what a Prometheus reads of it.
type measured struct {
	server    *dingtalktest.Server
	telemetry *dingtalkotel.Telemetry
	client    *dingtalk.Client
	spans     *tracetest.SpanRecorder
	provider  *sdktrace.TracerProvider
	scrape    func() string
}

func measure(t *testing.T, opts ...dingtalk.Option) measured {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	m := measured{server: dingtalktest.NewServer(t), spans: tracetest.NewSpanRecorder()}
	m.provider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(m.spans))
	m.telemetry, err = dingtalkotel.New(dingtalkotel.WithTracerProvider(m.provider), dingtalkotel.WithApp("orders"),
		dingtalkotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))))
	if err != nil {
		t.Fatal(err)
	}
	m.client, err = dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}, append([]dingtalk.Option{
		dingtalk.WithBaseURL(m.server.URL), dingtalk.WithRetry(dingtalk.Retry{BaseDelay: time.Millisecond}),
		dingtalk.WithHTTPClient(&http.Client{Transport: m.telemetry.Transport(dingtalk.NewTransport())}),
		dingtalk.WithLogger(m.telemetry.Logger(slog.New(slog.DiscardHandler))),
		dingtalk.WithLimiter(m.telemetry.Limiter(dingtalk.NewLimiter(1000))),
		dingtalk.WithBudget(m.telemetry.Budget(&counted{})),
		dingtalk.WithCache(m.telemetry.Cache(memory{})),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	m.scrape = func() string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		text, _ := io.ReadAll(w.Body)
		return string(text)
	}
	return m
}

// convert makes calls that meet a failure, a hit of the cache, a chat that is unknown, a throttle and the budget's end.
func (m measured) convert(t *testing.T) {
	t.Helper()
	convert := generated.OperationChatIDToOpenConversationID
	call := func(chatID string) {
		_, err := m.client.OpenConversationID(t.Context(), chatID)
		m.telemetry.Done(t.Context(), &convert, err)
	}
	m.server.FailNext(dingtalktest.Code(generated.CodeServiceBusy).For(convert))
	call(dingtalktest.ChatID) // two requests
	call(dingtalktest.ChatID) // a hit
	call("chatUnknownToAll")
	call("chatBeyondTheBudget")
}

func TestMetrics(t *testing.T) {
	m := measure(t)
	m.convert(t)
	text := m.scrape()
	for _, want := range []string{
		`dingtalk_client_calls_total{dingtalk_local="false",dingtalk_operation="chatIdToOpenConversationId",dingtalk_outcome="ok",OTEL} 2`,
		`dingtalk_client_calls_total{dingtalk_local="false",dingtalk_operation="chatIdToOpenConversationId",dingtalk_outcome="invalid-chat-id",OTEL} 1`,
		`dingtalk_client_calls_total{dingtalk_local="true",dingtalk_operation="chatIdToOpenConversationId",dingtalk_outcome="quota-exhausted",OTEL} 1`,
		`dingtalk_client_requests_total{dingtalk_operation="chatIdToOpenConversationId",dingtalk_outcome="ok",OTEL} 1`,
		`dingtalk_client_requests_total{dingtalk_operation="chatIdToOpenConversationId",dingtalk_outcome="unavailable",OTEL} 1`,
		`dingtalk_client_requests_total{dingtalk_operation="getAccessToken",dingtalk_outcome="ok",OTEL} 1`,
		`dingtalk_client_backoff_seconds_count{dingtalk_operation="chatIdToOpenConversationId",dingtalk_outcome="unavailable",OTEL} 1`,
		`dingtalk_client_limiter_wait_seconds_count{dingtalk_result="passed",OTEL} 4`,
		`dingtalk_client_budget_requests_total{dingtalk_app="orders",dingtalk_budget="[0-9]+",dingtalk_result="granted",OTEL} 3`,
		`dingtalk_client_budget_requests_total{dingtalk_app="orders",dingtalk_budget="[0-9]+",dingtalk_result="quota",OTEL} 1`,
		`dingtalk_client_budget_used{dingtalk_app="orders",dingtalk_budget="[0-9]+",OTEL} 3`,
		`dingtalk_client_budget_left{dingtalk_app="orders",dingtalk_budget="[0-9]+",OTEL} 0`,
		`dingtalk_client_cache_lookups_total{dingtalk_result="hit",OTEL} 1`,
		`dingtalk_client_cache_lookups_total{dingtalk_result="miss",OTEL} 3`,
		`url_template="/v1.0/im/chat/{chatId}/convertToOpenConversationId"`,
	} {
		want = regexp.QuoteMeta(want)
		want = strings.NewReplacer(`\[0-9\]\+`, "[0-9]+", "OTEL", "otel[^}]*", ",OTEL", ",otel[^}]*").Replace(want)
		if !regexp.MustCompile(`(?m)` + want).MatchString(text) {
			t.Errorf("no line matches %s in:\n%s", want, text)
		}
	}
	secretFree(t, text)
}

// No text holds what must not be a label.
func secretFree(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{dingtalktest.ChatID, "chatUnknownToAll", "chatBeyondTheBudget", dingtalktest.AppSecret, dingtalktest.AppKey, dingtalktest.OpenConversationID} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in:\n%s", secret, text)
		}
	}
}

func TestThrottles(t *testing.T) {
	m := measure(t, dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 1}))
	m.server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(generated.OperationChatIDToOpenConversationID))
	if _, err := m.client.OpenConversationID(t.Context(), dingtalktest.ChatID); err == nil {
		t.Fatal("no throttle")
	}
	if text := m.scrape(); !regexp.MustCompile(`(?m)^dingtalk_client_throttles_total.* 1$`).MatchString(text) {
		t.Error(text)
	}
}

// A call that fails once has three spans under the app's own: the token call and two attempts.
func TestSpans(t *testing.T) {
	m := measure(t)
	m.server.FailNext(dingtalktest.Code(generated.CodeServiceBusy).For(generated.OperationChatIDToOpenConversationID))
	ctx, parent := m.provider.Tracer("app").Start(t.Context(), "convert a chat")
	id, err := m.client.OpenConversationID(ctx, dingtalktest.ChatID)
	parent.End()
	if err != nil || id != dingtalktest.OpenConversationID {
		t.Fatalf("%q, %v", id, err)
	}
	var got []string
	for _, span := range m.spans.Ended() {
		if span.SpanContext().SpanID() == parent.SpanContext().SpanID() {
			continue
		}
		if span.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("span %s is not the child of the app's", span.Name())
		}
		got = append(got, fmt.Sprint(span.Name(), " ", attributeOf(span, "http.response.status_code"), " ", span.Status().Code))
		text := fmt.Sprintf("%+v", tracetest.SpanStubFromReadOnlySpan(span))
		secretFree(t, text)
		if strings.Contains(text, m.server.IssueToken()) {
			t.Errorf("a token is in %s", text)
		}
	}
	const convert = "POST /v1.0/im/chat/{chatId}/convertToOpenConversationId"
	want := []string{"POST /v1.0/oauth2/accessToken 200 Unset", convert + " 503 Error", convert + " 200 Unset"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("spans %q, want %q", got, want)
	}
}

// A request that no answer came to has a span with the kind of the failure, and its host.
func TestSpanOfAFailure(t *testing.T) {
	m := measure(t, dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 1}))
	m.server.Close()
	if _, err := m.client.OpenConversationID(t.Context(), dingtalktest.ChatID); err == nil {
		t.Fatal("no failure")
	}
	if spans := m.spans.Ended(); len(spans) != 1 || attributeOf(spans[0], "error.type") != "connection" || attributeOf(spans[0], "server.address") != "127.0.0.1" {
		t.Errorf("%d spans", len(spans))
	}
}

// Calls without a contract, and any number of names, are few series; two budgets are two, and Redis is there or not.
func TestSeriesAreBounded(t *testing.T) {
	m := measure(t, dingtalk.WithLimiter(nil), dingtalk.WithBudget(nil))
	for i := range 300 {
		err := m.client.Do(t.Context(), http.MethodGet, fmt.Sprintf("/v1.0/users/secret-%d", i), nil, nil)
		m.telemetry.Done(t.Context(), &generated.Operation{ID: fmt.Sprintf("GET /v1.0/users/secret-%d", i)}, err)
		m.telemetry.Done(t.Context(), &generated.Operation{ID: fmt.Sprint("made", i)}, err)
		m.telemetry.Done(t.Context(), nil, err)
	}
	for range 2 {
		_ = m.telemetry.Budget(&counted{}).Spend(t.Context())
	}
	if err := m.telemetry.Fleet(gone{}); err != nil {
		t.Fatal(err)
	}
	text := m.scrape()
	for pattern, want := range map[string]int{
		`(?m)^dingtalk_client_calls_total`: 200, `(?m)^dingtalk_client_requests_total`: 2, `(?m)^dingtalk_client_budget_used`: 3, // one is measure's
		`(?m)^dingtalk_client_budget_requests_total`: 2, `(?m)^dingtalk_client_redis_used.* 0$`: 1, `(?m)^dingtalk_client_redis_fault.* 1$`: 1, "secret": 0, `dingtalk_operation="other"`: 2,
	} {
		if got := len(regexp.MustCompile(pattern).FindAllString(text, -1)); got != want {
			t.Errorf("%s: %d series, want %d", pattern, got, want)
		}
	}
}

type gone struct{}

func (gone) UsesRedis() bool     { return false }
func (gone) Misconfigured() bool { return true }

// Each query of the dashboard names metrics and labels that a Prometheus has. Its first row are figures that change colour.
func TestDashboard(t *testing.T) {
	content, _ := os.ReadFile("dashboard.json")
	var board struct {
		Panels []struct {
			Title, Type string
			FieldConfig struct {
				Defaults struct{ Thresholds struct{ Steps []any } }
			}
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &board); err != nil {
		t.Fatal(err)
	}
	m := measure(t, dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 2, BaseDelay: time.Millisecond}))
	m.convert(t)
	m.server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(generated.OperationChatIDToOpenConversationID))
	text := m.scrape()
	series := regexp.MustCompile(`[a-z_]+_(?:total|bucket|count|sum|used|left|fault)\b`)
	labels := regexp.MustCompile(`(?:by \(|\{)([a-z_, ]+)`)
	panels, figures := 0, 0
	for _, panel := range board.Panels {
		if panel.Type == "stat" && len(panel.FieldConfig.Defaults.Thresholds.Steps) > 1 {
			figures++
		}
		for _, target := range panel.Targets {
			panels++
			for _, name := range series.FindAllString(target.Expr, -1) {
				if name != "dingtalk_client_throttles_total" && !strings.Contains(name, "_redis_") && !strings.Contains(text, "\n"+name+"{") {
					t.Errorf("%s: no metric %s", panel.Title, name)
				}
			}
			for _, found := range labels.FindAllStringSubmatch(target.Expr, -1) {
				for label := range strings.SplitSeq(found[1], ",") {
					if label = strings.TrimSpace(label); label != "" && !strings.Contains(text, label+"=") {
						t.Errorf("%s: no label %s", panel.Title, label)
					}
				}
			}
		}
	}
	if panels < 8 || figures != 6 {
		t.Errorf("%d queries, %d figures", panels, figures)
	}
}

func attributeOf(span sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, a := range span.Attributes() {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}
