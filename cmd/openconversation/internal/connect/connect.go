// Package connect makes the client that the commands call with: from flags and environment come the host, the app's
// credentials, the way there, the pace, and what other machines share.
package connect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/emulate"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Flags are how a command was told to reach the service.
type Flags struct {
	noEmulator bool // the command has no flag for it
	emulator   bool
	region     region
	baseURL    string
	secretFile string
	ipv4, ipv6 bool

	sharing

	Emulate []dingtalktest.Option // what the emulator of --emulator serves besides
	Pace    *Pace                 // nil for the SDK's own
	MaxWait time.Duration         // 0 for the SDK's own
}

// region is the flag --region.
type region string

var regions = map[region]dingtalk.Region{
	"international": dingtalk.International,
	"mainland":      dingtalk.MainlandChina,
}

func (r *region) String() string { return string(*r) }
func (r *region) Type() string   { return "region" }

func (r *region) Set(name string) error {
	if _, ok := regions[region(name)]; !ok {
		return &explain.ValueError{Text: "use international or mainland"}
	}
	*r = region(name)
	return nil
}

// AddTo adds the flags.
func (c *Flags) AddTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	if !c.noEmulator {
		flags.BoolVar(&c.emulator, "emulator", false, "call an emulator in this process, which needs no credentials and knows the chat of DingTalk's page")
	}
	flags.Var(&c.region, "region", "the app's region: `international|mainland` (default international)")
	flags.StringVar(&c.baseURL, "base-url", "", "`URL` to call instead of a region's: HTTPS, or HTTP on a loopback address")
	flags.StringVar(&c.secretFile, "app-secret-file", "", "read the app's secret from this `FILE` instead of "+EnvAppSecret)
	flags.BoolVar(&c.ipv4, "ipv4", false, "connect over IPv4 only, where the app's allow list has no IPv6 address of this machine")
	flags.BoolVar(&c.ipv6, "ipv6", false, "connect over IPv6 only")
	_ = cmd.RegisterFlagCompletionFunc("region", cobra.FixedCompletions([]string{"international", "mainland"}, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// Check refuses flags that cannot stand beside each other.
func (c *Flags) Check(cmd *cobra.Command) error {
	for _, group := range [][]string{{"emulator", "region", "base-url"}, {"app-secret-file", "emulator"}, {"redis", "emulator"}, {"ipv4", "ipv6"}} {
		if err := explain.Alone(cmd, group...); err != nil {
			return err
		}
	}
	return nil
}

// Emulator is whether the host is an emulator in this process.
func (c *Flags) Emulator() bool { return c.emulator }

// SecretFile is whether the secret is read from a file.
func (c *Flags) SecretFile() bool { return c.secretFile != "" }

// Dial makes the SDK's client, and with --emulator what it calls. done lets go of both.
func (c *Flags) Dial(ctx context.Context, w *term.World) (client *dingtalk.Client, done func(), err error) {
	stop := func() {}
	var creds dingtalk.AppCredentials
	options := []dingtalk.Option{dingtalk.WithUserAgent(term.CommandName + "/" + dingtalk.Version), dingtalk.WithRetry(dingtalk.Retry{MaxWait: c.MaxWait})}
	if c.emulator {
		server, err := emulate.Serve(ctx, "127.0.0.1:0", w.Err, c.Emulate...)
		if err != nil {
			return nil, nil, err
		}
		stop = server.Stop
		creds = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
		options = append(options, dingtalk.WithBaseURL(server.URL))
	} else {
		var err error
		if creds, err = c.credentials(ctx, w); err != nil {
			return nil, nil, err
		}
		options = append(options, dingtalk.WithBaseURL(c.hostURL(w)))
	}
	if c.RedisURL(w) != "" {
		fleet, done, err := c.fleet(w, creds)
		if err != nil {
			return nil, nil, err
		}
		stop = done
		options = append(options, c.share(fleet)...)
	}
	if c.Pace != nil {
		options = append(options, dingtalk.WithLimiter(c.Pace), dingtalk.WithBudget(c.Pace))
	}
	if network := c.network(); network != "" {
		options = append(options, dingtalk.WithHTTPClient(&http.Client{Transport: over(network)}))
	}
	client, err = dingtalk.NewClient(creds, options...)
	if err != nil { // the credentials are not empty, so it is the base URL
		stop()
		return nil, nil, explain.Usage("%s", explain.Describe(err))
	}
	return client, func() { client.CloseIdleConnections(); stop() }, nil
}

// network is the only one that connections may be made over; empty if there is no such one.
func (c *Flags) network() string {
	switch {
	case c.ipv4:
		return "tcp4"
	case c.ipv6:
		return "tcp6"
	default:
		return ""
	}
}

// over is the SDK's transport over one network.
func over(network string) *http.Transport {
	transport := dingtalk.NewTransport()
	dial := transport.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	transport.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, network, address) }
	return transport
}

// Identity is a digest of the app and the host, by which a run that goes on knows that it is the same.
func (c *Flags) Identity(w *term.World) string {
	key, host := trimLineEnds(w.Getenv(EnvAppKey)), strings.TrimRight(c.hostURL(w), "/")
	if c.emulator {
		key, host = dingtalktest.AppKey, "emulator"
	}
	sum := sha256.Sum256([]byte(key + "\n" + host))
	return hex.EncodeToString(sum[:])
}

// hostURL is the host to call: a flag before the environment, and that before the default.
func (c *Flags) hostURL(w *term.World) string {
	switch fromEnv := trimLineEnds(w.Getenv(EnvBaseURL)); {
	case c.baseURL != "":
		return c.baseURL
	case c.region != "":
		return string(regions[c.region])
	case fromEnv != "":
		return fromEnv
	default:
		return string(dingtalk.International)
	}
}
