package connect

import (
	"context"
	"errors"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// The first that is given of flag and environment decides which host is called.
func TestHost(t *testing.T) {
	for _, tt := range []struct {
		c         Flags
		env, want string
	}{
		{Flags{}, "", "https://api.dingtalk.io"},
		{Flags{region: "international"}, "http://127.0.0.1:1", "https://api.dingtalk.io"},
		{Flags{region: "mainland"}, "", "https://api.dingtalk.com"},
		{Flags{}, "http://127.0.0.1:1/x/", "http://127.0.0.1:1/x"},
		{Flags{baseURL: "https://example.com"}, "http://127.0.0.1:1", "https://example.com"},
	} {
		w := &term.World{Getenv: func(name string) string {
			return map[string]string{EnvAppKey: "k", EnvAppSecret: "s", EnvBaseURL: tt.env}[name]
		}}
		client, stop, err := tt.c.Dial(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		if got := client.String(); got != "dingtalk.Client("+tt.want+")" {
			t.Errorf("got %v, want %s", client, tt.want)
		}
	}
}

// refusing is a budget that has been spent.
type refusing struct{ asked int }

func (r *refusing) Spend(context.Context) error {
	r.asked++
	return &dingtalk.Error{Kind: dingtalk.ErrQuotaExhausted, Local: true}
}

func TestBudgetsAreChained(t *testing.T) {
	shared := &refusing{}
	p := NewPace(0, 1)
	p.budget = shared
	err := p.Spend(t.Context())
	if explain.Hint(err).String() != string(explain.BudgetHint) || explain.Hint(&dingtalk.Error{Kind: dingtalk.ErrNotTried, Local: true, Err: err}).String() != string(explain.BudgetHint) || explain.ExitCode(err) != explain.Limited {
		t.Errorf("%v: %s", err, explain.Hint(err))
	}
	p.budget = nil
	if err := p.Spend(t.Context()); err != nil || p.calls.Load() != 1 {
		t.Errorf("what the other budget refused has counted: %v", err)
	}
	p.budget = shared
	if err := p.Spend(t.Context()); !errors.Is(err, explain.ErrMaxCalls) || shared.asked != 1 {
		t.Errorf("%v; the shared budget was asked %d times", err, shared.asked)
	}
	if hint := explain.Hint(&dingtalk.Error{Kind: dingtalk.ErrQuotaExhausted}); hint.String() == string(explain.BudgetHint) {
		t.Errorf("the service refused, and the hint is %s", hint)
	}
}
