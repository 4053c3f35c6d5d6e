package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// fault is a line of the bench: what a peer does to each request, and what the caller must get.
type fault struct {
	row      string // name of the row
	name     string // of this case of it
	does     script // to every request
	kind     error  // the one sentinel
	cause    error  // what it unwraps to besides, if it does
	status   int    // Error.StatusCode
	repeated bool   // whether the request is sent again
	timeout  bool   // Error.Timeout
	hangs    bool   // it takes the time limit of an attempt to notice
	text     string // part of the error's text
	notText  string // no part of it
}

// addFaults adds a row for each distinct fault.row, with its cases as subtests.
func addFaults(faults []fault) {
	cases := map[string][]fault{}
	for _, f := range faults {
		cases[f.row] = append(cases[f.row], f)
	}
	for row, of := range cases {
		addRow(row, func(t *testing.T) {
			for _, f := range of {
				t.Run(f.name, f.run)
			}
		})
	}
}

// run lets a call meet the fault with every request, and another with its first one only.
func (f fault) run(t *testing.T) {
	t.Parallel()
	t.Run("always", func(t *testing.T) {
		t.Parallel()
		peer := newPeer(t, nil, func(int) script { return f.does })
		client, clock := f.client(t, peer.URL)
		id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
		want := 1
		if f.repeated {
			want = 3
		}
		f.check(t, id, err, want)
		if got := peer.requests(); got != want {
			t.Errorf("%d requests on the wire, want %d", got, want)
		}
		if got := clock.waited(); len(got) != want-1 {
			t.Errorf("waits %v, want %d", got, want-1)
		}
	})
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		peer := newPeer(t, nil, func(n int) script {
			if n == 1 {
				return f.does
			}
			return success
		})
		client, _ := f.client(t, peer.URL)
		id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
		if !f.repeated {
			f.check(t, id, err, 1)
		} else if err != nil || id != dingtalktest.OpenConversationID || peer.requests() != 2 {
			t.Errorf("%q, %v after %d requests, want success after 2", id, err, peer.requests())
		}
	})
}

func (f fault) client(t *testing.T, url string) (*dingtalk.Client, *handClock) {
	t.Helper()
	limit := 20 * time.Second // far from what a busy machine may take
	if f.hangs {
		limit = 300 * time.Millisecond
	}
	clock := newHandClock()
	return faultClient(t, url, clock.option(), dingtalk.WithTimeout(limit)), clock
}

func (f fault) check(t *testing.T, id string, err error, attempts int) {
	t.Helper()
	e := checkError(t, id, err, f.kind)
	if e.Attempts != attempts || e.StatusCode != f.status || e.Timeout() != f.timeout || e.Local || e.TokenEndpoint {
		t.Errorf("attempts %d, status %d, timeout %v, local %v, token endpoint %v; want attempts %d, status %d, timeout %v: %v",
			e.Attempts, e.StatusCode, e.Timeout(), e.Local, e.TokenEndpoint, attempts, f.status, f.timeout, err)
	}
	if f.cause != nil && !errors.Is(err, f.cause) {
		t.Errorf("%v does not unwrap to %v", err, f.cause)
	}
	if !strings.Contains(err.Error(), f.text) {
		t.Errorf("%q is not in: %v", f.text, err)
	}
	if f.notText != "" && strings.Contains(err.Error(), f.notText) {
		t.Errorf("%q is in: %v", f.notText, err)
	}
}

// faultToken is the token of the bench's clients. No error may hold it.
const faultToken = "t0ken-of-the-fault-bench"

// faultClient makes a client with a static token.
func faultClient(t testing.TB, url string, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	opts = append([]dingtalk.Option{dingtalk.WithBaseURL(url)}, opts...)
	client, err := dingtalk.NewClient(dingtalk.StaticToken(faultToken), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// sentinels are all that Error.Kind may be, apart from the errors of a context.
var sentinels = []error{
	dingtalk.ErrInvalidChatID, dingtalk.ErrOwnerNotVisible, dingtalk.ErrUnauthenticated, dingtalk.ErrPermissionDenied,
	dingtalk.ErrIPNotAllowed, dingtalk.ErrThrottled, dingtalk.ErrQuotaExhausted, dingtalk.ErrBlocked, dingtalk.ErrUnavailable,
	dingtalk.ErrUnexpectedResponse, dingtalk.ErrRedirect, dingtalk.ErrTLS, dingtalk.ErrRejected,
}

// checkError checks what holds for every failed call: an *Error of one kind, no result, no secret.
func checkError(t *testing.T, id string, err error, kind error) *dingtalk.Error {
	t.Helper()
	var e *dingtalk.Error
	if !errors.As(err, &e) {
		t.Fatalf("%q, %v; want an *Error", id, err)
	}
	if id != "" {
		t.Errorf("an error with a result, %q: %v", id, err)
	}
	if !errors.Is(e.Kind, kind) {
		t.Errorf("%v is not %v", err, kind)
	}
	ended := errors.Is(kind, context.Canceled) || errors.Is(kind, context.DeadlineExceeded)
	for _, other := range sentinels {
		// The error before the end of a context is joined to it.
		if !ended && !errors.Is(kind, other) && errors.Is(err, other) {
			t.Errorf("%v is %v as well as %v", err, other, kind)
		}
	}
	if e.Op != generated.OperationChatIDToOpenConversationID.ID {
		t.Errorf("operation %q", e.Op)
	}
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, faultToken) {
		t.Errorf("the token is in: %s", text)
	}
	return e
}

func wantIs(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%v is not %v", err, target)
	}
}
