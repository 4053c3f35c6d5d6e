package run

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// plan is the output of --dry-run.
type plan struct {
	Rows      int     `json:"rows"`
	Done      int     `json:"done,omitempty"` // rows that --resume or --retry-failed keeps
	Distinct  int     `json:"distinct"`
	Invalid   int     `json:"invalid"`
	Skipped   int     `json:"skipped"`
	ReadAs    string  `json:"readAs"` // detected format, encoding and separator
	Calls     int     `json:"calls"`
	Described int     `json:"descriptions,omitempty"` // calls for descriptions, with --check
	Seconds   float64 `json:"seconds"`                // 0: no limit
	Share     float64 `json:"monthlyShare"`           // fraction of --monthly-budget, or of the standard edition's quota
	Used      *int    `json:"monthlyUsed,omitempty"`  // so far, if counted
}

// printPlan prints the cost of a run, or of its rest.
func printPlan(ctx context.Context, w *term.World, o *options, in *table) error {
	p := plan{Rows: in.scan.rows, Distinct: in.scan.distinct, Invalid: in.scan.invalid, Skipped: in.scan.skipped, ReadAs: in.scan.found.String(), Calls: in.scan.distinct}
	rest := o.output.mode == output.Resume || o.output.mode == output.RetryFailed
	if rest || o.bulk.limits.items > 0 {
		if err := p.count(w, o, in); err != nil {
			return err
		}
	}
	if o.groups {
		p.Described = p.Calls // at most: only converted chats are described
		p.Calls += p.Described
	}
	shared := o.connect.RedisURL(w) != ""
	month := connect.MonthlyQuota
	if shared && o.connect.Budget > 0 {
		month = o.connect.Budget
	}
	p.Share = float64(p.Calls) / float64(month)
	quota := lang.T("%.1f%% of the %d calls of a month", 100*p.Share, month)
	if shared {
		m, err := o.connect.MonthUsed(ctx, w)
		if err != nil {
			return err
		}
		p.Used = &m.Used
		quota = lang.T("%s, which has used %d so far", quota, m.Used)
	}
	takes := lang.T("as fast as they are answered")
	if o.bulk.qps > 0 {
		p.Seconds = float64(p.Calls) / o.bulk.qps
		took := time.Duration(p.Seconds * float64(time.Second))
		takes = lang.T("%s at %g calls a second", took.Round(time.Second/10), o.bulk.qps)
	}
	if o.json {
		return w.PrintJSON(p)
	}
	calls := lang.T("%d", p.Calls)
	if o.groups {
		calls = lang.T("%d at most: %d conversions and, for --check, a description of each group", p.Calls, p.Calls-p.Described)
	}
	table := term.Table{}.With("rows", p.Rows)
	if rest {
		table = table.With("done", p.Done)
	}
	table = table.With("distinct ids", p.Distinct).With("invalid rows", p.Invalid).With("skipped lines", p.Skipped).
		With("read as", in.scan.found).With("calls", calls).With("time", takes).With("quota", quota)
	return w.Print(table.Say(w.Lang))
}

// count counts the remaining calls. It only reads the output.
func (p *plan) count(w *term.World, o *options, in *table) error {
	t, err := in.begin(newGuard(false, nil))
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.output.mode == output.Resume || o.output.mode == output.RetryFailed {
		out, err := output.Look(o.output.path, o.output.mode, in.options.Output.Journaled(), stateOf(w, o, in, t))
		if err != nil {
			return err
		}
		defer out.Close()
		if err := t.takeUp(&term.World{Out: io.Discard, Err: io.Discard, Getenv: w.Getenv}, o.output.mode, out); err != nil {
			return err
		}
	}
	p.Done = int(t.tally.done.Load())
	ids := newCounter()
	for n := 0; o.bulk.limits.items == 0 || n < o.bulk.limits.items; n++ {
		if t.complete {
			break
		}
		it, err := t.source.next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch {
		case it.known == nil:
			ids.add(it.id)
		case o.output.mode == output.RetryFailed && it.known.OpenConversationID != "":
			p.Done++
		}
	}
	p.Calls = ids.distinct()
	return nil
}
