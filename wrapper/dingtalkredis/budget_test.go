//go:build redis

package dingtalkredis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

func spendAll(t *testing.T, budget *dingtalkredis.Budget, n int) {
	t.Helper()
	for range n {
		if err := budget.Spend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func wantUsed(t *testing.T, budget *dingtalkredis.Budget, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d calls are counted", want), func() bool {
		used, err := budget.Used(t.Context())
		return used == want && err == nil
	})
}

// A call whose answer was lost has counted, and the next one takes its place.
func TestBudgetCountsALostAnswerOnce(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	p := redistest.StartProxy(t, s.Addr)
	direct := newFleet(t, newRedis(t, s.Addr), "http://127.0.0.1:1").Budget(100)
	fleet := newFleet(t, newRedis(t, p.Addr), "http://127.0.0.1:1", usual)
	budget := fleet.Budget(100)
	spendAll(t, budget, 1)
	p.Set(redistest.Fault{Silent: true}) // requests pass, answers do not
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- budget.Spend(ctx) }()
	wantUsed(t, direct, 2)
	cancel()
	if err := <-ended; err == nil {
		t.Error("a call was granted without an answer")
	}
	eventually(t, "the answer counts as lost", func() bool { return !fleet.UsesRedis() })
	p.Heal()
	spendAll(t, budget, 1)
	wantUsed(t, direct, 2)
}

// An available budget goes on within its share, adds what it has sent, and never sends more than its share above.
func TestAvailableBudget(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	p := redistest.StartProxy(t, s.Addr)
	client := newRedis(t, p.Addr)
	own := newFleet(t, client, "http://127.0.0.1:1", usual, dingtalkredis.WithPods(2)).Budget(100, dingtalkredis.Available())
	other := newFleet(t, newRedis(t, s.Addr), "http://127.0.0.1:1").Budget(100)
	spendAll(t, own, 1)
	p.Set(redistest.Fault{Cut: true})
	spendAll(t, own, 5) // a tenth, of which half is another's
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := own.Spend(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v; want the end of the context, since the share is spent", err)
	}
	spendAll(t, other, 97) // the service has 103 calls now
	p.Heal()
	wantUsed(t, other, 103)
	wantQuota(t, own.Spend(t.Context()))
	p.Set(redistest.Fault{Cut: true})
	wantQuota(t, own.Spend(t.Context())) // nothing is borrowed from a budget that is used up
}

// A schedule, a list of processes or a count that is garbage is made anew. What was counted is known by those that sent it.
func TestGarbageIsReplaced(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	fleet := newFleet(t, rdb, "http://127.0.0.1:1")
	limiter, budget := fleet.Limiter(1000), fleet.Budget(1000)
	for n, garbage := range [][]any{{}, {"SET", "garbage"}, {"RPUSH", "a"}, // the first finds no key
		{"HSET", "next", "x", "step", "-1", "line", "1e99", "places", "many", "epoch", "9:x:y", "base", "-1", "new", "x"}} {
		for _, key := range rdb.Keys(t.Context(), "*").Val() {
			spoil(t, rdb, key, garbage...)
		}
		if err := errors.Join(limiter.Wait(t.Context()), budget.Spend(t.Context())); err != nil {
			t.Errorf("%v: %v", garbage, err)
		}
		wantUsed(t, budget, n+1)
	}
}
