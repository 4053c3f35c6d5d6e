package dingtalk_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// budgetFunc is a budget of one function.
type budgetFunc func() error

func (f budgetFunc) Spend(context.Context) error { return f() }

// A budget is asked before every request, repeats included, and its refusal sends nothing.
func TestBudget(t *testing.T) {
	var spent atomic.Int32
	client, server := newEmulated(t, dingtalk.WithBudget(budgetFunc(func() error {
		if spent.Add(1) > 3 {
			return errors.New("enough")
		}
		return nil
	})))
	convert(t, client, "one")
	server.RejectTokens()
	convert(t, client, "two, sent twice")
	e := refused(t, client, dingtalk.ErrQuotaExhausted)
	if !e.Local || e.Op != convertOp.ID || e.StatusCode != 0 {
		t.Errorf("got %+v", e)
	}
	wantRequests(t, server.Emulator, 3, 2)

	own := &dingtalk.Error{Kind: dingtalk.ErrBlocked, Local: true, Message: "by hand"}
	client, server = newEmulated(t, dingtalk.WithBudget(budgetFunc(func() error { return own })))
	if e := refused(t, client, dingtalk.ErrBlocked); e == own || e.Message != own.Message {
		t.Errorf("got %+v", e)
	}
	wantRequests(t, server.Emulator, 0, 1)
}

func TestLimiterThatRefuses(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	budget := &dingtalk.Error{Kind: dingtalk.ErrQuotaExhausted, Local: true, Message: "the budget is used up"}
	for _, c := range []struct {
		limiter dingtalk.Limiter
		want    error
	}{
		{limiterFunc(func(context.Context) error { return budget }), dingtalk.ErrQuotaExhausted},
		{limiterFunc(func(context.Context) error { return errors.New("no") }), dingtalk.ErrThrottled},
	} {
		client := bulkClient(t, srv, dingtalk.WithLimiter(c.limiter))
		_, err := client.OpenConversationID(t.Context(), "chatA")
		var e *dingtalk.Error
		if !errors.Is(err, c.want) || !errors.As(err, &e) || !e.Local || e.Op == "" {
			t.Errorf("got %v; want %v, made by the client", err, c.want)
		}
	}
	if calls(srv) != 0 {
		t.Errorf("%d calls went past the limiter", calls(srv))
	}
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

type panickingCache struct{}

func (panickingCache) Get(context.Context, string) (string, bool) { panic("get") }
func (panickingCache) Set(context.Context, string, string)        { panic("set") }

func TestCachePanicIsAMiss(t *testing.T) {
	srv := dingtalktest.NewServer(t)
	client := bulkClient(t, srv, dingtalk.WithCache(panickingCache{}))
	if id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); err != nil || id != dingtalktest.OpenConversationID {
		t.Errorf("got %q, %v", id, err)
	}
}
