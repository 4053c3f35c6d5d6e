package run

import (
	"context"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/journal"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// plan is the output of --dry-run.
type plan struct {
	Rows      int     `json:"rows"`
	Done      int     `json:"done,omitempty"` // rows that need no call
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

// plan prints the cost of a run, or of its rest. It only reads.
func (r *rowRun) plan(ctx context.Context) (err error) {
	w, o := r.world, r.o
	if o.output != "" {
		if r.journal, err = journal.Look(o.output, r.in.file, r.wanted()); err != nil {
			return err
		}
	}
	if j := r.journal; j != nil {
		defer func() { _ = j.Close() }() // it was only read
		if o.again != "" {
			j.Begin(journal.Again(o.again))
		}
	}
	if err := r.readThrough(ctx); err != nil {
		return err
	}
	s := r.scan
	p := plan{Rows: s.rows, Done: s.done, Distinct: s.distinct, Invalid: s.invalid, Skipped: s.skipped, ReadAs: s.found.String(), Calls: s.calls}
	describe := s.describe
	if limit := o.limit; limit > 0 {
		p.Calls = min(p.Calls, limit)
		describe = min(describe, limit-p.Calls)
	}
	if o.groups {
		p.Described = p.Calls + describe // at most: only converted chats are described
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
	if o.qps > 0 {
		p.Seconds = float64(p.Calls) / o.qps
		took := time.Duration(p.Seconds * float64(time.Second))
		takes = lang.T("%s at %g calls a second", took.Round(time.Second/10), o.qps)
	}
	if o.json {
		return w.PrintJSON(p)
	}
	calls := lang.T("%d", p.Calls)
	if o.groups {
		calls = lang.T("%d at most: %d conversions and, for --check, a description of each group", p.Calls, p.Calls-p.Described)
	}
	table := term.Table{}.With("rows", p.Rows)
	if p.Done > 0 {
		table = table.With("done", p.Done)
	}
	table = table.With("distinct ids", p.Distinct).With("invalid rows", p.Invalid).With("skipped lines", p.Skipped).
		With("read as", s.found).With("calls", calls).With("time", takes).With("quota", quota)
	return w.Print(table.Say(w.Lang))
}
