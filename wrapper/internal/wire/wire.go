// Package wire sends one attempt of a call through a round tripper. A time limit covers the last byte, and a cap bounds
// the body. The package knows neither codes nor retries.
package wire

import (
	"cmp"
	"context"
	"errors"
	"net/http"
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
