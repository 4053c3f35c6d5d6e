package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/clock"
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

// tooLate reports whether the time limit ended an attempt's context.
func tooLate(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrLimit) }

// Failure describes an attempt without a complete answer.
type Failure struct {
	Stage  Stage
	Unsent bool  // the service surely did not process the request
	Late   bool  // the attempt's time limit ended it
	Ended  error // the caller's context error, if it ended the attempt
	Cause  error
	Proxy  string // host of the proxy in use, without user and password
	Took   time.Duration
}

// late records which limit ended an attempt, if any: its own or the caller's context.
func (f *Failure) late(caller context.Context, own bool) {
	if f.Stage == Unbuilt || f.Stage == Switched {
		return
	}
	f.Ended = clock.Ended(caller)
	if f.Ended == nil && (own || errors.Is(f.Cause, context.DeadlineExceeded)) {
		f.Late, f.Cause = true, ErrLimit
	}
}

// unsentStage returns how far a request came that was surely not sent.
func unsentStage(err error) Stage {
	if _, refused := text.Find[*ProxyError](err); refused {
		return Refused
	} else if isTLS(err) {
		return Untrusted
	}
	return Unsent
}

// several reports whether err joins errors: only the last one's connection is known.
func several(err error) bool {
	for err != nil {
		if _, is := err.(interface{ Unwrap() []error }); is {
			return true
		}
		err = errors.Unwrap(err)
	}
	return false
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

// isTLS reports whether err is a TLS failure that another attempt does not cure: an untrusted peer, or no common TLS
// version or cipher.
func isTLS(err error) bool {
	if _, ok := text.Find[*tls.CertificateVerificationError](err); ok {
		return true
	}
	// crypto/tls has no type for most other failures, nor for the peer's alerts. The caller's own certificate check may
	// return errors of crypto/x509.
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		err = cause
	}
	return strings.HasPrefix(err.Error(), "tls: ") || strings.HasPrefix(err.Error(), "x509: ")
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
	running  bool // the timer runs, and fires no later than the deadline of the next attempt
	deadline time.Time
	cancel   context.CancelCauseFunc // cancels the attempt in flight; nil between attempts

	sent

	failure *Failure // of the round trip; used by the attempt's goroutine alone

	trace  httptrace.ClientTrace
	theirs httptrace.ClientTrace // the caller's: its hooks are called, too, and not under mu
	own    bool                  // trace serves this attempt alone, since the caller has one, too
}

// sent is how far a request came.
type sent struct {
	plain bool // net/http repeats it over HTTP/1.1 only if it wrote nothing of it
	h2c   bool // a connection without TLS may be HTTP/2

	asked bool // for a connection
	conn  net.Conn
	fresh bool // conn was dialled for this request
	http1 bool // conn surely is HTTP/1.1
	http2 bool // conn surely is HTTP/2

	wrote   bool // the headers; over HTTP/1.1, into the connection's buffer
	written bool // the whole request: no hook follows
	again   bool // stopped before a second request
	same    bool // again, on the same HTTP/2 connection
}

func newProgress(theirs httptrace.ClientTrace) *progress {
	p := &progress{theirs: theirs, trace: theirs}
	p.trace.GetConn, p.trace.GotConn, p.trace.WroteHeaders, p.trace.WroteRequest = p.getConn, p.gotConn, p.wroteHeaders, p.wroteRequest
	return p
}

func (p *progress) ring() {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.deadline)
	if p.running = p.cancel != nil && left > 0; p.running {
		p.timer.Reset(left)
	} else if p.cancel != nil {
		p.cancel(ErrLimit)
	}
}

// tracked is the context of a request. It brings the trace to net/http without a value for each call, and without
// httptrace.WithClientTrace, which adds 30 KB of package reflect to an app.
type tracked struct {
	context.Context
	progress *progress
}

type progressKey struct{}

func (t *tracked) Value(key any) any {
	switch key {
	case progressKey{}:
		return t.progress
	case traceKey:
		return &t.progress.trace
	}
	return t.Context.Value(key)
}

