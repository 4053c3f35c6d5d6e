package dingtalk_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A service that recovers after two seconds must not cost a call; meanwhile, a thousand calls must not hammer it.
func TestBreakerOutage(t *testing.T) {
	const calls = 1000
	var begun atomic.Int64
	peer := newPeer(t, nil, func(int) script {
		now := time.Now().UnixNano()
		begun.CompareAndSwap(0, now)
		if now-begun.Load() < int64(2*time.Second) {
			return apiError(503, "serviceBusy")
		}
		return success
	})
	client := newClient(t, peer.URL, dingtalk.StaticToken(faultToken))
	var failed atomic.Int64
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			if id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil || id != dingtalktest.OpenConversationID {
				if failed.Add(1) < 4 {
					t.Errorf("%q, %v", id, err)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d requests for %d calls", peer.requests(), calls)
	if failed.Load() > 0 || peer.requests() >= 2*calls {
		t.Errorf("%d calls failed, %d requests; want none, and fewer than %d", failed.Load(), peer.requests(), 2*calls)
	}
}

// After a run of failures, one probe at a time is sent, at doubling intervals.
func TestBreakerCloses(t *testing.T) {
	peer := newPeer(t, nil, func(int) script { return apiError(503, "serviceBusy") })
	clock := newHandClock()
	client := newClient(t, peer.URL, dingtalk.StaticToken(faultToken), clock.option(), oneAttempt)
	for i := range dingtalk.BreakerBudget {
		if got := client.BreakerLeft(); got != dingtalk.BreakerBudget-i {
			t.Errorf("%d failures are left after %d", got, i)
		}
		_ = refused(t, client, dingtalk.ErrUnavailable)
	}
	if got := clock.waited(); len(got) != 0 {
		t.Errorf("waited %v before the breaker opened", got)
	}
	want := []time.Duration{150 * ms, 300 * ms, 600 * ms, 800 * ms, 800 * ms}
	for range 80 { // doubling must not overflow
		want = append(want, 800*ms)
	}
	for range want {
		_ = refused(t, client, dingtalk.ErrUnavailable)
	}
	if got := clock.waited(); !slices.Equal(got, want) {
		t.Errorf("waited %v, want %v", got, want)
	}
	if got := peer.requests(); got != dingtalk.BreakerBudget+len(want) {
		t.Errorf("%d requests, want one for each call", got)
	}

	// A wait beyond the deadline is refused at once by the client.
	ctx, cancel := context.WithDeadline(t.Context(), clock.Now().Add(700*ms))
	defer cancel()
	id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
	e := checkError(t, id, err, dingtalk.ErrUnavailable)
	if !e.Local || e.Attempts != 0 || e.RetryAfter != 800*ms || !strings.Contains(err.Error(), "refused by this client") || !strings.Contains(err.Error(), "serviceBusy") {
		t.Errorf("%+v", err)
	}
	if got := peer.requests(); got != dingtalk.BreakerBudget+len(want) {
		t.Errorf("%d requests, although the call was refused", got)
	}
}

// While one call probes, the others wait; its success lets them all pass.
func TestBreakerProbesAlone(t *testing.T) {
	const calls = 50
	release := make(chan struct{})
	var closed atomic.Bool
	peer := newPeer(t, nil, func(int) script {
		if !closed.Load() {
			return apiError(503, "serviceBusy")
		}
		<-release
		return success
	})
	still := newStillClock()
	client := newClient(t, peer.URL, dingtalk.StaticToken(faultToken), still.option(), oneAttempt)
	for range dingtalk.BreakerBudget {
		_ = refused(t, client, dingtalk.ErrUnavailable)
	}
	closed.Store(true)
	still.Move(time.Second) // past the pause
	before := peer.requests()
	var group sync.WaitGroup
	for range calls {
		group.Go(func() {
			if _, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "one call probes and all others wait", func() bool {
		return peer.requests() > before && client.BreakerWaiters() == calls-1
	})
	if got := peer.requests() - before; got != 1 {
		t.Errorf("%d probes", got)
	}
	close(release)
	group.Wait()
}

// Setting the clock back must not keep the breaker open for as long.
func TestBreakerClockSetBack(t *testing.T) {
	for _, back := range []time.Duration{time.Second, time.Hour} {
		peer := newPeer(t, nil, func(n int) script {
			if n == 1 {
				return apiError(403, string(generated.CodeAppQPSLimit))
			}
			return success
		})
		clock := newHandClock()
		client := newClient(t, peer.URL, dingtalk.StaticToken(faultToken), clock.option(), oneAttempt)
		_ = refused(t, client, dingtalk.ErrThrottled)
		clock.Move(-back)
		for range 2 { // the second call meets a breaker opened later than now
			if id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil {
				t.Errorf("set back %s: %q, %v", back, id, err)
			}
			clock.Move(-back)
		}
		if got := clock.waited(); len(got) > 1 {
			t.Errorf("set back %s: waited %v", back, got)
		}
	}
}

// A header that asks for a day stops a client for MaxWait at most.
func TestBreakerThrottleIsBounded(t *testing.T) {
	peer := newPeer(t, nil, func(n int) script {
		if n == 1 {
			return respond(429, "", "", "Retry-After: 1e18")
		}
		return success
	})
	clock := newHandClock()
	client := newClient(t, peer.URL, dingtalk.StaticToken(faultToken), clock.option())
	if e := refused(t, client, dingtalk.ErrThrottled); e.RetryAfter != 24*time.Hour {
		t.Errorf("%+v", *e)
	}
	if _, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil {
		t.Error(err)
	}
	if got := clock.waited(); !slices.Equal(got, []time.Duration{time.Minute}) {
		t.Errorf("waited %v, want a minute", got)
	}
}

func init() {
	addRow("row_33_throttle_slows_others", func(t *testing.T) {
		peer := newPeer(t, nil, func(n int) script {
			if n == 1 {
				return apiError(403, string(generated.CodeAppQPSLimit))
			}
			return success
		})
		clock := newHandClock()
		client := newClient(t, peer.URL, dingtalk.StaticToken(faultToken), clock.option(), oneAttempt)
		_ = refused(t, client, dingtalk.ErrThrottled)

		hasty, cancel := context.WithDeadline(t.Context(), clock.Now().Add(900*ms))
		defer cancel()
		id, err := client.OpenConversationID(hasty, dingtalktest.ChatID)
		if e := checkError(t, id, err, dingtalk.ErrThrottled); !e.Local || e.Attempts != 0 || e.RetryAfter != time.Second || peer.requests() != 1 {
			t.Errorf("%d requests: %+v", peer.requests(), err)
		}
		if id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil || id != dingtalktest.OpenConversationID {
			t.Errorf("%q, %v", id, err)
		}
		if got := clock.waited(); !slices.Equal(got, []time.Duration{time.Second}) {
			t.Errorf("waited %v, want the throttle's second", got)
		}
	})
}
