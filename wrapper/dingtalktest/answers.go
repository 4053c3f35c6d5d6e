package dingtalktest

import (
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

const (
	jsonType = "application/json;charset=UTF-8"
	htmlType = "text/html; charset=utf-8"
)

// action is how an answer is given.
type action int

const (
	respond action = iota // an HTTP response
	sendRaw               // bytes on the bare connection
	reset                 // the connection is reset
	hang                  // nothing, for as long as the client stays
	abort                 // the connection is cut
)

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
	body        []byte // nil for an error that has a code: it is made when it is sent
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
func (e *Emulator) send(w http.ResponseWriter, r *http.Request, a answer) {
	switch a.act {
	case respond:
		a.write(w)
	case sendRaw:
		drain(r)
		conn := hijack(w)
		_, _ = conn.Write(a.body)
		_ = conn.Close()
	case reset:
		drain(r)
		conn := hijack(w)
		if tcp, ok := bare(conn).(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
			conn = tcp // without a TLS goodbye
		}
		_ = conn.Close()
	case hang:
		drain(r)
		select {
		case <-r.Context().Done():
		case <-e.done:
		}
		panic(http.ErrAbortHandler)
	case abort:
		panic(http.ErrAbortHandler)
	}
}

func (a answer) write(w http.ResponseWriter) {
	id := newRequestID()
	header := w.Header()
	if !a.edge {
		header[requestIDHeader] = []string{id}
	}
	if a.contentType != "" {
		header["Content-Type"] = []string{a.contentType}
	}
	for name, values := range a.header {
		header[name] = values
	}
	body := a.body
	if a.code != "" && body == nil {
		body = errorBody(a, id)
	}
	w.WriteHeader(a.status)
	if len(body) > 0 {
		_, _ = w.Write(body) // The client has left if this fails.
	}
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
