//go:build redis

package dingtalkredis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestCacheIsShared(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	first := newClient(t, server.URL, creds, dingtalk.WithCache(newFleet(t, rdb, server.URL).Cache(time.Hour)))
	second := newClient(t, server.URL, creds, dingtalk.WithCache(newFleet(t, rdb, server.URL).Cache(time.Hour)))
	for _, id := range []string{"chat1", "chat {x} y:z", "聊天"} {
		convert(t, first, id)
		convert(t, second, id)
	}
	wantRequests(t, server, 3, 1)
	for _, name := range rdb.Keys(t.Context(), "*").Val() {
		if left := rdb.PTTL(t.Context(), name).Val(); left <= 0 || left > time.Hour {
			t.Errorf("%q ends in %s", name, left)
		}
	}
	// Of another app or host, nothing is found.
	other := newFleetOf(t, rdb, dingtalk.AppCredentials{AppKey: "other", AppSecret: "x"}, server.URL).Cache(time.Hour)
	if id, ok := other.Get(t.Context(), "chat1"); ok {
		t.Errorf("another app found %q", id)
	}
	// Garbage is a miss, and is replaced.
	for n, command := range [][]any{{"SET", "cid-without-a-mark"}, {"SET", "cid2 "}, {"SET", "cid2 two words"}, {"SET", "cid2 \xff"}, {"LPUSH", "a"}} {
		spoil(t, rdb, rdb.Keys(t.Context(), "*:chat1").Val()[0], command...)
		convert(t, second, "chat1")
		if got := server.Count(convertOp); got != 4+n {
			t.Errorf("%d conversions, want %d", got, 4+n)
		}
	}
}

func newLimiters(t *testing.T, addr string, rate float64, n int) (limiters []*dingtalkredis.Limiter) {
	for range n {
		limiters = append(limiters, newFleet(t, newRedis(t, addr), "http://127.0.0.1:1").Limiter(rate))
	}
	return limiters
}

// A busy machine makes fewer calls than the limit allows, so only too many are a fault.
func TestLimiterIsShared(t *testing.T) {
	t.Parallel()
	for throttles, want := range []func(seconds float64) float64{
		func(s float64) float64 { return 100*s + 1 },
		func(s float64) float64 { return 55 * (s - 1) }, // a second's pause, and then half the rate
	} {
		limiters := newLimiters(t, redistest.Start(t).Addr, 100, 8)
		begun := time.Now()
		if throttles > 0 {
			limiters[0].Answered(true)
		}
		sent := during(t, limiters, func() { time.Sleep(2 * time.Second) })
		if n, most := len(sent), want(time.Since(begun).Seconds()); n == 0 || float64(n) > most {
			t.Errorf("%d throttles: %d calls passed, want %g at most", throttles, n, most)
		}
	}
}

func TestLimiterRefusesWhatWouldBeLate(t *testing.T) {
	t.Parallel()
	l := newLimiters(t, redistest.Start(t).Addr, 0.05, 1)[0]
	if err := l.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("got %v, and of the context %v; want the error of its deadline before that", err, ctx.Err())
	}
}

func TestLimiterSurvivesGarbage(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := newRedis(t, server.Addr)
	l := newLimiters(t, server.Addr, 50, 1)[0]
	if err := l.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := rdb.Keys(t.Context(), "*:rate:*").Val()[0]
	for _, command := range [][]any{{"SET", "x"}, {"HSET", "next", "x", "cut", "nan", "bad", "inf"}, {"HSET", "next", "1e300", "cut", "1e300", "bad", "-1"}} {
		spoil(t, rdb, name, command...)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		for range 10 {
			if err := l.Wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if took := time.Since(begun); took < 150*time.Millisecond {
			t.Errorf("10 calls took %s, want 0.2 s at least", took)
		}
		if kind := rdb.Type(t.Context(), name).Val(); kind != "hash" {
			t.Errorf("the key is a %s now", kind)
		}
	}
}

// Apps of one organization share its budget and its conversions, and others have their own.
func TestOrganization(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	const url = "http://127.0.0.1:1"
	one := newFleet(t, rdb, url, dingtalkredis.WithOrganization("corp"))
	same := newFleetOf(t, rdb, dingtalk.AppCredentials{AppKey: "other", AppSecret: "x"}, url, dingtalkredis.WithOrganization("corp"))
	another := newFleet(t, rdb, url, dingtalkredis.WithOrganization("another corp")) // of the same app
	spendAll(t, one.Budget(1), 1)
	wantQuota(t, same.Budget(1).Spend(t.Context()))
	spendAll(t, another.Budget(1), 1)
	one.Cache(time.Hour).Set(t.Context(), "chat", "cid")
	if id, found := same.Cache(time.Hour).Get(t.Context(), "chat"); id != "cid" || !found {
		t.Errorf("the organisation has %q, %t", id, found)
	}
	if id, found := another.Cache(time.Hour).Get(t.Context(), "chat"); found {
		t.Errorf("another organisation has %q", id)
	}
}

// A count that Redis has lost, or that somebody overwrote, comes back from those who know it.
func TestBudgetIsRestored(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	const url = "http://127.0.0.1:1"
	a, b := newFleet(t, rdb, url).Budget(30), newFleet(t, rdb, url).Budget(30)
	wantUsed(t, a, 0)
	spendAll(t, a, 5)
	spendAll(t, b, 5)
	name := rdb.Keys(t.Context(), "*:budget").Val()[0]
	for n, command := range [][]any{{"SET", "x"}, {"HSET", "new", "x"}, {"HSET", "new", "-1"}, {"HSET", "base", "1e300"}, {"DEL"}} {
		spoil(t, rdb, name, command...)
		spendAll(t, b, 1)
		spendAll(t, a, 1)
		wantUsed(t, a, 10+2*(n+1))
	}
	spoil(t, rdb, name, "DEL")
	fresh := newFleet(t, rdb, url).Budget(30) // knows nothing, and waits until the others have told
	spendAll(t, fresh, 10)
	for _, budget := range []*dingtalkredis.Budget{fresh, a, b} {
		wantQuota(t, budget.Spend(t.Context()))
	}
	wantUsed(t, a, 30)
}
