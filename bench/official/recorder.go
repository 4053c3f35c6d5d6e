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
	Method, Path, Query string // as they stood in the request line, escaped
	Header              http.Header
	Body                []byte
}

// Values are the query's parameters, unescaped.
func (r Recorded) Values() (url.Values, error) { return url.ParseQuery(r.Query) }

// Recorder is a server on this machine that keeps the requests it gets, and answers each with the same bytes.
type Recorder struct {
	*httptest.Server

	mu     sync.Mutex
	got    []Recorded
	answer []byte
}

// NewRecorder starts a recorder. Close it after use.
func NewRecorder() *Recorder {
	r := &Recorder{}
	r.Server = httptest.NewServer(r)
	return r
}

// Host is the recorder's host and port.
func (r *Recorder) Host() string { return strings.TrimPrefix(r.URL, "http://") }

// Answer sets what the next requests are answered with, with status 200. No bytes are an answer without a body.
func (r *Recorder) Answer(body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = body
}

// Take returns the one request that arrived since the last call.
func (r *Recorder) Take() (Recorded, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	if len(got) != 1 {
		return Recorded{}, fmt.Errorf("not one request arrived, but %d", len(got))
	}
	return got[0], nil
}

// ServeHTTP implements [http.Handler].
func (r *Recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the caller hung up; it has an error of its own
	}
	path, query, _ := strings.Cut(req.RequestURI, "?")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, Recorded{Method: req.Method, Path: path, Query: query, Header: req.Header.Clone(), Body: body})
	if len(r.answer) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	_, _ = w.Write(r.answer)
}
