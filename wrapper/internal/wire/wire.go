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
	"net/url"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Wire sends requests through an http.RoundTripper, without http.Client: it follows no redirect, so no token reaches
// another host, and keeps no cookies. It implements generated.HTTPRequestDoer.
type Wire struct {
	roundTripper http.RoundTripper
	transport    *http.Transport // the round tripper; nil: another may change requests, and its bodies may ignore contexts
	limit        time.Duration
	idle         sync.Pool // of *progress
}

// New makes a wire through rt, or through the shared transport if rt is nil. limit bounds one attempt, a day at most; 0 is [Timeout].
func New(rt http.RoundTripper, limit time.Duration) *Wire {
	if rt == nil {
		rt = shared
	}
	transport, _ := rt.(*http.Transport)
	return &Wire{roundTripper: rt, transport: transport, limit: cmp.Or(min(max(limit, 0), text.MaxWait), Timeout)}
}

// Limit returns the time limit of one attempt.
func (w *Wire) Limit() time.Duration { return w.limit }

// CloseIdle closes idle connections, if the round tripper can.
func (w *Wire) CloseIdle() { (&http.Client{Transport: w.roundTripper}).CloseIdleConnections() }

// Sender sends one request through a wire.
type Sender interface {
	Send(ctx context.Context) (*http.Response, error)
}

// Attempt sends one request, at most once, and reads its answer. Its time began at begun. The caller releases the answer,
// which is set, without a body, even if reading the body failed.
func (w *Wire) Attempt(caller context.Context, sender Sender, begun time.Time) (answer *Answer, failed *Failure) {
	ctx, progress := w.begin(caller, begun)
	var whole bool // with an answer, nothing of net/http still holds the progress
	defer func() { w.end(progress, whole && failed == nil) }()
	resp, err := sender.Send(ctx)
	if err == nil {
		if whole = w.transport != nil && progress.whole(); whole {
			defer resp.Body.Close()
		} else { // reading and closing may ignore the context, also while net/http is stuck in writing the request
			context.AfterFunc(ctx, func() { shut(resp.Body) })
		}
		if answer, err = read(ctx, resp); err == nil {
			return answer, nil
		}
		failed = &Failure{Stage: Body, Cause: err}
		if errors.Is(err, ErrSwitched) {
			failed.Stage = Switched
		}
	} else if failed = progress.failure; failed == nil {
		failed = &Failure{Stage: Unbuilt, Unsent: true, Cause: err}
	}
	failed.Took = time.Since(begun)
	if failed.Stage != Unbuilt && failed.Stage != Switched {
		failed.Ended = clock.Ended(caller)
		tooLate := errors.Is(context.Cause(ctx), ErrLimit) || errors.Is(failed.Cause, context.DeadlineExceeded)
		if failed.Late = failed.Ended == nil && tooLate; failed.Late {
			failed.Cause = ErrLimit
		}
	}
	if failed.Late || failed.Stage == NoAnswer && (errors.Is(failed.Cause, ErrAgain) || errors.Is(failed.Ended, context.DeadlineExceeded)) {
		w.CloseIdle() // the connection may be dead, and after a change of network the idle ones, too: the next attempt dials
	}
	return answer, failed
}

// Do sends a request for the generated client.
func (w *Wire) Do(req *http.Request) (*http.Response, error) {
	p := req.Context().(*tracked).progress // Attempt's
	p.plain = isPlain(w.transport, req)
	if w.transport == nil {
		req.Header = req.Header.Clone() // requests share it, and some foreign round trippers change it despite the rules
	}
	if getConn := p.theirs.GetConn; getConn != nil {
		getConn(net.JoinHostPort(req.URL.Hostname(), cmp.Or(req.URL.Port(), map[string]string{"http": "80"}[req.URL.Scheme], "443")))
	}
	resp, err := w.roundTripper.RoundTrip(req)
	if err == nil && resp == nil {
		err = errors.New("the round tripper returned neither an answer nor an error")
	}
	if err != nil {
		p.failure = w.unanswered(p, req, err)
		return nil, err
	}
	if resp.Body == nil {
		resp.Body = http.NoBody // as http.Client does
	}
	return resp, nil
}

