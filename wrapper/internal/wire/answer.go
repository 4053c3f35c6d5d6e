package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// MaxBody caps a body after decompression, in bytes. Real ones are below 1 KiB; a gateway's HTML page may be larger.
const MaxBody = 1 << 20

// ErrTooLarge is the cause of a failure at a body that passed the cap.
var ErrTooLarge = fmt.Errorf("body is larger than %d bytes", MaxBody)

// ErrSwitched is the cause of a failure at a 1xx status. What comes after one is not a body: a raw connection, perhaps.
var ErrSwitched = errors.New("the status announces another protocol or a later answer, and none came")

// Answer is a response that was read to its end. Its fields are not to be used after its release.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte

	limited io.LimitedReader // from which buffer is filled
	buffer  bytes.Buffer     // holds Body
}

var answers = sync.Pool{New: func() any { return new(Answer) }}

// read reads and closes a response. The answer's status and header are there even if its body fails.
func read(resp *http.Response) (*Answer, error) {
	defer resp.Body.Close()
	a := answers.Get().(*Answer)
	a.Status, a.Header = resp.StatusCode, resp.Header
	if a.Status >= http.StatusContinue && a.Status < http.StatusOK {
		return a, ErrSwitched
	}
	body, err := decompressed(resp)
	if err != nil {
		return a, err
	}
	// One byte more than the cap tells a body that is too large from one that just fits: cutting would corrupt it.
	a.limited = io.LimitedReader{R: body, N: MaxBody + 1}
	n, err := a.buffer.ReadFrom(&a.limited)
	if err == nil && n > MaxBody {
		err = ErrTooLarge
	}
	a.Body = bytes.TrimPrefix(a.buffer.Bytes(), byteOrderMark)
	return a, err
}

// byteOrderMark begins the bodies of some gateways; encoding/json refuses it.
var byteOrderMark = []byte("\ufeff")

// decompressed is a response's body. No encoding was asked for, but some gateways compress whatever is asked.
func decompressed(resp *http.Response) (io.Reader, error) {
	switch encoding := strings.TrimSpace(resp.Header.Get("Content-Encoding")); {
	case strings.EqualFold(encoding, "gzip"), strings.EqualFold(encoding, "x-gzip"):
	default:
		return resp.Body, nil
	}
	body, err := gzip.NewReader(resp.Body)
	if errors.Is(err, io.EOF) {
		return http.NoBody, nil // as net/http takes it
	}
	return body, err
}

// Release ends the use of an answer. One whose buffer a large body grew is not kept for others.
func (a *Answer) Release() {
	if a != nil && a.buffer.Cap() <= 64<<10 {
		a.Header, a.Body, a.limited.R = nil, nil, nil
		a.buffer.Reset()
		answers.Put(a)
	}
}
