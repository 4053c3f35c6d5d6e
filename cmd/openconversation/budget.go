package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// budgetOptions are the flags of budget.
type budgetOptions struct {
	connection
	json bool
}

func newBudgetCommand(a *app) *cobra.Command {
	o := budgetOptions{connection: connection{noEmulator: true}} // which has no Redis
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "Print what the month's calls have come to",
		Long: `Print how many calls the processes have made this month that share the app's limits
through Redis, and how many are left. It calls nothing but Redis.

The count has what convert --redis and apps with package dingtalkredis have sent, repeats
included; what else the organisation's apps have called, only the developer console knows.
The month is that of UTC+8.`,
		Example: `  openconversation budget --redis redis://10.0.0.5:6379/0
  openconversation budget --json`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{footer: environmentText() + "\n" + exitText()},
		RunE: a.begins(func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd, true); err != nil {
				return err
			}
			return a.budget(cmd.Context(), o)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.sharing.addTo(cmd)
	o.addTo(cmd)
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

// monthUsed is what budget prints.
type monthUsed struct {
	Month  string    `json:"month"`
	Used   int       `json:"used"`
	Limit  *int      `json:"limit,omitempty"` // nil if there is none
	Left   *int      `json:"left,omitempty"`
	Resets time.Time `json:"resets"`
}

func (a *app) budget(ctx context.Context, o budgetOptions) error {
	if a.redisURL(o.connection) == "" {
		return errNoRedis
	}
	m, err := a.monthUsed(ctx, o.connection)
	if err != nil {
		return err
	}
	if o.json {
		return a.printJSON(m)
	}
	limit, left := "no limit", ""
	if m.Limit != nil {
		limit, left = fmt.Sprint(*m.Limit), fmt.Sprintf("left    %d\n", *m.Left)
	}
	return a.print(fmt.Sprintf("month   %s\nused    %d\nlimit   %s\n%sresets  %s\n", m.Month, m.Used, limit, left, m.Resets.Format(time.RFC3339)))
}

// monthUsed asks Redis.
func (a *app) monthUsed(ctx context.Context, c connection) (m monthUsed, err error) {
	creds, err := a.credentials(c)
	if err != nil {
		return m, err
	}
	fleet, done, err := a.fleet(c, creds)
	if err != nil {
		return m, err
	}
	defer done()
	budget := fleet.Budget(c.budget)
	if m.Used, err = budget.Used(ctx); err != nil {
		return m, &exitError{code: exitUnavailable, err: errors.New("Redis: " + strings.TrimPrefix(err.Error(), "dingtalkredis: ")), hint: "check that Redis runs at the address of --redis or " + envRedisURL}
	}
	if c.budget > 0 {
		left := max(c.budget-m.Used, 0)
		m.Limit, m.Left = &c.budget, &left
	}
	m.Resets = budget.Resets()
	m.Month = m.Resets.AddDate(0, -1, 0).Format("2006-01")
	return m, nil
}
