package connect

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// MonthlyQuota is an organisation's monthly quota on the standard edition.
const MonthlyQuota = generated.CallsPerMonth

// sharedConversions is how long processes share a conversion. No page says how long a chat's openConversationId stays
// the same.
const sharedConversions = 24 * time.Hour

// sharing holds the flags for sharing the app's limits with other processes.
type sharing struct {
	offered      bool // the command has the flags
	redis        string
	Budget       int
	pods         int
	organization string
	mode         budgetMode
	chosen       bool // the user set the budget
}

// budgetMode is the flag --budget-mode; empty if it was not given.
type budgetMode string

const (
	strictBudget    budgetMode = "strict"
	availableBudget budgetMode = "available"
)

func (m *budgetMode) String() string { return string(*m) }
func (m *budgetMode) Type() string   { return "mode" }

func (m *budgetMode) Set(name string) error {
	if mode := budgetMode(name); mode != strictBudget && mode != availableBudget {
		return lang.Errorf("use strict or available")
	}
	*m = budgetMode(name)
	return nil
}

// strict reports whether Redis must count each request before it is sent: the default if the user set the budget.
func (s *sharing) strict() bool {
	return s.mode == strictBudget || s.mode == "" && s.chosen
}

// AddSharingTo adds the flags.
func (s *sharing) AddSharingTo(cmd *cobra.Command) {
	s.offered = true
	flags := cmd.Flags()
	flags.StringVar(&s.redis, "redis", "", "share the app's limits through the Redis at this `URL`, such as redis://10.0.0.5:6379/0, redis+cluster://a,b,c or redis+sentinel://a,b/0?master_name=NAME; a URL with a password goes into "+EnvRedisURL)
	flags.IntVar(&s.Budget, "monthly-budget", MonthlyQuota, "with Redis: at most `N` calls in a calendar month (UTC+8) by all who share it; 0 is no limit. The default is what the standard edition has in mainland China; the international page says 10000, professional editions have 200000, and the five days of grace after the quota are not counted")
	flags.StringVar(&s.organization, "organization", "", "with Redis: any `NAME`, such as the corpId; apps that give the same one share a budget (default the app's own)")
}

// AddPodsTo adds the flags for commands that make calls.
func (s *sharing) AddPodsTo(cmd *cobra.Command) {
	cmd.Flags().Var(&s.mode, "budget-mode", "with Redis, while it is away: `strict|available`, send nothing that it has not counted, or at most a tenth of the budget by all processes (default strict with --monthly-budget, else available)")
	_ = cmd.RegisterFlagCompletionFunc("budget-mode", cobra.FixedCompletions([]string{string(strictBudget), string(availableBudget)}, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
	cmd.Flags().IntVar(&s.pods, "pods", 0, "with Redis: `N` processes share it; while it is away each keeps to its part of the limits")
}

// CheckSharing refuses invalid flags. on tells whether a Redis is set.
func (s *sharing) CheckSharing(cmd *cobra.Command, on bool) error {
	s.chosen = cmd.Flags().Changed("monthly-budget")
	for _, name := range []string{"monthly-budget", "budget-mode", "organization", "pods"} {
		if !on && cmd.Flags().Changed(name) {
			return explain.Usage("--%s needs --redis, or %s", name, EnvRedisURL)
		}
	}
	switch {
	case s.Budget < 0:
		return explain.Usage("--monthly-budget: %d is negative", s.Budget)
	case s.pods < 0:
		return explain.Usage("--pods: %d is negative", s.pods)
	}
	return nil
}
