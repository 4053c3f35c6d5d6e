package dingtalk_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"

	"golang.org/x/time/rate"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Results come with the caller's own rows, also for several rows of one chat.
func TestConvertEach(t *testing.T) {
	t.Parallel()
	type row struct {
		line int
		chat string
	}
	client, server := newEmulated(t, dingtalk.WithLimiter(rate.NewLimiter(rate.Inf, 1)))
	rows := []row{{1, "a"}, {2, "b"}, {3, "a"}, {4, ""}, {5, "c"}}
	line := 0
	for got, err := range dingtalk.ConvertEach(within(t), client, slices.Values(rows), func(r row) string { return r.chat }) {
		line++
		if got.Row != rows[line-1] || got.ChatID != got.Row.chat {
			t.Errorf("row %d: %+v", line, got)
		}
		var e *dingtalk.Error
		if got.Row.chat == "" && (!errors.As(err, &e) || e.Scope() != dingtalk.ScopeChat || e.ChatID != "") || got.Row.chat != "" && (err != nil || got.OpenConversationID != dingtalktest.OpenConversationIDOf(got.ChatID)) {
			t.Errorf("row %d: %+v, %v", line, got, err)
		}
	}
	if line != len(rows) {
		t.Errorf("%d rows", line)
	}
	wantRequests(t, server.Emulator, 3, 1)
}

// EndsRun marks the failure that ends a run, and later ones wrap it.
func TestEndsRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault dingtalktest.Fault
		at    int // which failure ends the run
		scope dingtalk.Scope
	}{
		"quota":   {dingtalktest.Code(generated.CodeOrgQuotaExhausted), 1, dingtalk.ScopeAll},
		"outage":  {dingtalktest.Code(generated.CodeUnknownError), 5, dingtalk.ScopeUnclear},
		"strange": {dingtalktest.Raw(200, "text/html", []byte("<html>")), 3, dingtalk.ScopeUnclear},
		"403":     {dingtalktest.Raw(403, "application/json", []byte(`{"code":"new"}`)), 3, dingtalk.ScopeUnclear},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := newEmulated(t, newHandClock().option(), oneAttempt, dingtalk.WithLimiter(rate.NewLimiter(rate.Inf, 1)))
			server.FailNext(test.fault.Always().For(convertOp))
			n, ends := 0, 0
			var end *dingtalk.Error
			for c, err := range client.OpenConversationIDs(within(t), slices.Values(chatIDs(10)), dingtalk.WithConcurrency(1)) {
				n++
				var e *dingtalk.Error
				if !errors.As(err, &e) || e.ChatID != c.ChatID {
					t.Fatalf("%s: %v", c.ChatID, err)
				}
				if e.EndsRun {
					end, ends = e, ends+1
				}
				if e.EndsRun != (n == test.at) || n <= test.at && e.Scope() != test.scope || n > test.at && (!errors.Is(e.Kind, dingtalk.ErrNotTried) || e.Err != end) { //nolint:errorlint // it is to be the very same
					t.Errorf("failure %d: %+v", n, e)
				}
			}
			if n != 10 || ends != 1 {
				t.Errorf("%d results, %d of which end the run", n, ends)
			}
		})
	}
}

// Every kind has a scope and a unique name.
func TestKinds(t *testing.T) {
	t.Parallel()
	names := map[generated.Kind]bool{}
	if all := dingtalk.Kinds(); len(all) != len(sentinels)+2 { // ErrPanicked and ErrNotTried come of no answer
		t.Errorf("%d kinds, %d sentinels", len(all), len(sentinels)+2)
	}
	for _, k := range dingtalk.Kinds() {
		if names[k.Name()] || k.Name() == "" || k.Error() == "" {
			t.Errorf("%q: %v", k.Name(), k)
		}
		names[k.Name()] = true
		e := &dingtalk.Error{Kind: k, Code: generated.CodePermissionDenied}
		if e.Scope() != k.Scope() || (k.Scope() == dingtalk.ScopeChat) != (k.InARow() == 0) || (k.Scope() == dingtalk.ScopeAll) != (k.InARow() == 1) {
			t.Errorf("%s: %s, %d in a row", k.Name(), k.Scope(), k.InARow())
		}
	}
	for _, row := range generated.ErrorCodes {
		if !names[row.Kind] {
			t.Errorf("no kind is called %s", row.Kind)
		}
	}
	if e := (&dingtalk.Error{Kind: context.Canceled}); e.Scope() != dingtalk.ScopeAll {
		t.Errorf("the end of a context: %s", e.Scope())
	}
	if dingtalk.Sentinel("a kind of tomorrow") != dingtalk.ErrRejected { //nolint:errorlint // a sentinel is never wrapped
		t.Error("an unknown kind is no rejection")
	}
}

// A stopped run finishes calls in flight, and sends no waiting ones.
func TestStop(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	arrived, let := make(chan struct{}, 100), make(chan struct{})
	var once sync.Once
	transport := roundTripper(func(req *http.Request) (*http.Response, error) {
		arrived <- struct{}{}
		<-let
		return http.DefaultTransport.RoundTrip(req)
	})
	paced := make(chan struct{}, 2) // turns of the limiter
	paced <- struct{}{}
	paced <- struct{}{}
	client := newClient(t, server.URL, dingtalk.StaticToken(server.IssueToken()), dingtalk.WithHTTPClient(&http.Client{Transport: transport}),
		dingtalk.WithLimiter(limiterFunc(func(ctx context.Context) error {
			select {
			case <-paced:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})))
	stop := make(chan struct{})
	go func() {
		for range 2 {
			receive(t, "two requests are under way", arrived)
		}
		close(stop)
		once.Do(func() { close(let) })
	}()
	converted, notTried := 0, 0
	for c, err := range client.OpenConversationIDs(within(t), slices.Values(chatIDs(20)), dingtalk.WithStop(stop), dingtalk.WithConcurrency(6)) {
		var e *dingtalk.Error
		switch {
		case err == nil:
			converted++
		case errors.As(err, &e) && errors.Is(e.Kind, dingtalk.ErrNotTried) && e.Local && e.ChatID == c.ChatID:
			notTried++
		default:
			t.Errorf("%s: %v", c.ChatID, err)
		}
	}
	if converted != 2 || notTried != 18 || server.Count(convertOp) != 2 {
		t.Errorf("%d converted, %d not tried, %d requests", converted, notTried, server.Count(convertOp))
	}
}
