package dingtalktest

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// writePart announces the whole body and sends half of it. net/http closes the connection then.
func (a answer) writePart(w http.ResponseWriter) {
	body := a.prepare(w.Header())
	w.Header()["Content-Length"] = []string{strconv.Itoa(max(len(body), 1))}
	w.WriteHeader(a.status)
	_, _ = w.Write(body[:len(body)/2])
}

// overlong is a response whose Content-Length is half of its body.
func (a answer) overlong() []byte {
	header := http.Header{}
	body := a.prepare(header)
	header["Content-Length"] = []string{strconv.Itoa(len(body) / 2)}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %03d %s\r\n", a.status, http.StatusText(a.status))
	_ = header.Write(&b) // A buffer takes everything.
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// trickle sends a body byte by byte.
func (a answer) trickle(w http.ResponseWriter, r *http.Request, held <-chan struct{}) {
	body := a.prepare(w.Header())
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(a.status)
	control := http.NewResponseController(w)
	for i := range body {
		if control.Flush() != nil || !sleep(r.Context(), held, a.interval) {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(body[i : i+1]); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}
