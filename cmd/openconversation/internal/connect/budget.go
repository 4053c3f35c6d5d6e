package connect

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// budgetOptions are the flags of budget.
type budgetOptions struct {
	Flags
	json bool
}

// BudgetCommand makes the command that prints the month's count.
func BudgetCommand(w *term.World) *cobra.Command {
	o := budgetOptions{Flags: Flags{noEmulator: true}} // an emulator has no Redis
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "Print this month's calls and what is left of the budget",
		Long: `Print how many calls the processes have made this month that share the app's limits
through Redis, and how many are left. It calls nothing but Redis.

The count has what convert --redis and apps with package dingtalkredis have sent, repeats
included; what else the organisation's apps have called, only the developer console knows.
The month is that of UTC+8.`,
		Example: `  openconversation budget --redis redis://10.0.0.5:6379/0
  openconversation budget --json`,
		Args:        explain.NoArgs,
		Annotations: map[string]string{explain.Footer: Footer(w, "budget")},
		RunE: explain.Begins(func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(o.Check(cmd), o.CheckSharing(cmd, true)); err != nil {
				return err
			}
			return printBudget(cmd.Context(), w, o)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.AddSharingTo(cmd)
	o.AddTo(cmd)
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

// Month is the output of budget.
type Month struct {
	Month  string    `json:"month"`
	Used   int       `json:"used"`
	Limit  *int      `json:"limit,omitempty"` // nil if there is none
	Left   *int      `json:"left,omitempty"`
	Resets time.Time `json:"resets"`
}

func printBudget(ctx context.Context, w *term.World, o budgetOptions) error {
	if o.RedisURL(w) == "" {
		return errNoRedis
	}
	m, err := o.MonthUsed(ctx, w)
	if err != nil {
		return err
	}
	if o.json {
		return w.PrintJSON(m)
	}
	table := term.Table{}.With("month", m.Month).With("used", m.Used)
	if m.Limit == nil {
		table = table.With("limit", lang.T("no limit"))
	} else {
		table = table.With("limit", *m.Limit).With("left", *m.Left)
	}
	return w.Print(table.With("resets", m.Resets.Format(time.RFC3339)).Say(w.Lang))
}

// MonthUsed asks Redis.
func (c *Flags) MonthUsed(ctx context.Context, w *term.World) (m Month, err error) {
	creds, err := c.credentials(ctx, w)
	if err != nil {
		return m, err
	}
	fleet, done, err := c.fleet(ctx, w, creds)
	if err != nil {
		return m, err
	}
	defer done()
	budget := fleet.Budget(c.Budget)
	if m.Used, err = budget.Used(ctx); err != nil {
		if wrong := wrongSetup(err); wrong != nil {
			return m, wrong
		}
		return m, &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("the shared Redis: %w", own(err)), Hint: lang.T("check that Redis runs at the address of --redis or %s", EnvRedisURL)}
	}
	if c.Budget > 0 {
		left := max(c.Budget-m.Used, 0)
		m.Limit, m.Left = &c.Budget, &left
	}
	m.Resets = budget.Resets()
	m.Month = m.Resets.AddDate(0, -1, 0).Format("2006-01")
	return m, nil
}
