package connect

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
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
	organization string
	redisTimeout time.Duration
	chosen       bool // the user set the budget
}

// strict reports whether Redis must count each request before it is sent: if the user set the budget.
func (s *sharing) strict() bool { return s.chosen }

// AddSharingTo adds the flags.
func (s *sharing) AddSharingTo(cmd *cobra.Command) {
	s.offered = true
	flags := cmd.Flags()
	flags.StringVar(&s.redis, "redis", "", "share the app's limits with other processes through the Redis at `URL`, such as redis://10.0.0.5:6379/0, redis+cluster://a,b or redis+sentinel://a,b/0?master_name=NAME; a URL with a password goes into "+EnvRedisURL)
	flags.DurationVar(&s.redisTimeout, "redis-timeout", time.Second, "with --redis: wait `TIME` for an answer of Redis; four round trips or more")
	flags.IntVar(&s.Budget, "monthly-budget", MonthlyQuota, "with --redis: at most `N` calls a month (UTC+8) by all that share it, and none that Redis has not counted; 0 is no limit")
	flags.StringVar(&s.organization, "organization", "", "with --redis: `NAME` of whose budget it is, such as the corpId (default: the app's own)")
}

// CheckSharing refuses invalid flags. on tells whether a Redis is set.
func (s *sharing) CheckSharing(cmd *cobra.Command, on bool) error {
	s.chosen = cmd.Flags().Changed("monthly-budget")
	for _, name := range []string{"monthly-budget", "organization", "redis-timeout"} {
		if !on && cmd.Flags().Changed(name) {
			return explain.Usage("--%s needs --redis, or %s", name, EnvRedisURL)
		}
	}
	if s.Budget < 0 {
		return explain.Usage("--monthly-budget: %d is negative", s.Budget)
	}
	if s.redisTimeout <= 0 {
		return explain.Usage("--redis-timeout: %s is not positive", s.redisTimeout)
	}
	return nil
}
