package connect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

// RedisURL returns the Redis that shares the limits, or "". An emulator in this process has limits of its own.
func (c *Flags) RedisURL(w *term.World) string {
	if !c.offered || c.emulator {
		return ""
	}
	return cmp.Or(c.redis, trimLineEnds(w.Getenv(EnvRedisURL)))
}

// quietRedis keeps the Redis client from logging to standard error. It changes a setting of the process, which closing clients read.
var quietRedis = sync.OnceFunc(logging.Disable)

// fleet makes the fleet of processes with the same Redis, host and app. A setup error of Redis ends the command; an outage may pass.
func (c *Flags) fleet(ctx context.Context, w *term.World, creds dingtalk.AppCredentials) (*dingtalkredis.Fleet, func(), error) {
	if holdsPassword(c.redis) {
		return nil, nil, explain.Usage("--redis: other users can read a process's arguments: set %s to a URL with a password", EnvRedisURL)
	}
	quietRedis()
	client, err := dingtalkredis.Open(c.RedisURL(w))
	if err != nil {
		return nil, nil, explain.Usage("--redis and %s: %w", EnvRedisURL, err)
	}
	done := func() { _ = client.Close() } // replies in flight are no longer needed
	fleetOptions := []dingtalkredis.Option{
		dingtalkredis.WithBaseURL(c.URL(w)), dingtalkredis.WithOrganization(c.organization), dingtalkredis.WithLogger(slog.New(notes{w})),
		dingtalkredis.WithTimeout(c.redisTimeout),
	}
	fleet, err := dingtalkredis.New(client, creds, fleetOptions...)
	if err != nil { // the credentials are not empty, so it is the host
		done()
		return nil, nil, explain.Usage("%w", err)
	}
	if err := wrongSetup(fleet.Ping(ctx)); err != nil {
		done()
		return nil, nil, err
	}
	return fleet, done, nil
}

// holdsPassword reports whether a URL has a password, even if the URL cannot be parsed.
func holdsPassword(rawURL string) bool {
	_, after, _ := strings.Cut(rawURL, "://")
	at := strings.LastIndexByte(after, '@')
	return at >= 0 && strings.ContainsRune(after[:at], ':') || strings.Contains(rawURL, "password=")
}

// wrongSetup makes the command's error for a setup error of Redis; it is nil for other errors.
func wrongSetup(err error) error {
	var e *dingtalkredis.SetupError
	if !errors.As(err, &e) {
		return nil
	}
	code := explain.Unavailable
	if e.Fault == dingtalkredis.FaultAuthentication || e.Fault == dingtalkredis.FaultPermission {
		code = explain.Credentials
	}
	return &explain.Error{Code: code, Err: lang.Errorf("Redis is set up wrongly (%s): %w", lang.Quoted(e.Fault), e.Err), Hint: lang.T("%s", lang.Quoted(e.Hint()))}
}

// share sets the fleet's limiter and budget in the run's pace, and returns the client's options for token and cache.
func (c *Flags) share(fleet *dingtalkredis.Fleet) []dingtalk.Option {
	options := []dingtalk.Option{dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithCache(fleet.Cache(sharedConversions))}
	if c.Budget > 0 {
		var mode []dingtalkredis.BudgetOption
		if !c.strict {
			mode = append(mode, dingtalkredis.Available())
		}
		c.Pace.budget = fleet.Budget(c.Budget, mode...)
	}
	if c.Pace.qps > 0 {
		c.Pace.inner = fleet.Limiter(c.Pace.qps)
	}
	return options
}

// notes prints the fleet's log entries for the user: Redis is down, Redis is back.
type notes struct{ world *term.World }

func (n notes) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (n notes) WithAttrs([]slog.Attr) slog.Handler               { return n }
func (n notes) WithGroup(string) slog.Handler                    { return n }

func (n notes) Handle(_ context.Context, record slog.Record) error {
	said := []lang.Said{lang.Quoted(record.Message)}
	record.Attrs(func(attr slog.Attr) bool {
		value := attr.Value.Any()
		if text, is := value.(string); is {
			value = lang.Quoted(text)
		}
		said = append(said, lang.T("%s", value))
		return true
	})
	n.world.Note("%s", lang.Join(": ", said...))
	return nil
}

// sharedConversions is how long processes share a conversion. No page says how long a chat's openConversationId stays the same.
const sharedConversions = 24 * time.Hour

// BudgetCommand makes the command that prints the month's count.
func BudgetCommand(w *term.World) *cobra.Command {
	o, asJSON := Flags{noEmulator: true}, false // an emulator has no Redis
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "Print this month's calls and what is left of the budget",
		Args:  explain.AtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(o.Check(cmd), o.CheckSharing(cmd, true)); err != nil {
				return err
			}
			return o.printBudget(cmd.Context(), w, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.AddSharingTo(cmd)
	o.AddTo(cmd)
	flags.BoolVar(&asJSON, "json", false, "print one JSON object")
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

func (c *Flags) printBudget(ctx context.Context, w *term.World, asJSON bool) error {
	if c.RedisURL(w) == "" {
		return explain.UsageHint("the count of a month is kept by the processes that share it through Redis",
			"no Redis is given: set --redis or %s", EnvRedisURL)
	}
	m, err := c.MonthUsed(ctx, w)
	if err != nil {
		return err
	}
	if asJSON {
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
		return m, &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("the shared Redis: %w", err), Hint: lang.T("check that Redis runs at the address of --redis or %s", EnvRedisURL)}
	}
	if c.Budget > 0 {
		left := max(c.Budget-m.Used, 0)
		m.Limit, m.Left = &c.Budget, &left
	}
	m.Resets = budget.Resets()
	m.Month = m.Resets.AddDate(0, -1, 0).Format("2006-01")
	return m, nil
}
