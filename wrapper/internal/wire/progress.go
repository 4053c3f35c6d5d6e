package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Stage is how far an attempt got.
type Stage int

// The stages. Which of them say that the service surely did not process the request is [Failure.Unsent].
const (
	Unbuilt   Stage = iota // the request could not be built
	Refused                // the proxy refused a tunnel
	Untrusted              // no trusted TLS connection
	Unsent                 // no connection
	NoAnswer               // no answer, though the request may have been sent
	Switched               // the answer's status was 1xx, which is not final
	Body                   // the answer's body is incomplete or too large
)

// ErrLimit is the cause of an attempt's end at its time limit.
var ErrLimit = fmt.Errorf("time limit of one attempt: %w", os.ErrDeadlineExceeded)

// Failure describes an attempt without a complete answer.
type Failure struct {
	_      [0]func() // no one compares it, and no app contains the code to
	Stage  Stage
	Unsent bool  // the service surely did not process the request
	Late   bool  // the attempt's time limit ended it
	Ended  error // the caller's context error, if it ended the attempt
	Cause  error
	Proxy  string // host of the proxy in use, without user and password
	Took   time.Duration
}

// unsentStage returns how far a request came that was surely not sent. A TLS failure, which another attempt does not cure, is an
// untrusted peer, or no common version or cipher: crypto/tls has no type for most, nor for the peer's alerts, and the
// caller's own certificate check may return errors of crypto/x509.
func unsentStage(err error) Stage {
	if _, refused := text.Find[*ProxyError](err); refused {
		return Refused
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if says := err.Error(); strings.HasPrefix(says, "tls: ") || strings.HasPrefix(says, "x509: ") {
			return Untrusted
		}
	}
	return Unsent
}

// ErrProxySetting replaces a proxy function's error, whose text may hold a password.
var ErrProxySetting = errors.New("the proxy setting is not usable (its text is kept back, since it may hold a password)")

// ProxyError is a proxy's refusal to open a tunnel.
type ProxyError struct{ Status int }

func (e *ProxyError) Error() string { return fmt.Sprintf("the proxy answered HTTP %d", e.Status) }

func refuseTunnel(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{Status: resp.StatusCode}
	}
	return nil
}

// ErrAgain is the cause of an attempt's end when its transport was about to send the request a second time: net/http
// repeats a request after some faults of a connection, without a limit over HTTP/2. One attempt is one request.
var ErrAgain = errors.New("the connection failed after the request was sent, and the transport was about to send it again")

// progress is one attempt: its time limit, and how far its request came. net/http reports the latter (httptrace), so
// that no text of an error decides whether the service may have processed a request.
type progress struct {
	mu sync.Mutex // guards all below

	// The time limit. Its timer runs on from one attempt to the next: to start one for each, as context.WithTimeout does,
	// wakes the thread that waits for the network, a tenth of the cost of a call.
	timer    *time.Timer
	running  bool      // the timer runs, and fires no later than the deadline of the next attempt
	deadline time.Time // zero between attempts

	// The end of an attempt. It serves the next one, too, if it did not come: net/http makes a channel and a map for each.
	end    context.Context
	cancel context.CancelCauseFunc
	leave  func() bool // ends the wait for the caller's end, and reports whether it did not come

	sent
	failure *Failure              // of the round trip; used by the attempt's goroutine alone
	trace   httptrace.ClientTrace // our hooks, which end with the caller's
	theirs  httptrace.ClientTrace
	own     bool // trace serves this attempt alone, since the caller has one, too
}

// sent is how far a request came.
type sent struct {
	plain      bool // net/http repeats it over HTTP/1.1 only if it wrote nothing of it
	asked, got bool // for a connection, and one
	conn       net.Conn
	fresh      bool // conn was dialled for this request
	http2      bool // conn is HTTP/2
	wrote      bool // the headers; over HTTP/1.1, into the connection's buffer
	written    bool // the whole request: no hook follows
	again      bool // stopped before a second request
	same       bool // again, on the same HTTP/2 connection
}

func newProgress(theirs *httptrace.ClientTrace, limit time.Duration) *progress {
	p := &progress{own: theirs != nil, running: true}
	p.timer = time.AfterFunc(limit, p.ring)
	p.end, p.cancel = context.WithCancelCause(context.Background())
	if p.own {
		p.theirs = *theirs
	}
	p.trace = p.theirs
	p.trace.GetConn = p.getConn
	p.trace.GotConn = p.gotConn
	p.trace.WroteHeaders = p.wroteHeaders
	p.trace.WroteRequest = p.wroteRequest
	return p
}

