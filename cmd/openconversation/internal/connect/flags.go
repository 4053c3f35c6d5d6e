package connect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The environment variables of a client.
const (
	EnvAppKey    = explain.EnvAppKey
	EnvAppSecret = explain.EnvAppSecret
	EnvBaseURL   = explain.EnvBaseURL
	EnvRedisURL  = explain.EnvRedisURL
)

// Flags tell how a command reaches the service.
type Flags struct {
	noEmulator bool // the command has no flag for it
	emulator   bool
	region     string
	baseURL    string
	secretFile string
	ip         string // 4 or 6; empty: both

	sharing

	Emulate []dingtalktest.Option // more options of --emulator's emulator
	Pace    *Pace                 // nil: the SDK's limiter and budget
}

var regions = map[string]dingtalk.Region{"international": dingtalk.International, "mainland": dingtalk.MainlandChina}

// AddTo adds the flags.
func (c *Flags) AddTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	if !c.noEmulator {
		flags.BoolVar(&c.emulator, "emulator", false, "call an emulator in this process: it needs no credentials, and knows the chat of DingTalk's page")
	}
	explain.Choice(cmd, &c.region, "region", "`international|mainland`: the app's region (default international)", []string{"international", "mainland"}, nil)
	flags.StringVar(&c.baseURL, "base-url", "", "call `URL` instead of a region's host: HTTPS, or HTTP on a loopback address")
	flags.StringVar(&c.secretFile, "app-secret-file", "", "read the app's secret from `FILE` instead of "+EnvAppSecret)
	explain.Choice(cmd, &c.ip, "ip", "connect over this `VERSION` of IP only: 4 or 6; the app's allow list may have one alone", []string{"4", "6"}, nil)
}

// Check refuses flags that exclude each other.
func (c *Flags) Check(cmd *cobra.Command) error {
	for _, group := range [][]string{{"emulator", "region", "base-url"}, {"app-secret-file", "emulator"}, {"redis", "emulator"}} {
		if err := explain.Alone(cmd, group...); err != nil {
			return err
		}
	}
	return nil
}

// Emulator reports whether the host is an emulator in this process.
func (c *Flags) Emulator() bool { return c.emulator }

// SecretOf returns the flag or the variable that gives the app's secret.
func (c *Flags) SecretOf() string {
	if c.secretFile != "" {
		return "--app-secret-file"
	}
	return EnvAppSecret
}

// Identity returns a digest of the app and the host, by which a resumed run checks that both are the same. Without an app it is empty.
func (c *Flags) Identity(w *term.World) string {
	key, host := trimLineEnds(w.Getenv(EnvAppKey)), c.URL(w)
	if c.emulator {
		key, host = dingtalktest.AppKey, "emulator"
	}
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key + "\n" + host))
	return hex.EncodeToString(sum[:])
}

// URL returns the base URL to call: from a flag, else the environment, else the default.
func (c *Flags) URL(w *term.World) string {
	from := cmp.Or(c.baseURL, string(regions[c.region]), trimLineEnds(w.Getenv(EnvBaseURL)), string(dingtalk.International))
	return strings.TrimRight(from, "/")
}

// Host returns the host to call, for people.
func (c *Flags) Host(w *term.World) string {
	u, err := url.Parse(c.URL(w))
	if err != nil {
		return "the host"
	}
	return u.Host
}

// Elsewhere returns these flags for the other region, and its name. It is empty if the host is no region's.
func (c *Flags) Elsewhere(w *term.World) (other Flags, name string) {
	if !c.emulator {
		name = map[string]string{string(dingtalk.International): "mainland", string(dingtalk.MainlandChina): "international"}[c.URL(w)]
	}
	return Flags{region: name, secretFile: c.secretFile, ip: c.ip}, name
}

// trimLineEnds trims line ends, which editors and shells add.
func trimLineEnds(value string) string { return strings.TrimRight(value, "\r\n") }

// sharing holds the flags for sharing the app's limits with other processes.
type sharing struct {
	offered      bool // the command has the flags
	redis        string
	Budget       int
	organization string
	redisTimeout time.Duration
	strict       bool // Redis must count each request before it is sent, as the user set the budget
}

// MonthlyQuota is an organisation's monthly quota on the standard edition.
const MonthlyQuota = generated.CallsPerMonth

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
	s.strict = cmd.Flags().Changed("monthly-budget")
	for _, name := range []string{"monthly-budget", "organization", "redis-timeout"} {
		if !on && cmd.Flags().Changed(name) {
			return explain.Usage("--%s needs --redis, or %s", name, EnvRedisURL)
		}
	}
	return nil
}
