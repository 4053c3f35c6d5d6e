package dingtalk_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// What the callers of a client share: its token and its circuit breaker. Their own rooms have most of the tests; here
// they stand in a client, in bubbles of testing/synctest. A request takes a second there.

// testSlowTokenEndpoint: each caller waits for the one token call for as long as it likes.
func testSlowTokenEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, emulator := newVirtual(t)
		leader, leave := context.WithTimeout(t.Context(), 500*ms)
		defer leave()
		go func() {
			id, err := client.OpenConversationID(leader, "any")
			if e := asError(t, id, err, context.DeadlineExceeded); !e.Timeout() || e.Attempts != 0 {
				t.Errorf("%+v", e)
			}
		}()
		synctest.Wait()
		together(20, func() { convert(t, client, "any") })
		wantRequests(t, emulator, 20, 1)
		client, emulator = newVirtual(t)
		ended, end := context.WithCancel(t.Context())
		end()
		token, err := client.Token(ended)
		_ = asError(t, token, err, context.Canceled)
		wantRequests(t, emulator, 0, 0)
	})
}

// testConvoy: all callers that wait for a token share one fetch and its failure, in one call's time.
func testConvoy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, emulator := newVirtual(t, dingtalk.WithTimeout(500*ms))
		begun := time.Now()
		seen := make(chan *dingtalk.Error, 640)
		together(cap(seen), func() {
			e := refused(t, client, dingtalk.ErrUnavailable)
			if seen <- e; !e.TokenEndpoint || !e.Timeout() || e.Attempts != 3 {
				t.Errorf("%+v", e)
			}
		})
		if took := time.Since(begun); took > 3*500*ms+900*ms {
			t.Errorf("they took %s", took)
		}
		own := map[*dingtalk.Error]bool{}
		for range cap(seen) {
			own[<-seen] = true
		}
		if len(own) != cap(seen) {
			t.Errorf("%d errors for %d callers", len(own), cap(seen))
		}
		wantRequests(t, emulator, 0, 0) // each was cut on its way
	})
}

// testClockJumps: a token that ended while the machine slept is replaced, and so is one that the service rejects after
// the clock was set back.
func testClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{3 * time.Hour, -time.Hour} {
		clock, service := newHandClock(), newHandClock()
		server := dingtalktest.NewServer(t, dingtalktest.WithClock(service.Now))
		client := newClient(t, server.URL, appCredentials, clock.option())
		convert(t, client, dingtalktest.ChatID)
		service.Move(3 * time.Hour)
		clock.Move(jump)
		convert(t, client, dingtalktest.ChatID)
		wantRequests(t, server.Emulator, map[bool]int{true: 2, false: 3}[jump > 0], 2)
	}
	// What was remembered for seconds is not for an hour.
	clock := newHandClock()
	server := dingtalktest.NewServer(t, dingtalktest.WithCredentials(dingtalktest.AppKey, "another"))
	client := newClient(t, server.URL, appCredentials, clock.option())
	_ = refused(t, client, dingtalk.ErrUnauthenticated)
	server.Configure(dingtalktest.WithCredentials(dingtalktest.AppKey, dingtalktest.AppSecret))
	clock.Move(-time.Hour)
	convert(t, client, dingtalktest.ChatID)
}

// testRejected: a token that many use is replaced once; if the new one is rejected too, the error has both answers.
func testRejected(t *testing.T) {
	client, server := newEmulated(t)
	convert(t, client, "any")
	server.RejectTokens()
	together(100, func() { convert(t, client, "any") })
	tally := server.Counts()[convertOp.ID]
	if rejected := tally.Codes[generated.CodeInvalidAuthentication]; rejected == 0 || tally.Status[200] != 101 || tally.Requests != 101+rejected || server.Count(tokenOp) != 2 {
		t.Errorf("%d token calls, %+v: want each rejected request once more", server.Count(tokenOp), tally)
	}
	server.FailNext(dingtalktest.Code(generated.CodeInvalidAuthentication).Times(2).For(convertOp))
	e := refused(t, client, dingtalk.ErrUnauthenticated)
	var first *dingtalk.Error
	if !errors.As(e.Err, &first) || first.RequestID == "" || e.RequestID == "" || first.RequestID == e.RequestID {
		t.Errorf("%v: does not hold the request ids of both", e)
	}

	// The failure of the token call after a rejection keeps the rejection.
	client, server = newEmulated(t, newHandClock().option())
	convert(t, client, "any")
	server.RejectTokens()
	server.FailNext(dingtalktest.Code(generated.CodeServiceBusy).Times(3).For(tokenOp))
	e = refused(t, client, dingtalk.ErrUnavailable)
	if !e.TokenEndpoint || e.Attempts != 3 || !errors.As(e.Err, &first) || first.Code != generated.CodeInvalidAuthentication {
		t.Errorf("%+v", e)
	}
}

