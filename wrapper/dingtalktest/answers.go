package dingtalktest

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

const (
	jsonType = "application/json;charset=UTF-8"
	htmlType = "text/html; charset=utf-8"
)

// action is how an answer is given.
type action int

const (
	respond  action = iota // an HTTP response
	truncate               // an HTTP response, and half of its body
	overrun                // an HTTP response with a body that is longer than it says
	trickle                // an HTTP response, byte by byte
	sendRaw                // bytes on the bare connection
	reset                  // the connection is reset
	hang                   // nothing, for as long as the client stays
	abort                  // the connection is cut
)

// responds says whether an HTTP response with a status is sent.
func (a action) responds() bool { return a <= trickle }

// answer is what the emulator will say to a request.
type answer struct {
	act         action
	status      int
	code        generated.Code // of an error; empty otherwise
	message     string
	scopes      []string
	edge        bool // it comes from before the gateway, and has no request id
	contentType string
	header      http.Header
	body        []byte        // nil for an error that has a code: it is made when it is sent
	interval    time.Duration // before each byte of the body, for trickle
}

// success answers 200 with a model of the contract.
func success(model any) answer {
	body, err := json.Marshal(model)
	if err != nil { // A model holds strings and numbers only.
		panic(err)
	}
	return answer{status: http.StatusOK, contentType: jsonType, body: body}
}

// refusal answers with a row of the catalogue. A code that has no row gets status 400 and itself for a message.
func refusal(code generated.Code) answer {
	return refusalBy(generated.LookupErrorCode(string(code)), code)
}

func refusalBy(row *generated.ErrorCode, code generated.Code) answer {
	a := answer{status: http.StatusBadRequest, code: code, message: string(code), contentType: jsonType}
	if row != nil {
		a.status, a.message = row.Status, row.Message
		if a.message == "" {
			a.message = row.Description
		}
		if row.Code == generated.CodePermissionDenied {
			a.scopes = []string{Scope}
		}
	}
	return a
}

// notRouted is how a path that the gateway does not know was answered: in the envelope of the legacy API, with 200.
func notRouted() answer {
	return answer{status: http.StatusOK, contentType: jsonType, body: []byte(`{"errcode":404,"errmsg":"请求的URI地址不存在"}`)}
}

// banPage is synthetic: that a banned address gets HTML is documented, neither the page nor its status is.
func banPage() answer {
	return answer{status: http.StatusForbidden, edge: true, contentType: htmlType, body: []byte(
		"<!DOCTYPE html>\n<html><head><title>Access denied</title></head>" +
			"<body><h1>403 Forbidden</h1><p>Your address is blocked.</p><hr>Tengine</body></html>\n")}
}

// banJSON has the shape of a published body, with an id of its own. The status is not known; 200 is the worst case.
func banJSON() answer {
	return answer{status: http.StatusOK, edge: true, contentType: jsonType, body: []byte(
		`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"` + strings.ToLower(newRequestID()) + `"}`)}
}

// send gives the answer.
func (e *Emulator) send(w http.ResponseWriter, r *http.Request, a answer, held <-chan struct{}) {
	switch a.act {
	case respond:
		a.write(w)
	case truncate:
		a.writePart(w)
	case trickle:
		a.trickle(w, r, held)
	case overrun:
		conn := hijack(w)
		_, _ = conn.Write(a.overlong())
		_ = conn.Close()
	case sendRaw:
		conn := hijack(w)
		_, _ = conn.Write(a.body)
		_ = conn.Close()
	case reset:
		conn := hijack(w)
		if tcp, ok := bare(conn).(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
			conn = tcp // without a TLS goodbye
		}
		_ = conn.Close()
	case hang:
		select {
		case <-r.Context().Done():
		case <-held:
		}
		panic(http.ErrAbortHandler)
	case abort:
		panic(http.ErrAbortHandler)
	}
}

func (a answer) write(w http.ResponseWriter) {
	body := a.prepare(w.Header())
	w.WriteHeader(a.status)
	if len(body) > 0 {
		_, _ = w.Write(body) // The client has left if this fails.
	}
}

// prepare sets the header of a response and returns its body.
func (a answer) prepare(header http.Header) []byte {
	id := newRequestID()
	if !a.edge {
		header[requestIDHeader] = []string{id}
	}
	if a.contentType != "" {
		header["Content-Type"] = []string{a.contentType}
	}
	for name, values := range a.header {
		header[name] = values
	}
	if a.code != "" && a.body == nil {
		return errorBody(a, id)
	}
	return a.body
}

// rejectsToken says whether a client is to drop its token after the answer: by its code, whoever wrote it, or by its status.
func (a answer) rejectsToken(r *route) bool {
	if !a.act.responds() {
		return false
	}
	code := string(a.code)
	if code == "" {
		var said struct {
			Code   string      `json:"code"`
			Legacy json.Number `json:"errcode"`
		}
		_ = json.Unmarshal(a.body, &said) // A body of another kind has no code.
		code = cmp.Or(said.Code, said.Legacy.String())
	}
	row := generated.LookupErrorCode(code)
	if r != nil {
		row = r.Operation.LookupErrorCode(code)
	}
	return a.status == http.StatusUnauthorized || row != nil && row.Token == generated.TokenDrop
}

func errorBody(a answer, id string) []byte {
	model := generated.APIError{Code: string(a.code), Message: a.message, RequestID: &id}
	if len(a.scopes) > 0 {
		model.AccessDeniedDetail = &generated.AccessDeniedDetail{RequiredScopes: a.scopes}
	}
	body, err := json.Marshal(model)
	if err != nil { // It holds strings only.
		panic(err)
	}
	return body
}

// hijack takes the connection from net/http. Where that is impossible, as under HTTP/2, the answer is a cut stream.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

// bare is the connection below TLS, if there is any.
func bare(conn net.Conn) net.Conn {
	if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return layered.NetConn()
	}
	return conn
}

// newRequestID makes up a request id of the form that captured answers have: an upper-case UUID.
func newRequestID() string {
	var raw [16]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		raw[i], raw[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	for i, b := range text {
		switch {
		case b == 0:
			text[i] = '-'
		case b >= 'a':
			text[i] = b - 'a' + 'A'
		}
	}
	return string(text[:])
}
