package official

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// Recorded is one request as it arrived.
type Recorded struct {
	Method          string
	Path, Unescaped string // the path as it stood in the request line, and what it means
	Query           url.Values
	Header          http.Header
	Body            any   // the JSON value, or absent
	err             error // of a query or a body that cannot be read
}

// Recorder is a server on this machine that keeps the requests it gets, and answers each with status 200 and the same bytes. No
// bytes are an answer without a body.
type Recorder struct {
	*httptest.Server
	mu     sync.Mutex
	got    []Recorded
	answer []byte
}

// NewRecorder starts a recorder. Close it after use.
func NewRecorder() *Recorder {
	r := &Recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	return r
}

// Host is the recorder's host and port.
func (r *Recorder) Host() string { return r.Listener.Addr().String() }

// Record makes a call, which gets the answer, and returns the one request that it sent.
func (r *Recorder) Record(answer []byte, call func()) (Recorded, error) {
	r.mu.Lock()
	r.got, r.answer = nil, answer
	r.mu.Unlock()
	call()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) != 1 {
		return Recorded{}, fmt.Errorf("%d requests arrived", len(r.got))
	}
	return r.got[0], r.got[0].err
}

func (r *Recorder) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the caller hung up; it has an error of its own
	}
	path, _, _ := strings.Cut(req.RequestURI, "?")
	got := Recorded{Method: req.Method, Path: path, Unescaped: req.URL.Path, Header: req.Header, Body: absent}
	if got.Query, got.err = url.ParseQuery(req.URL.RawQuery); got.err == nil && len(body) > 0 {
		got.Body, got.err = parse(body)
	}
	r.mu.Lock()
	r.got = append(r.got, got)
	answer := r.answer
	r.mu.Unlock()
	if len(answer) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	_, _ = w.Write(answer)
}
