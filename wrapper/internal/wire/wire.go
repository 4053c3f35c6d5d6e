// Package wire sends one attempt of a call through a round tripper. A time limit covers the last byte, and a cap bounds
// the body. The package knows neither codes nor retries.
package wire

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// Wire sends requests through an http.RoundTripper, without http.Client: it follows no redirect, so no token reaches
// another host, and keeps no cookies. It implements generated.HTTPRequestDoer.
type Wire struct {
	roundTripper http.RoundTripper
	foreign      bool // a round tripper other than net/http's may change requests, and its bodies may ignore contexts
	limit        time.Duration
	idle         sync.Pool // of *progress
}

// New makes a wire through rt, or through the shared transport if rt is nil. limit bounds one attempt; 0 means
// [Timeout].
func New(rt http.RoundTripper, limit time.Duration) *Wire {
	if rt == nil {
		rt = shared()
	}
	_, standard := rt.(*http.Transport)
	return &Wire{roundTripper: rt, foreign: !standard, limit: cmp.Or(max(limit, 0), Timeout)}
}

// Limit returns the time limit of one attempt.
func (w *Wire) Limit() time.Duration { return w.limit }

// CloseIdle closes idle connections, if the round tripper can.
func (w *Wire) CloseIdle() {
	if t, ok := w.roundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Sender sends one request through a wire.
type Sender interface {
	Send(ctx context.Context) (*http.Response, error)
}

// Attempt sends one request, at most once, and reads its answer. The caller releases the answer, which is set, without a
// body, even if reading the body failed.
func (w *Wire) Attempt(caller context.Context, sender Sender) (answer *Answer, failed *Failure) {
	ctx, progress := w.begin(caller)
	defer func() {
		if failed != nil {
			failed.Took = progress.took(w.limit)
		}
		w.end(progress, failed == nil)
	}()
	resp, err := sender.Send(ctx) // read closes the body
	if err != nil {
		if failed = progress.failure; failed == nil {
			failed = &Failure{Stage: Unbuilt, Unsent: true, Cause: err}
		}
		failed.late(caller, tooLate(ctx))
		if failed.Late || failed.Stage == NoAnswer && (errors.Is(failed.Cause, ErrAgain) || errors.Is(failed.Ended, context.DeadlineExceeded)) {
			// The connection may be dead, and after a change of network the idle ones may be, too. The next attempt
			// dials.
			w.CloseIdle()
		}
		return nil, failed
	}
	if w.foreign {
		closed := context.AfterFunc(ctx, func() { resp.Body.Close() })
		defer closed()
	}
	answer, err = read(resp)
	if err == nil {
		return answer, nil
	}
	failed = &Failure{Stage: Body, Cause: err}
	if errors.Is(err, ErrSwitched) {
		failed.Stage = Switched
	}
	failed.late(caller, tooLate(ctx))
	return answer, failed
}

// Do sends a request for the generated client.
func (w *Wire) Do(req *http.Request) (*http.Response, error) {
	p, _ := req.Context().Value(progressKey{}).(*progress) // Attempt's
	p.follow(w.roundTripper, req)
	if w.foreign {
		req.Header = req.Header.Clone() // requests share it, and some foreign round trippers change it despite the rules
	}
	resp, err := w.roundTripper.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("the round tripper returned neither an answer nor an error")
	}
	if err == nil && resp.Body == nil {
		resp.Body = http.NoBody // as http.Client does
	}
	if err != nil {
		p.failure = w.unanswered(p, req, err)
		return nil, err
	}
	return resp, nil
}

// Timeout is the default limit of one attempt: far above the service's response times, and short enough for a retry.
const Timeout = 10 * time.Second

// maxConnections limits a process's connections to one host.
const maxConnections = 64

// shared is the transport of every client without one of its own: short-lived clients share connections.
var shared = sync.OnceValue(func() *http.Transport {
	return &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       (&net.Dialer{Timeout: Timeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true,
		// With the standard library's 2 idle connections, a busy client dials for most calls. Without a limit, it dials
		// again whenever another call takes its connection. 64 connections serve 30 times the service's highest rate
		// limit.
		MaxIdleConnsPerHost:   maxConnections,
		MaxConnsPerHost:       maxConnections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   Timeout,
		ExpectContinueTimeout: time.Second,
		// Real headers are below 1 KiB. The standard library reads 10 MB of them.
		MaxResponseHeaderBytes: 64 << 10,
		// A dead HTTP/2 connection would otherwise fail every call until the kernel notices.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		OnProxyConnectResponse: refuseTunnel,
	}
})

// NewTransport returns a copy of the shared transport.
func NewTransport() *http.Transport { return shared().Clone() }

// begin starts an attempt, and returns the context of its request. The caller must end it.
func (w *Wire) begin(caller context.Context) (context.Context, *progress) {
	p, _ := w.idle.Get().(*progress)
	if theirs := httptrace.ContextClientTrace(caller); theirs != nil {
		p = newProgress(*theirs)
		p.own = true
	} else if p == nil {
		p = newProgress(httptrace.ClientTrace{})
	}
	return &tracked{p.begin(caller, w.limit), p}, p
}

// end ends an attempt and its context. Only after an answer to a wholly written request is it certain that nothing of
// net/http still holds the progress.
func (w *Wire) end(p *progress, answered bool) {
	if p.end(answered && !p.own && !w.foreign) {
		w.idle.Put(p)
	}
}

// unanswered makes the failure of a round trip.
func (w *Wire) unanswered(p *progress, req *http.Request, err error) *Failure {
	transport, standard := w.roundTripper.(*http.Transport)
	f, asked := p.failed(req.Context(), standard, err)
	if standard && transport.Proxy != nil {
		switch u, failed := transport.Proxy(req); {
		case failed != nil && !asked: // the error's text may hold a password
			f.Stage, f.Unsent, f.Cause = Unsent, true, ErrProxySetting
		case failed == nil && u != nil:
			f.Proxy = u.Host
		}
	}
	return f
}