func (p *progress) ring() {
	defer guard.Lock(&p.mu)()
	left := time.Until(p.deadline)
	if p.running = left > 0; p.running {
		p.timer.Reset(left)
	} else if !p.deadline.IsZero() {
		p.cancel(ErrLimit)
	}
}

// tracked is the context of a request, with the attempt's end. It brings the trace to net/http without a value for each call,
// and without httptrace.WithClientTrace, which adds 30 KB of package reflect to an app.
type tracked struct {
	context.Context // the caller's
	progress        *progress
}

func (t *tracked) Value(key any) any {
	if key == traceKey {
		return &t.progress.trace
	}
	if end := t.progress.end.Value(key); end != nil { // package context looks for one that it knows
		return end
	}
	return t.Context.Value(key)
}

func (t *tracked) Done() <-chan struct{} { return t.progress.end.Done() }
func (t *tracked) Err() error            { return t.progress.end.Err() }

// traceKey is the key under which net/http looks for a trace.
var traceKey any

var _ = httptrace.ContextClientTrace(asked{context.Background()})

// asked is a context that notes the key it is asked for.
type asked struct{ context.Context }

func (asked) Value(key any) any {
	traceKey = key
	return nil
}

// getConn leaves the caller's hook to [Wire.Do]: net/http may hold a lock of every request over HTTP/2.
func (p *progress) getConn(string) {
	defer guard.Lock(&p.mu)()
	p.asked = true
	if p.wrote && !p.http2 { // over HTTP/2, the connection tells more
		p.repeats()
	}
}

func (p *progress) gotConn(info httptrace.GotConnInfo) {
	secure, isTLS := info.Conn.(*tls.Conn)
	http2 := isTLS && secure.ConnectionState().NegotiatedProtocol == "h2"
	p.mu.Lock()
	if p.wrote && !p.again {
		p.same = p.http2 && info.Conn == p.conn
		p.repeats()
	}
	stopped := p.again
	p.got, p.conn, p.fresh, p.http2 = true, info.Conn, !info.Reused, http2
	p.mu.Unlock()
	// Over HTTP/1.1, net/http writes without another look at the context. Others' streams are on a connection that is in use.
	if inUse := info.Reused && !info.WasIdle; stopped && !http2 && (isTLS || !inUse) {
		shut(info.Conn)
	}
	if p.theirs.GotConn != nil {
		p.theirs.GotConn(info)
	}
}

func (p *progress) wroteHeaders() {
	p.mu.Lock()
	if p.wrote { // a transport that sends two at once
		p.stop()
	}
	p.wrote = true
	p.mu.Unlock()
	if p.theirs.WroteHeaders != nil {
		p.theirs.WroteHeaders()
	}
}

func (p *progress) wroteRequest(info httptrace.WroteRequestInfo) {
	p.mu.Lock()
	p.written = true
	p.mu.Unlock()
	if p.theirs.WroteRequest != nil {
		p.theirs.WroteRequest(info)
	}
}

// repeats notes that the transport goes on after the headers were written. Of a plain request over HTTP/1.1, nothing
// left the buffer then: net/http may go on.
func (p *progress) repeats() {
	if p.plain && !p.http2 {
		p.got, p.wrote, p.written = false, false, false
		return
	}
	p.stop()
}

// shut closes what may be another's: a connection of HTTP/3 is none, and panics.
func shut(c io.Closer) { defer func() { _ = recover() }(); c.Close() }

func (p *progress) whole() bool { defer guard.Lock(&p.mu)(); return p.written }

// stop ends the attempt before a second request.
func (p *progress) stop() {
	p.again = true
	p.cancel(ErrAgain)
}

// isPlain reports whether the transport repeats a request over HTTP/1.1 only if it wrote nothing of it. Without TLS, a
// connection may be HTTP/2 if the transport allows that.
func isPlain(transport *http.Transport, req *http.Request) bool {
	_, idempotent := req.Header["Idempotency-Key"]
	_, idempotentX := req.Header["X-Idempotency-Key"]
	return transport != nil && !idempotent && !idempotentX && slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, req.Method) &&
		(transport.Protocols == nil || !transport.Protocols.UnencryptedHTTP2())
}

// wantsCertificate reports whether err is the alert 116 of TLS 1.3 (RFC 8446), of a server that wants a client's
// certificate. It arrives after the client's part of the handshake, and so after the request. crypto/tls does not export
// the type of an alert that a connection returns.
func wantsCertificate(err error) bool {
	remote, is := text.Find[*net.OpError](err)
	return is && remote.Op == "remote error" && remote.Err.Error() == tls.AlertError(116).Error()
}
