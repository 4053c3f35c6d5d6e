// Package admin controls a running emulator over HTTP, for tests in other processes and other languages: what it saw,
// what it is to do next, and what it is set up for. openapi.yaml describes it.
//
// Everything is one of the methods of [dingtalktest.Emulator]: a program that has the emulator in its own process needs none of this.
package admin

import (
	"bytes"
	"context"
	_ "embed" // openapi.yaml
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

//go:embed openapi.yaml
var description []byte

// OpenAPI is the description of the API, OpenAPI 3.0.3 as YAML.
func OpenAPI() []byte { return slices.Clone(description) }

const (
	defaultWait = 10 // seconds
	maxWait     = 60 // seconds
	maxCount    = 100_000
)

// Handler serves the admin API. Serve it on its own listener. It asks for no credentials, and refuses requests that a browser
// sends for a page of another site.
func Handler(e *dingtalktest.Emulator) http.Handler {
	now := func() (any, error) { return map[string]time.Time{"now": e.Now().UTC()}, nil }
	mux, operations := http.NewServeMux(), map[string]func(*http.Request) (any, error){
		"GET /healthz":        func(*http.Request) (any, error) { return map[string]string{"status": "ok"}, nil },
		"GET /openapi.yaml":   func(*http.Request) (any, error) { return document(description), nil },
		"POST /reset":         done(e.Reset),
		"GET /requests":       func(r *http.Request) (any, error) { return requests(e, r) },
		"DELETE /requests":    done(e.ResetRequests),
		"GET /counts":         func(*http.Request) (any, error) { return e.Counts(), nil },
		"GET /faults":         func(*http.Request) (any, error) { return e.Faults(), nil },
		"POST /faults":        reading(func(queue []dingtalktest.Fault) (any, error) { return nil, e.Queue(queue...) }),
		"DELETE /faults":      done(e.ClearFaults),
		"GET /fault-kinds":    func(*http.Request) (any, error) { return dingtalktest.FaultKinds(), nil },
		"GET /groups":         func(r *http.Request) (any, error) { return groups(e, r) },
		"GET /messages":       func(*http.Request) (any, error) { return e.Messages(), nil },
		"GET /settings":       func(*http.Request) (any, error) { return e.Settings(), nil },
		"POST /tokens":        func(*http.Request) (any, error) { return map[string]string{"accessToken": e.IssueToken()}, nil },
		"POST /tokens/reject": done(e.RejectTokens),
		"POST /tokens/expire": done(e.ExpireTokens),
		"GET /quota":          func(*http.Request) (any, error) { return map[string]int{"used": e.QuotaUsed()}, nil },
		"DELETE /quota":       done(e.ResetQuota),
		"GET /clock":          func(*http.Request) (any, error) { return now() },
		"POST /groups": reading(func(g dingtalktest.Group) (any, error) {
			e.SetGroup(g)
			set, _ := e.Group(g.ChatID) // complete
			return set, nil
		}),
		"POST /messages/read": reading(func(read struct {
			ProcessQueryKey string   `json:"processQueryKey" required:"true" min:"1" max:"1000"`
			UserIDs         []string `json:"userIds" required:"true" min:"1" max:"1000"`
		}) (any, error) {
			switch {
			case len(read.UserIDs) == 0 || len(read.UserIDs) > maxReaders:
				return nil, fmt.Errorf("userIds: give 1 to %d users", maxReaders)
			case !e.MarkRead(read.ProcessQueryKey, read.UserIDs...):
				return nil, statusError{http.StatusNotFound, "no message has this processQueryKey"}
			}
			return nil, nil
		}),
		"PATCH /settings": reading(func(given json.RawMessage) (any, error) {
			err := e.ConfigureJSON(given)
			return e.Settings(), err
		}),
		"POST /clock": reading(func(move struct {
			Advance dingtalktest.Duration `json:"advance" required:"true"`
		}) (any, error) {
			d := time.Duration(move.Advance)
			if e.Now().Add(d).Year() > 2200 {
				return nil, errors.New("the time would be later than 2200")
			}
			e.AdvanceClock(d)
			return now()
		}),
	}
	for pattern, handle := range operations {
		mux.HandleFunc(pattern, answering(handle))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNotFound
		for pattern := range operations {
			if strings.HasSuffix(pattern, " "+r.URL.Path) {
				status = http.StatusMethodNotAllowed
			}
		}
		problem(w, statusError{status, http.StatusText(status) + ": GET /openapi.yaml describes this API"})
	})
	return sameSite(mux)
}

