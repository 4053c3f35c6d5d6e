package admin

import (
	"bytes"
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

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

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

// api answers the requests that have parameters or a body.
type api struct{ emulator *dingtalktest.Emulator }

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

// readJSON reads a request's body, all of it and nothing that into does not have.
func readJSON(r *http.Request, into any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return statusError{http.StatusUnsupportedMediaType, "send JSON, with Content-Type: application/json"}
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil { // It is in memory.
		return err
	}
	return data.Decode(raw, into)
}