// Timeout is the default limit of one attempt: far above the service's response times, and short enough for a retry.
const Timeout = 10 * time.Second

// shared is the transport of every client without one of its own: short-lived clients share connections.
var shared = &http.Transport{
	Proxy:             http.ProxyFromEnvironment,
	DialContext:       (&net.Dialer{Timeout: Timeout, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2: true,
	// With the standard library's 2 idle connections, a busy client dials for most calls; without a limit, whenever
	// another call takes its connection. 64 serve 30 times the service's highest rate limit.
	MaxIdleConnsPerHost:   64,
	MaxConnsPerHost:       64,
	IdleConnTimeout:       90 * time.Second,
	TLSHandshakeTimeout:   Timeout,
	ExpectContinueTimeout: time.Second,
	// Real headers are below 1 KiB. The standard library reads 10 MB of them.
	MaxResponseHeaderBytes: 64 << 10,
	// A dead HTTP/2 connection would otherwise fail every call until the kernel notices.
	HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	OnProxyConnectResponse: refuseTunnel,
}

// NewTransport returns a copy of the shared transport.
func NewTransport() *http.Transport { return shared.Clone() }

// begin starts an attempt, and returns the context of its request. The caller must end it.
func (w *Wire) begin(caller context.Context, now time.Time) (context.Context, *progress) {
	p, _ := w.idle.Get().(*progress)
	if theirs := httptrace.ContextClientTrace(caller); p == nil || theirs != nil {
		p = newProgress(theirs, w.limit)
	}
	p.leave = func() bool { return true }
	if caller.Done() != nil {
		end := func() { p.cancel(context.Cause(caller)) }
		if p.leave = context.AfterFunc(caller, end); caller.Err() != nil {
			end()
		}
	}
	defer guard.Lock(&p.mu)()
	p.sent, p.failure, p.deadline = sent{}, nil, now.Add(w.limit)
	if !p.running {
		p.timer.Reset(w.limit)
	}
	p.running = true
	return &tracked{caller, p}, p
}

// end ends an attempt, and its context unless another attempt may have it.
func (w *Wire) end(p *progress, reusable bool) {
	defer guard.Lock(&p.mu)()
	left := p.leave()
	p.deadline, p.conn, p.leave = time.Time{}, nil, nil // the caller's context does not stay in the pool
	if left && reusable && !p.own && p.end.Err() == nil {
		w.idle.Put(p)
	} else {
		p.cancel(nil)
		p.timer.Stop()
	}
}

// unanswered makes the failure of a round trip: what happened to the request comes from its progress, and the type of the
// error tells only why a request was not sent.
func (w *Wire) unanswered(p *progress, req *http.Request, err error) *Failure {
	f := &Failure{Stage: NoAnswer, Cause: err}
	var badProxy error
	if w.transport != nil && w.transport.Proxy != nil {
		var proxy *url.URL
		if proxy, badProxy = w.transport.Proxy(req); badProxy == nil && proxy != nil {
			f.Proxy = proxy.Host
		}
	}
	_, several := text.Find[interface {
		error
		Unwrap() []error
	}](err)
	defer guard.Lock(&p.mu)()
	switch {
	case badProxy != nil && !p.asked: // the error's text may hold a password
		f.Stage, f.Unsent, f.Cause = Unsent, true, ErrProxySetting
	case p.again: // net/http repeats on the same connection only a stream that the service refused
		f.Cause, f.Unsent = ErrAgain, p.same && w.transport != nil
	case p.wrote:
		if p.fresh && wantsCertificate(err) {
			f.Stage = Untrusted
		}
	case p.got && (w.transport == nil || req.Context().Err() != nil): // over HTTP/2 a cancelled request may have been written before its hook ran
	case !p.asked: // the transport calls no hooks
	case w.transport == nil && several: // the transport tried several ways, and only the last one's connection is known
	default:
		f.Stage, f.Unsent = unsentStage(err), true
	}
	return f
}
