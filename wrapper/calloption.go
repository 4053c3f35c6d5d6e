package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// CallOption changes one call, or every call of a client with [WithCallOptions]. A nil option is skipped. With an invalid
// one, the call fails with [ErrRejected] before anything is sent.
type CallOption func(*callOptions) error

type callOptions struct {
	limit  time.Duration // of a whole call; 0: none
	header http.Header
	answer func(*wire.Answer) // of each request; nil: none came
}

// WithCallTimeout limits a whole call, with its waits, retries and the fetch of a token. The call then fails as if the
// deadline of its context had passed: with [context.DeadlineExceeded]. d must be positive. [WithTimeout] limits one
// attempt.
func WithCallTimeout(d time.Duration) CallOption {
	return option(oddIf(d <= 0, "WithCallTimeout: %s is not positive", d), func(o *callOptions) { o.limit = d })
}

// WithHeader sets a header of the requests. No error, log entry or formatted value holds its value. It refuses the
// token's header, those that net/http or a proxy sets, such as Host, Content-Length or Connection, and Accept-Encoding,
// because the cap on a body counts what was inflated. It refuses Idempotency-Key and X-Idempotency-Key, too: with them
// net/http repeats a POST by itself.
func WithHeader(name, value string) CallOption {
	err := generated.CheckHeader(name, value)
	if err == nil {
		err = text.CheckHeader(value)
	}
	switch strings.ToLower(name) {
	case "idempotency-key", "x-idempotency-key":
		err = errors.New("net/http repeats requests that have this header " + name)
	}
	if err != nil {
		err = fmt.Errorf("WithHeader: %w", err)
	}
	return option(err, func(o *callOptions) {
		if o.header == nil {
			o.header = http.Header{}
		}
		o.header.Set(name, value)
	})
}

// WithAnswer keeps what the service answered to the call's last request, whether it succeeded or failed, in answer. A
// call without an answer leaves the zero Answer. It serves one call at a time, and no client.
func WithAnswer(answer *Answer) CallOption {
	return option(oddIf(answer == nil, "WithAnswer: the answer is nil"), func(o *callOptions) {
		o.answer = func(got *wire.Answer) {
			if *answer = (Answer{}); got != nil {
				*answer = Answer{StatusCode: got.Status, Header: got.Header, RequestID: got.Header.Get(requestIDHeader)}
			}
		}
		o.answer(nil)
	})
}

// Answer is the raw answer to a request, as the service sent it: what it repeats is not redacted. Formatting prints the
// status alone.
type Answer struct {
	StatusCode int
	Header     http.Header
	RequestID  string // for DingTalk's support; of an error it may stand in Error.RequestID alone
}

// String names the status.
func (a Answer) String() string { return fmt.Sprintf("dingtalk.Answer(HTTP %d)", a.StatusCode) }

// Format is [Answer.String] for every verb of fmt.
func (a Answer) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.String()) }

var requestIDHeader = http.CanonicalHeaderKey(generated.RequestIDHeader)

// edit sets the headers of a request.
func (o *callOptions) edit(_ context.Context, r *http.Request) error {
	maps.Copy(r.Header, o.header)
	return nil
}

// apply applies options in their order.
func apply[T any, O ~func(T) error](to T, opts []O) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(to); err != nil {
			return err
		}
	}
	return nil
}

// option makes an option that sets something, unless its value is odd.
func option[T any](odd error, set func(T)) func(T) error {
	return func(to T) error {
		if odd == nil {
			set(to)
		}
		return odd
	}
}

// oddIf makes the error of an odd value.
func oddIf(odd bool, format string, args ...any) error {
	if !odd {
		return nil
	}
	return fmt.Errorf(format, args...)
}
