package official

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// Recorded is one request as it arrived.
type Recorded struct {
	Method string
	Path   string // as it stood in the request line, escaped
	Query  string // as it stood in the request line, escaped
	Header http.Header
	Body   []byte
}

// Values are the query's parameters, unescaped.
func (r Recorded) Values() (url.Values, error) { return url.ParseQuery(r.Query) }

// Recorder is a server on this machine that keeps the requests it gets, and answers each with the same bytes.
type Recorder struct {
	server *httptest.Server

	mu     sync.Mutex
	got    []Recorded
	answer []byte
}

// NewRecorder starts a recorder. Close it after use.
func NewRecorder() *Recorder {
	r := &Recorder{}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	return r
}

// Host is the recorder's host and port.
func (r *Recorder) Host() string { return strings.TrimPrefix(r.server.URL, "http://") }

// URL is the recorder's address.
func (r *Recorder) URL() string { return r.server.URL }

// Close ends the server.
func (r *Recorder) Close() { r.server.Close() }

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
		return Recorded{}, errors.New("not one request arrived, but " + paths(got))
	}
	return got[0], nil
}

func paths(got []Recorded) string {
	if len(got) == 0 {
		return "none"
	}
	list := make([]string, len(got))
	for i, r := range got {
		list[i] = r.Method + " " + r.Path
	}
	return strings.Join(list, ", ")
}

func (r *Recorder) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the caller hung up; it has an error of its own
	}
	path, query, _ := strings.Cut(req.RequestURI, "?")
	r.mu.Lock()
	r.got = append(r.got, Recorded{Method: req.Method, Path: path, Query: query, Header: req.Header.Clone(), Body: body})
	answer := r.answer
	r.mu.Unlock()
	if len(answer) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	_, _ = w.Write(answer)
}
