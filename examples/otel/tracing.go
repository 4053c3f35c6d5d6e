// Package otel shows how to trace a client with OpenTelemetry: through the transport that the app hands it. It is a
// module of its own, so that the SDK does not depend on OpenTelemetry.
package otel

import (
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Tracing makes a span for each request that a client sends: each attempt of a call and each token call, with method,
// URL, status and duration. Headers, and so the access token, and bodies are not recorded; the URL holds the chat's id.
// A span of the caller's, in the context that is passed to a call, becomes the parent of the call's spans.
func Tracing(provider trace.TracerProvider) dingtalk.Option {
	return dingtalk.WithHTTPClient(&http.Client{
		Transport: otelhttp.NewTransport(transport(), otelhttp.WithTracerProvider(provider)),
	})
}

// transport takes the place of the client's own, which comes with the same limits. All requests go to one host:
// [http.DefaultTransport] would keep two connections to it and close every other after its request, and would not notice
// an HTTP/2 connection that has died.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 64, 64
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second}
	return t
}
