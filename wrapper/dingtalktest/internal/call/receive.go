package call

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// bodyLimit is how much of a request's body is read, in bytes. A token request takes about a hundred.
const bodyLimit = 64 << 10

// uploadLimit is the same for a request with files. The service's own limit is not known.
const uploadLimit = 32 << 20

func limitOf(r *http.Request) int64 {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return uploadLimit
	}
	return bodyLimit
}

// Receive reads a request's body, so that what follows reads it from memory. It returns false if the body did not arrive in
// time: half a request would otherwise hold its connection for ever. net/http notices that a client has left only once the
// body is read, and closing a connection that holds unread bytes resets it before the client has read what was sent.
func Receive(w http.ResponseWriter, r *http.Request, within time.Duration) (received *http.Request, complete bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, true
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(within)) // Not every writer of a test has one.
	body, err := io.ReadAll(io.LimitReader(r.Body, limitOf(r)+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return r, false
	}
	// What is left of a longer body, net/http reads or gives up by the same deadline.
	if int64(len(body)) <= limitOf(r) {
		_ = connection.SetReadDeadline(time.Time{})
	}
	received = new(http.Request)
	*received = *r
	received.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failed{err}))
	return received, true
}

// failed is a reader that has nothing but an error, or its end.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}