// testHastyCallers: callers with deadlines below the attempt's limit open the circuit breaker of a hung service, too.
func testHastyCallers(t *testing.T) {
	for _, at := range []int{1, 1000} { // one after another, or all at once
		synctest.Test(t, func(t *testing.T) {
			var back atomic.Bool
			var sent atomic.Int64
			client := newForeign(t, func(r *http.Request) (*http.Response, error) {
				if sent.Add(1); back.Load() {
					return &http.Response{StatusCode: 200, Body: bodyOf(successBody)}, nil
				}
				<-r.Context().Done()
				return nil, r.Context().Err()
			}, dingtalk.WithRetry(dingtalk.Retry{BaseDelay: ms, MaxDelay: 2 * sec}))
			one := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
				defer cancel()
				_, err := client.OpenConversationID(ctx, "any")
				return err
			}
			for range 1000 / at {
				together(at, func() {
					if one() == nil {
						t.Error("a call succeeded")
					}
				})
			}
			if got := sent.Load(); got >= 100 {
				t.Errorf("%d requests to a service that answers nothing", got)
			}
			back.Store(true)
			for begun := time.Now(); one() != nil; time.Sleep(10 * ms) {
				if time.Since(begun) > 2*sec {
					t.Fatal("calls do not succeed again")
				}
			}
		})
	}
}

// Callers in a hurry do not open the circuit breaker for patient ones.
func TestPatientBesideHasty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newForeign(t, func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(40 * ms):
				return &http.Response{StatusCode: 200, Body: bodyOf(successBody)}, nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		call := func(limit time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := client.OpenConversationID(ctx, "any")
			return err
		}
		over := make(chan struct{})
		defer close(over)
		for range 8 {
			go func() {
				for open := true; open; {
					if call(10*ms) == nil {
						t.Error("a hasty call succeeded")
					}
					select {
					case <-over:
						open = false
					case <-time.After(10 * ms):
					}
				}
			}()
		}
		for range 20 {
			time.Sleep(100 * ms)
			if err := call(5 * sec); err != nil {
				t.Error(err)
			}
		}
	})
}

// A service that recovers after two seconds must not cost a call; meanwhile, a thousand calls must not hammer it.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 1000
		begun, sent := time.Now(), atomic.Int64{}
		client := newForeign(t, func(*http.Request) (*http.Response, error) {
			if sent.Add(1); time.Since(begun) < 2*sec {
				return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
			}
			return &http.Response{StatusCode: 200, Body: bodyOf(successBody)}, nil
		}, dingtalk.WithRetry(dingtalk.Retry{}))
		together(calls, func() {
			if _, err := client.OpenConversationID(t.Context(), "any"); err != nil {
				t.Error(err)
			}
		})
		if sent.Load() >= 2*calls {
			t.Errorf("%d requests for %d calls", sent.Load(), calls)
		}
	})
}

// Ten failures of the service in a row open the breaker; refusals and throttles are answers of one that works.
func TestWhatOpensTheBreaker(t *testing.T) {
	t.Parallel()
	for code, opens := range map[generated.Code]bool{
		generated.CodeServiceBusy: true, generated.CodeUnknownError: true, generated.CodeInvalidChatID: false, generated.CodeOrgQuotaExhausted: false,
	} {
		clock := newHandClock()
		client, server := newEmulated(t, clock.option(), oneAttempt)
		server.FailNext(dingtalktest.Code(code).Always().For(convertOp))
		for range 10 {
			_, _ = client.OpenConversationID(within(t), "any")
		}
		if waited := clock.waited(); len(waited) != 0 {
			t.Errorf("%s: waited %v for ten calls", code, waited)
		}
		for range 60 { // at doubling intervals, one call each probes
			_, _ = client.OpenConversationID(within(t), "any")
		}
		waited := clock.waited()
		if !opens && len(waited) > 0 || opens && (len(waited) != 60 || waited[0] != 150*ms || waited[1] != 300*ms || waited[59] != 800*ms) {
			t.Errorf("%s: waited %v", code, waited)
		}
		if n := server.Count(convertOp); n != 70 {
			t.Errorf("%s: %d requests for 70 calls", code, n)
		}
	}
}
