// Package answer is the emulator's answer to a request, and how it is sent: an HTTP response, a damaged one, bytes on the
// bare connection, or nothing.
package answer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

const (
	jsonType = "application/json;charset=UTF-8"
	htmlType = "text/html; charset=utf-8"
)

// Action is how an answer is given.
type Action int

// The actions.
const (
	Respond  Action = iota // an HTTP response
	Truncate               // an HTTP response, and half of its body
	Overrun                // an HTTP response with a body that is longer than it says
	Trickle                // an HTTP response, byte by byte
	Raw                    // bytes on the bare connection
	Reset                  // the connection is reset
	Hang                   // nothing, for as long as the client stays
	Abort                  // the connection is cut
)

// Responds reports whether an HTTP response with a status is sent.
func (a Action) Responds() bool { return a <= Trickle }

// Answer is the answer to a request.
type Answer struct {
	Action      Action
	Status      int
	Code        generated.Code // of an error; empty otherwise
	Message     string
	Scopes      []string
	Edge        bool // it comes from before the gateway, and has no request id
	ContentType string
	Header      http.Header
	Body        []byte        // nil for an error that has a code: it is made when it is sent
	Interval    time.Duration // before each byte of the body, for Trickle
}

// Success answers 200 with a model of the contract.
func Success(model any) Answer {
	return JSON(http.StatusOK, data.Encode(model))
}

// Bytes answers with bytes on the bare connection.
func Bytes(raw []byte) Answer { return Answer{Action: Raw, Body: raw} }

// JSON answers with a body of JSON.
func JSON(status int, body []byte) Answer {
	return Answer{Status: status, ContentType: jsonType, Body: body}
}

// Refusal answers with a row of the operation's own codes or of the catalogue. A code that has no row gets status 400 and itself
// for a message.
func Refusal(operation *generated.Operation, code generated.Code) Answer {
	a := Answer{Status: http.StatusBadRequest, Code: code, Message: string(code), ContentType: jsonType}
	if row := operation.LookupErrorCode(string(code)); row != nil {
		a.Status, a.Message = row.Status, cmp.Or(row.Message, row.Description)
		if row.Code == generated.CodePermissionDenied {
			a.Scopes = []string{cmp.Or(operation.Permission, generated.PermissionChatIDToOpenConversationID)}
		}
	}
	return a
}

// NotRouted is how a path that the gateway does not know was answered: in the envelope of the legacy API, with 200.
func NotRouted() Answer {
	return JSON(http.StatusOK, []byte(`{"errcode":404,"errmsg":"请求的URI地址不存在"}`))
}

// BanPage is synthetic: that a banned address gets HTML is documented, neither the page nor its status is.
func BanPage() Answer {
	return Answer{Status: http.StatusForbidden, Edge: true, ContentType: htmlType, Body: []byte(
		"<!DOCTYPE html>\n<html><head><title>Access denied</title></head>" +
			"<body><h1>403 Forbidden</h1><p>Your address is blocked.</p><hr>Tengine</body></html>\n")}
}

// BanJSON has the shape of a published body, with an id of its own. The status is not known; 200 is the worst case.
func BanJSON() Answer {
	return Answer{Status: http.StatusOK, Edge: true, ContentType: jsonType, Body: []byte(
		`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"` + strings.ToLower(newRequestID()) + `"}`)}
}

// Page is synthetic: that the edge answers some errors as HTML is documented, its pages are not.
func Page(status int) Answer {
	return Answer{Status: status, Edge: true, ContentType: htmlType, Body: fmt.Appendf(nil,
		"<!DOCTYPE html>\n<html><head><title>%d</title></head><body><h1>%d</h1><hr>Tengine</body></html>\n", status, status)}
}

// RejectsToken reports whether a client is to drop its token after the answer to a request of an operation: by its code, whoever
// wrote it, or by its status.
func (a Answer) RejectsToken(operation *generated.Operation) bool {
	if !a.Action.Responds() {
		return false
	}
	code := string(a.Code)
	if code == "" {
		var said struct {
			Code   string      `json:"code"`
			Legacy json.Number `json:"errcode"`
		}
		_ = json.Unmarshal(a.Body, &said) // A body of another kind has no code.
		code = cmp.Or(said.Code, said.Legacy.String())
	}
	row := operation.LookupErrorCode(code)
	return a.Status == http.StatusUnauthorized || row != nil && row.Token == generated.TokenDrop
}

// newRequestID makes up a request id of the form that captured answers have: an upper-case UUID.
func newRequestID() string {
	high, low := rand.Uint64(), rand.Uint64()
	return fmt.Sprintf("%08X-%04X-4%03X-%04X-%012X", uint32(high), uint16(high>>32), high>>52, low>>48&0x3fff|0x8000, low&(1<<48-1))
}

