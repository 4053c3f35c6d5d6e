// Package otel shows how to trace a client with OpenTelemetry: through the transport that the app hands it. It is a
// module of its own, so that the SDK does not depend on OpenTelemetry.
package otel

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// Tracing makes a span for each request that a client sends: each attempt of a call and each token call, with method,
// URL, status and duration. Headers, and so the access token, and bodies are not recorded; the URL holds the chat's id.
// A span of the caller's, in the context that is passed to a call, becomes the parent of the call's spans.
func Tracing(provider trace.TracerProvider) dingtalk.Option {
	return dingtalk.WithHTTPClient(&http.Client{
		Transport: otelhttp.NewTransport(dingtalk.NewTransport(), otelhttp.WithTracerProvider(provider)),
	})
}
