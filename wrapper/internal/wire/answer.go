package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// MaxBody caps a body after decompression, in bytes. Real bodies are below 1 KiB; a gateway's HTML page may be larger.
const MaxBody = 1 << 20

// ErrTooLarge is the cause of a failure when a body exceeds MaxBody.
var ErrTooLarge = fmt.Errorf("body is larger than %d bytes", MaxBody)

// ErrSwitched is the cause of a failure after a 1xx status. Its body may be a raw connection, and is not read.
var ErrSwitched = errors.New("the status announces another protocol or a later answer, and none came")

// Answer is a response read to its end. Do not use its fields after Release.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte

	limited source       // of buffer
	buffer  bytes.Buffer // holds Body
}

// source is a body up to the cap. One whose reads bring neither bytes nor an error ends with its context.
type source struct {
	io.LimitedReader
	ctx context.Context
}

func (s *source) Read(p []byte) (n int, err error) {
	if n, err = s.LimitedReader.Read(p); n == 0 && err == nil {
		err = s.ctx.Err()
	}
	return n, err
}

var answers = sync.Pool{New: func() any { return new(Answer) }}

// read reads a response. The answer has status and header even if reading the body fails.
func read(ctx context.Context, resp *http.Response) (*Answer, error) {
	a := answers.Get().(*Answer)
	a.Status, a.Header = resp.StatusCode, resp.Header
	if a.Status >= http.StatusContinue && a.Status < http.StatusOK {
		return a, ErrSwitched
	}
	// One byte above the cap detects a body that is too large; cutting it off would corrupt it.
	a.limited = source{io.LimitedReader{R: resp.Body, N: MaxBody + 1}, ctx}
	body, err := decompressed(resp.Header, &a.limited)
	if err != nil {
		return a, err
	}
	a.buffer.Grow(int(min(max(resp.ContentLength, 0), MaxBody)) + bytes.MinRead)
	n, err := a.buffer.ReadFrom(body)
	if n > MaxBody || a.limited.N <= 0 {
		err = ErrTooLarge
	}
	a.Body = bytes.TrimPrefix(a.buffer.Bytes(), byteOrderMark)
	return a, err
}

// byteOrderMark starts the bodies of some gateways; encoding/json refuses it.
var byteOrderMark = []byte("\ufeff")

// decompressed returns a body, decompressed up to the cap: some gateways compress, though the client asks for none.
func decompressed(header http.Header, body io.Reader) (io.Reader, error) {
	encoding := strings.ToLower(strings.TrimSpace(header.Get("Content-Encoding")))
	if encoding != "gzip" && encoding != "x-gzip" {
		return body, nil
	}
	inflated, err := gzip.NewReader(body)
	if errors.Is(err, io.EOF) {
		return http.NoBody, nil // as net/http does
	}
	return io.LimitReader(inflated, MaxBody+1), err
}

// Release returns an answer to the pool, unless its buffer is large and the body is not.
func (a *Answer) Release() {
	if a != nil && a.buffer.Cap() <= max(64<<10, 2*a.buffer.Len()) {
		a.Header, a.Body, a.limited = nil, nil, source{}
		a.buffer.Reset()
		answers.Put(a)
	}
}

// RetryAfter parses the Retry-After header: seconds, or a date with a named or numeric zone. It returns 0 for a
// missing, invalid or past value.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0 // the usual case: two failed parses would cost more than the rest of an error
	}
	if wait, ok := text.Seconds(value); ok {
		return wait
	}
	date, err := http.ParseTime(value)
	if err != nil {
		date, _ = time.Parse(time.RFC1123Z, value) // the zero time is past, too
	}
	return min(max(date.Sub(now), 0), text.MaxWait)
}

// ThrottledFor returns how long the throttle in a message such as «…限制将在 2006-01-02 15:04:05 结束» still lasts, or 0.
// Messages are not contractual, so this may lengthen a wait and decides nothing else.
func ThrottledFor(message string, now time.Time) time.Duration {
	for i := 0; i+len(time.DateTime) <= len(message); i++ {
		if end, err := time.Parse(time.DateTime, message[i:i+len(time.DateTime)]); err == nil {
			return max(end.Add(-8*time.Hour).Sub(now), 0) // it is China's time, which has had no summer time since 1991
		}
	}
	return 0
}