// legacyCodes are the legacy API's numbers of the gateway's refusals, where one was recorded.
var legacyCodes = map[generated.Code]generated.Code{
	generated.CodeMissingToken:          generated.CodeGetChatInvalidToken,
	generated.CodeInvalidAuthentication: generated.CodeGetChatInvalidToken,
	generated.CodeAppQPSLimit:           generated.CodeGetChatThrottled,
}

// Legacy puts an error into the legacy API's envelope, with its status 200. A code without a number there keeps the gateway's
// form: no answer of that kind was ever captured.
func (a Answer) Legacy() Answer {
	if a.Action != Respond || a.Code == "" || a.Body != nil {
		return a
	}
	if row := legacyCodes[a.Code]; row != "" {
		a.Message = generated.OperationGetChat.LookupErrorCode(string(row)).Message
		a.Code = row
	}
	number, err := strconv.Atoi(string(a.Code))
	if err != nil {
		return a
	}
	a.Status, a.Body = http.StatusOK, data.Encode(struct {
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
	}{number, a.Message})
	return a
}

// Send gives the answer. What waits is let go when held is closed. It panics with [http.ErrAbortHandler] where the connection
// is to be cut.
func (a Answer) Send(w http.ResponseWriter, r *http.Request, held <-chan struct{}) {
	switch a.Action {
	case Respond, Truncate, Trickle:
		a.write(w, r, held)
	case Overrun, Raw:
		if a.Action == Overrun {
			a.Body = a.overlong()
		}
		conn := hijack(w)
		_, _ = conn.Write(a.Body)
		_ = conn.Close()
	case Reset:
		conn := hijack(w)
		bare := conn
		if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
			bare = layered.NetConn() // below TLS
		}
		if tcp, ok := bare.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
			conn = tcp // without a TLS goodbye
		}
		_ = conn.Close()
	case Hang:
		select {
		case <-r.Context().Done():
		case <-held:
		}
		panic(http.ErrAbortHandler)
	case Abort:
		panic(http.ErrAbortHandler)
	}
}

// write sends a response, or half of one: net/http closes the connection then.
func (a Answer) write(w http.ResponseWriter, r *http.Request, held <-chan struct{}) {
	body := a.prepare(w.Header())
	switch a.Action {
	case Truncate:
		w.Header()["Content-Length"] = []string{strconv.Itoa(max(len(body), 1))}
		body = body[:len(body)/2]
	case Trickle:
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(a.Status)
	if a.Action != Trickle {
		_, _ = w.Write(body) // The client has left if this fails, or there is no body.
		return
	}
	control := http.NewResponseController(w)
	for i := range body {
		if control.Flush() != nil || !Sleep(r.Context(), held, a.Interval) {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body[i : i+1])
	}
}

// prepare sets the header of a response and returns its body.
func (a Answer) prepare(header http.Header) []byte {
	id := newRequestID()
	if !a.Edge {
		header.Set(generated.RequestIDHeader, id)
	}
	if a.ContentType != "" {
		header["Content-Type"] = []string{a.ContentType}
	}
	for name, values := range a.Header {
		header[name] = values
	}
	if a.Code != "" && a.Body == nil {
		model := generated.APIError{Code: string(a.Code), Message: a.Message, RequestID: &id}
		if len(a.Scopes) > 0 {
			model.AccessDeniedDetail = &generated.AccessDeniedDetail{RequiredScopes: a.Scopes}
		}
		return data.Encode(model)
	}
	return a.Body
}

// overlong is a response whose Content-Length is half of its body.
func (a Answer) overlong() []byte {
	header := http.Header{}
	body := a.prepare(header)
	header["Content-Length"] = []string{strconv.Itoa(len(body) / 2)}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n", a.Status, http.StatusText(a.Status))
	_ = header.Write(&b) // A buffer takes everything.
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// hijack takes the connection from net/http. Where that is impossible, as under HTTP/2, the answer is a cut stream.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

// Gate lets go of the requests that are waiting, now and once more when the emulator is closed. Make it with [NewGate].
type Gate struct {
	mu     sync.Mutex
	waits  chan struct{} // closed to let go
	closed bool
}

// NewGate returns a gate that holds.
func NewGate() *Gate { return &Gate{waits: make(chan struct{})} }

// Channel is closed when the requests that wait from now on are to be let go.
func (g *Gate) Channel() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waits
}

// Release lets go of those that wait now, and for good also of those that come. It may be called more than once.
func (g *Gate) Release(forGood bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	close(g.waits)
	if g.closed = forGood; !forGood {
		g.waits = make(chan struct{})
	}
}

// Sleep waits for d of real time. It returns false if ctx or done ended it.
func Sleep(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-done:
	}
	return false
}
