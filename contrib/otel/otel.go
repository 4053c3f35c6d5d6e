// Package dingtalkotel measures and traces a client with OpenTelemetry. It is a separate module: the SDK does not
// depend on OpenTelemetry.
//
//	telemetry, err := dingtalkotel.New()
//	client, err := dingtalk.NewClient(creds,
//		dingtalk.WithHTTPClient(&http.Client{Transport: telemetry.Transport(dingtalk.NewTransport())}),
//		dingtalk.WithLogger(telemetry.Logger(slog.Default())),
//		dingtalk.WithLimiter(telemetry.Limiter(fleet.Limiter(dingtalk.DefaultRate))),
//		dingtalk.WithBudget(telemetry.Budget(fleet.Budget(5000))),
//		dingtalk.WithCache(telemetry.Cache(fleet.Cache(24*time.Hour))))
//	err = telemetry.Fleet(fleet)
//	...
//	id, err := client.OpenConversationID(ctx, chatID)
//	telemetry.Done(ctx, &generated.OperationChatIDToOpenConversationID, err)
//
// The options are independent of each other. No attribute of a metric or span holds a chat id, a token or another secret.
//
// The client does not expose the state of its circuit breaker. A call refused by the circuit breaker fails without a
// request: [Telemetry.Done] counts it with the attribute dingtalk.local.
//
// dashboard.json in this folder is a Grafana dashboard of these metrics for Prometheus.
package dingtalkotel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// scope names the instrumentation.
const scope = "github.com/dingtalk-openapi/openconversation-go/contrib/otel"

// The attributes beyond those of the semantic conventions.
const (
	operationKey = attribute.Key("dingtalk.operation") // an operation's name, or other: see operation
	outcomeKey   = attribute.Key("dingtalk.outcome")   // ok, or a kind of error such as throttled
	localKey     = attribute.Key("dingtalk.local")     // the client refused the call itself
	resultKey    = attribute.Key("dingtalk.result")    // of a component: see each instrument
	budgetKey    = attribute.Key("dingtalk.budget")    // 1 for the first budget that the process measures, and so on
	appKey       = attribute.Key("dingtalk.app")       // of budgets and fleets: see WithApp
)

// Telemetry makes measuring components of a client. Make one with [New]; it serves any number of clients.
type Telemetry struct {
	tracer trace.Tracer
	meter  metric.Meter

	calls     metric.Int64Counter
	requests  metric.Int64Counter
	duration  metric.Float64Histogram
	backoff   metric.Float64Histogram
	limiter   metric.Float64Histogram
	throttles metric.Int64Counter
	budget    metric.Int64Counter
	strict    metric.Float64Histogram
	app       attribute.KeyValue
	cache     metric.Int64Counter
	used      metric.Int64ObservableGauge
	left      metric.Int64ObservableGauge

	mu    sync.Mutex
	names map[string]bool // of operations, at most maxNames
}

// maxNames bounds the values of the attribute for operations.
const maxNames = 200

// operation is an operation's name as an attribute: other for a call without a contract, whose name holds a path, and for
// names beyond maxNames.
func (t *Telemetry) operation(name string) attribute.KeyValue {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.names[name]:
	case name == "" || len(t.names) == maxNames || strings.ContainsAny(name, "/ ?"):
		return operationKey.String("other")
	default:
		t.names[name] = true
	}
	return operationKey.String(name)
}

// Option configures [New].
type Option func(*providers)

// WithApp names the app on the metrics of budgets and fleets. The name is the caller's own, and no app key.
func WithApp(name string) Option { return func(o *providers) { o.app = name } }

type providers struct {
	app    string
	tracer trace.TracerProvider
	meter  metric.MeterProvider
}

// WithTracerProvider replaces the global provider.
func WithTracerProvider(p trace.TracerProvider) Option { return func(o *providers) { o.tracer = p } }

// WithMeterProvider replaces the global provider.
func WithMeterProvider(p metric.MeterProvider) Option { return func(o *providers) { o.meter = p } }

// New makes the instruments. It returns an error if the provider refuses one.
func New(opts ...Option) (*Telemetry, error) {
	from := providers{tracer: otel.GetTracerProvider(), meter: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&from)
	}
	t := &Telemetry{app: appKey.String(from.app), names: map[string]bool{}, tracer: from.tracer.Tracer(scope), meter: from.meter.Meter(scope)}
	seconds := metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
	var failed []error
	count := func(name, unit, what string) metric.Int64Counter {
		made, err := t.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
		failed = append(failed, err)
		return made
	}
	spread := func(name, what string) metric.Float64Histogram {
		made, err := t.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), seconds)
		failed = append(failed, err)
		return made
	}
	t.calls = count("dingtalk.client.calls", "{call}", "Calls that ended, by operation and outcome.")
	t.requests = count("dingtalk.client.requests", "{request}", "Requests by operation and outcome, repeats and token calls too.")
	t.duration = spread("http.client.request.duration", "Duration of HTTP client requests.")
	t.backoff = spread("dingtalk.client.backoff", "Waits of calls before they are repeated.")
	t.limiter = spread("dingtalk.client.limiter.wait", "Waits of calls for the limiter.")
	t.throttles = count("dingtalk.client.throttles", "{request}", "Requests that the service throttled.")
	t.budget = count("dingtalk.client.budget.requests", "{request}", "Answers of the budget: granted, quota (used up), outage (not counted).")
	t.strict = spread("dingtalk.client.budget.wait", "Waits of calls for the budget: what a strict one waits in an outage.")
	gauge := func(name, what string) metric.Int64ObservableGauge {
		made, err := t.meter.Int64ObservableGauge(name, metric.WithUnit("{request}"), metric.WithDescription(what))
		failed = append(failed, err)
		return made
	}
	t.used = gauge("dingtalk.client.budget.used", "Requests of this month, by all processes.")
	t.left = gauge("dingtalk.client.budget.left", "Requests left of this month's budget.")
	t.cache = count("dingtalk.client.cache.lookups", "{lookup}", "Lookups in the cache: hit or miss.")
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("dingtalkotel: %w", err)
	}
	return t, nil
}

// Done counts a call with its error; operation is nil for one without a contract. No other metric sees calls refused
// without a request, as by an open circuit breaker.
func (t *Telemetry) Done(ctx context.Context, operation *generated.Operation, err error) {
	var e *dingtalk.Error
	local, name := errors.As(err, &e) && e.Local, t.operation(cmp.Or(operation, new(generated.Operation)).ID)
	t.calls.Add(ctx, 1, metric.WithAttributes(name, outcomeKey.String(outcome(err)), localKey.Bool(local)))
}

// outcome is "ok" or the name of the error's kind, so its cardinality is bounded.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	var kind *dingtalk.Kind
	var e *dingtalk.Error
	if errors.As(err, &e) && errors.As(e.Kind, &kind) {
		return string(kind.Name())
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline-exceeded"
	}
	return "other"
}
