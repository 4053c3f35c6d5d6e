package answer

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/hold"
)

// requestIDHeader is the name of the request id's header as net/http keeps it.
var requestIDHeader = http.CanonicalHeaderKey(generated.RequestIDHeader)

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
		if control.Flush() != nil || !hold.Sleep(r.Context(), held, a.Interval) {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body[i : i+1])
	}
}

// prepare sets the header of a response and returns its body.
func (a Answer) prepare(header http.Header) []byte {
	id := newRequestID()
	if !a.Edge {
		header[requestIDHeader] = []string{id}
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