// requests answers GET /requests.
func requests(e *dingtalktest.Emulator, r *http.Request) (any, error) {
	query := r.URL.Query()
	f := dingtalktest.Filter{
		Operation: query.Get("operation"), ChatID: query.Get("chatId"), Code: generated.Code(query.Get("code")), Fault: query.Get("fault"),
	}
	status, err1 := number(query, "status", 100, 999, 0)
	after, err2 := number(query, "after", 0, 9_000_000_000_000_000_000, 0)
	wait, err3 := number(query, "wait", 0, maxCount, 0)
	timeout, err4 := number(query, "timeout", 0, maxWait, defaultWait)
	if err := errors.Join(err1, err2, err3, err4, known(query, "operation", "chatId", "status", "code", "fault", "after", "wait", "timeout")); err != nil {
		return nil, err
	}
	f.Status, f.After = int(status), after
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(timeout)*time.Second)
	defer cancel()
	found, late := e.WaitRequests(ctx, int(wait), f)
	seen := struct {
		Requests []dingtalktest.Request `json:"requests"`
		Dropped  int64                  `json:"dropped"`
	}{found, e.Dropped()}
	if late != nil {
		return withStatus{http.StatusRequestTimeout, seen}, nil
	}
	return seen, nil
}

// maxReaders is how many users may be added in one request.
const maxReaders = 1000

// groups answers GET /groups: those that were created or changed, or the one of a chat id.
func groups(e *dingtalktest.Emulator, r *http.Request) (any, error) {
	query := r.URL.Query()
	if err := known(query, "chatId"); err != nil || !query.Has("chatId") {
		return e.Groups(), err
	}
	found := []dingtalktest.Group{}
	if g, ok := e.Group(query.Get("chatId")); ok {
		found = append(found, g)
	}
	return found, nil
}

// What the body of a request may take.
const (
	maxBody  = 1 << 20 // bytes
	bodyTime = 5 * time.Second
)

// withStatus is an answer with another status than 200.
type withStatus struct {
	status int
	body   any
}

// statusError is a problem with another status than 400.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return e.text }

// document is an answer that is no JSON.
type document []byte

// done answers 204 after doing something.
func done(do func()) func(*http.Request) (any, error) {
	return func(*http.Request) (any, error) { do(); return nil, nil }
}

// answering sends what handle returns: JSON, or 204 for nothing, or a problem.
func answering(handle func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := receive(w, r); err != nil {
			problem(w, err)
			return
		}
		value, err := handle(r)
		if err != nil {
			problem(w, err)
			return
		}
		switch value := value.(type) {
		case nil:
			w.WriteHeader(http.StatusNoContent)
		case document:
			w.Header().Set("Content-Type", "application/yaml")
			_, _ = w.Write(value) // The client has left if this fails.
		case withStatus:
			send(w, value.status, value.body)
		default:
			send(w, http.StatusOK, value)
		}
	}
}

// receive reads a body into memory. The connection of one that does not arrive in time is cut.
func receive(w http.ResponseWriter, r *http.Request) error {
	if r.Body == http.NoBody {
		return nil
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(bodyTime)) // Not every writer of a test has one.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var long *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		panic(http.ErrAbortHandler)
	case errors.As(err, &long):
		return statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("a body has at most %d bytes", maxBody)}
	case err != nil:
		return fmt.Errorf("the body: %w", err)
	}
	_ = connection.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func problem(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var other statusError
	if errors.As(err, &other) {
		status = other.status
	}
	send(w, status, map[string]string{"error": err.Error()})
}

func send(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data.Encode(value), '\n')) // The client has left if this fails.
}

// sameSite refuses requests that a browser sends for a page of another site.
func sameSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, statusError{http.StatusForbidden, "this request comes from a page of another site"})
	}))
	return protection.Handler(next)
}

// known rejects unknown parameters: a misspelt filter would match everything.
func known(query map[string][]string, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no parameter %q: there are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

func number(query map[string][]string, name string, least, most, otherwise int64) (int64, error) {
	values, given := query[name]
	if !given {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s %q is not a number from %d to %d", name, values[0], least, most)
	}
	return n, nil
}

// reading answers a request whose body is a T: all of it and nothing that a T does not have.
func reading[T any](do func(T) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
			return nil, statusError{http.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json"}
		}
		var body T
		raw, err := io.ReadAll(r.Body) // It is in memory.
		if err == nil {
			err = data.Decode(raw, &body)
		}
		if err != nil {
			return nil, err
		}
		return do(body)
	}
}
