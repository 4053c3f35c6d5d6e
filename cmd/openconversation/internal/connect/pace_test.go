package connect

import (
	"context"
	"errors"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

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
