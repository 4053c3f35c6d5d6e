// Package wire sends one attempt of a call: through a round tripper, within a time limit that covers the last byte, and
// up to a cap on the body. It decides nothing about codes, and repeats nothing.
package wire

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
)

// Wire is the way to the network. It goes to the http.RoundTripper directly, below http.Client: nothing follows a
// redirect, so no token travels to another host, and no cookie is kept. It implements generated.HttpRequestDoer.
type Wire struct {
	roundTripper http.RoundTripper
	foreign      bool // the round tripper is not net/http's: it may write to its requests, and its bodies may ignore contexts
	watches      watches
}

// New makes a wire through a round tripper, or through the one that all wires share if it is nil. limit is that of one
// attempt; 0 is [Timeout].
func New(rt http.RoundTripper, limit time.Duration) *Wire {
	if rt == nil {
		rt = shared()
	}
	_, standard := rt.(*http.Transport)
	return &Wire{roundTripper: rt, foreign: !standard, watches: watches{limit: cmp.Or(max(limit, 0), Timeout)}}
}

// Limit is the time limit of one attempt.
func (w *Wire) Limit() time.Duration { return w.watches.limit }

// CloseIdle closes connections that no call uses, where the round tripper can.
func (w *Wire) CloseIdle() {
	if t, ok := w.roundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Sender sends one request through a wire.
type Sender interface {
	Send(ctx context.Context) (*http.Response, error)
}

// Attempt sends one request and reads its answer. The caller releases the answer; it is there, without a body, even if
// that could not be read.
func (w *Wire) Attempt(caller context.Context, sender Sender) (*Answer, *Failure) {
	ctx, watch := w.watches.begin(caller)
	defer w.watches.end(watch)
	resp, err := sender.Send(ctx) // read closes the body
	if err != nil {
		failed := failureOf(err)
		failed.late(caller, tooLate(ctx))
		if failed.Late || failed.Stage == NoAnswer && errors.Is(clock.Ended(caller), context.DeadlineExceeded) {
			// Not a byte came. What is dead is the connection, perhaps, and so are those beside it that a network's change
			// left behind: the next attempt dials.
			w.CloseIdle()
		}
		return nil, failed
	}
	if w.foreign {
		closed := context.AfterFunc(ctx, func() { resp.Body.Close() })
		defer closed()
	}
	answer, err := read(resp)
	if err == nil {
		return answer, nil
	}
	failed := &Failure{Stage: Body, Cause: err}
	if errors.Is(err, ErrSwitched) {
		failed.Stage = Switched
	}
	failed.late(caller, tooLate(ctx))
	return answer, failed
}

// Do sends a request for the generated client.
func (w *Wire) Do(req *http.Request) (*http.Response, error) {
	if w.foreign {
		req.Header = req.Header.Clone() // it is shared, and other people's round trippers write to it although they must not
	}
	resp, err := w.roundTripper.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("the round tripper returned neither an answer nor an error")
	}
	if err == nil && resp.Body == nil {
		resp.Body = http.NoBody // as http.Client takes it
	}
	if err != nil {
		return nil, unanswered(w.roundTripper, req, err)
	}
	return resp, nil
}
