package dingtalkotel

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Transport makes a span for each request (each attempt of a call, each token call) and measures its duration to the
// end of the answer's body, by the semantic conventions of HTTP clients. A span in the call's context becomes the
// parent. The path is the contract's, with {chatId} instead of the id. Transport records no headers or bodies, and adds no header.
func (t *Telemetry) Transport(base http.RoundTripper) http.RoundTripper {
	// The mux finds the contract's path of a request. An unknown request has none.
	paths := http.NewServeMux()
	for _, route := range generated.Routes {
		paths.HandleFunc(route.Operation.Method+" "+route.Operation.Path, http.NotFound)
	}
	return transport{base, t, paths}
}

type transport struct {
	base  http.RoundTripper
	to    *Telemetry
	paths *http.ServeMux
}

// CloseIdleConnections implements the client's method of this name.
func (r transport) CloseIdleConnections() {
	if base, ok := r.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (r transport) RoundTrip(req *http.Request) (*http.Response, error) {
	attrs, name := r.describe(req)
	ctx, span := r.to.tracer.Start(req.Context(), name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	begun := time.Now()
	var once sync.Once
	end := func(result ...attribute.KeyValue) {
		once.Do(func() {
			if slices.ContainsFunc(result, func(a attribute.KeyValue) bool { return a.Key == semconv.ErrorTypeKey }) {
				span.SetStatus(codes.Error, "")
			}
			span.SetAttributes(result...)
			span.End()
			measured := slices.DeleteFunc(append(attrs, result...), func(a attribute.KeyValue) bool { return a.Key == semconv.URLFullKey })
			r.to.duration.Record(context.WithoutCancel(ctx), time.Since(begun).Seconds(), metric.WithAttributes(measured...))
		})
	}
	resp, err := r.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		end(semconv.ErrorTypeKey.String(errorType(err)))
		return resp, err
	}
	status := []attribute.KeyValue{semconv.HTTPResponseStatusCode(resp.StatusCode)}
	if resp.StatusCode >= 400 {
		status = append(status, semconv.ErrorTypeKey.String(strconv.Itoa(resp.StatusCode)))
	}
	resp.Body = &body{ReadCloser: resp.Body, end: func(err error) {
		if err != nil && !errors.Is(err, io.EOF) && resp.StatusCode < 400 {
			status = append(status, semconv.ErrorTypeKey.String(errorType(err)))
		}
		end(status...)
	}}
	return resp, nil
}

// describe returns the attributes known before a request is sent.
func (r transport) describe(req *http.Request) (attrs []attribute.KeyValue, name string) {
	attrs = []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(req.Method), semconv.ServerAddress(req.URL.Hostname())}
	if port, err := strconv.Atoi(req.URL.Port()); err == nil {
		attrs = append(attrs, semconv.ServerPort(port))
	} else if req.URL.Scheme == "https" {
		attrs = append(attrs, semconv.ServerPort(443))
	}
	name, template := req.Method, "/REDACTED"
	if _, pattern := r.paths.Handler(&http.Request{Method: req.Method, URL: req.URL, Host: req.URL.Host}); pattern != "" {
		template = pattern[slices.Index([]byte(pattern), '/'):]
		attrs = append(attrs, semconv.URLTemplate(template))
		name = pattern
	}
	return append(attrs, semconv.URLFull(req.URL.Scheme+"://"+req.URL.Host+template)), name
}

// body detects the end of an answer.
type body struct {
	io.ReadCloser
	end func(error)
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end(err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.end(nil)
	return err
}

// errorType classifies an error, with bounded cardinality.
func errorType(err error) string {
	var timeout net.Error
	var lookup *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &lookup):
		return "dns"
	default:
		return "connection"
	}
}