// traceKey is the key under which net/http looks for a trace.
var traceKey = func() (key any) {
	httptrace.ContextClientTrace(&asked{context.Background(), &key})
	return key
}()

// asked is a context that notes the key it is asked for.
type asked struct {
	context.Context
	key *any
}

func (a *asked) Value(key any) any {
	*a.key = key
	return nil
}

// follow sets what the request and its transport say about repeats below us.
func (p *progress) follow(roundTripper http.RoundTripper, req *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if transport, standard := roundTripper.(*http.Transport); standard {
		p.h2c = transport.Protocols != nil && transport.Protocols.UnencryptedHTTP2()
		_, idempotent := req.Header["Idempotency-Key"]
		_, idempotentX := req.Header["X-Idempotency-Key"]
		p.plain = !idempotent && !idempotentX && slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, req.Method)
	}
}

func (p *progress) getConn(hostPort string) {
	if theirs := p.theirs.GetConn; theirs != nil {
		defer theirs(hostPort)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = true
	if p.wrote && !p.http2 { // over HTTP/2, the connection tells more
		p.repeats()
	}
}

func (p *progress) gotConn(info httptrace.GotConnInfo) {
	if theirs := p.theirs.GotConn; theirs != nil {
		defer theirs(info)
	}
	secure, isTLS := info.Conn.(*tls.Conn)
	http2 := isTLS && secure.ConnectionState().NegotiatedProtocol == "h2"
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrote && !p.again {
		p.same = p.http2 && info.Conn == p.conn
		p.repeats()
	}
	if p.again && !http2 {
		info.Conn.Close() // net/http writes without another look at the context
	}
	p.conn, p.fresh = info.Conn, !info.Reused
	p.http2, p.http1 = http2, !http2 && (isTLS || !p.h2c)
}

// repeats notes that the transport goes on after the headers were written. Of a plain request over HTTP/1.1, nothing
// left the buffer then: net/http may go on.
func (p *progress) repeats() {
	if p.http1 && p.plain {
		p.conn, p.wrote = nil, false
		return
	}
	p.stop()
}

// stop ends the attempt before a second request.
func (p *progress) stop() {
	p.again = true
	if p.cancel != nil {
		p.cancel(ErrAgain)
	}
}

func (p *progress) wroteHeaders() {
	if theirs := p.theirs.WroteHeaders; theirs != nil {
		defer theirs()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrote { // a transport that sends two at once
		p.stop()
	}
	p.wrote = true
}

func (p *progress) wroteRequest(info httptrace.WroteRequestInfo) {
	if theirs := p.theirs.WroteRequest; theirs != nil {
		defer theirs(info)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = true
}

// certificateRequired is the alert of TLS 1.3 (RFC 8446) from a server that wants a client's certificate. It arrives
// after the client's part of the handshake, and so after the request.
const certificateRequired = 116

// failed makes the failure of a round trip: what happened to the request comes from its progress, and the type of the
// error tells only why a request was not sent.
func (p *progress) failed(ctx context.Context, standard bool, err error) (f *Failure, asked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f = &Failure{Stage: NoAnswer, Cause: err}
	switch {
	case p.again && p.same && standard: // net/http repeats on the same connection only a stream that the service refused
		f.Cause, f.Unsent = ErrAgain, true
	case p.again:
		f.Cause = ErrAgain
	case p.wrote:
		if p.fresh && isAlert(err, certificateRequired) {
			f.Stage = Untrusted
		}
	case p.conn != nil && ctx.Err() != nil: // over HTTP/2 a cancelled request may have been written before its hook ran
	case !p.asked: // the transport calls no hooks
	case !standard && several(err): // the transport tried several ways
	default:
		f.Stage, f.Unsent = unsentStage(err), true
	}
	return f, p.asked
}

// isAlert reports whether err is the peer's TLS alert of this number. crypto/tls does not export the alert's type.
func isAlert(err error, number uint64) bool {
	remote, is := text.Find[*net.OpError](err)
	if !is || remote.Op != "remote error" {
		return false
	}
	alert := reflect.ValueOf(remote.Err)
	return alert.Kind() == reflect.Uint8 && alert.Uint() == number
}
