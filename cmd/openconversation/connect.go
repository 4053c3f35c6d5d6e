package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"runtime"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// converter is the part of a [dingtalk.Client] that the commands need.
type converter interface {
	Token(ctx context.Context) (string, error)
	OpenConversationID(ctx context.Context, chatID string) (string, error)
	OpenConversationIDs(ctx context.Context, chatIDs iter.Seq[string], opts ...dingtalk.BulkOption) iter.Seq2[dingtalk.Conversion, error]
}

// connection is how a command was told to reach the service.
type connection struct {
	noEmulator bool // the command has no flag for it
	emulator   bool
	region     region
	baseURL    string
	secretFile string

	sharing

	pace    *pace         // nil for the SDK's own
	maxWait time.Duration // 0 for the SDK's own
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
		return errors.New("use international or mainland")
	}
	*r = region(name)
	return nil
}

// addTo adds the flags.
func (c *connection) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	alone := []string{"region", "base-url"}
	if !c.noEmulator {
		flags.BoolVar(&c.emulator, "emulator", false, "call an emulator in this process, which needs no credentials and knows the chat of DingTalk's page")
		alone = append(alone, "emulator")
	}
	flags.Var(&c.region, "region", "the app's region: `international|mainland` (default international)")
	flags.StringVar(&c.baseURL, "base-url", "", "`URL` to call instead of a region's: HTTPS, or HTTP on a loopback address")
	flags.StringVar(&c.secretFile, "app-secret-file", "", "read the app's secret from this `FILE` instead of "+envAppSecret)
	cmd.MarkFlagsMutuallyExclusive(alone...)
	if !c.noEmulator {
		cmd.MarkFlagsMutuallyExclusive("app-secret-file", "emulator")
	}
	if c.offered && !c.noEmulator {
		cmd.MarkFlagsMutuallyExclusive("redis", "emulator")
	}
	_ = cmd.RegisterFlagCompletionFunc("region", cobra.FixedCompletions([]string{"international", "mainland"}, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// dial makes the SDK's client, and with --emulator what it calls.
func (a *app) dial(ctx context.Context, c connection) (converter, func(), error) {
	stop := func() {}
	var creds dingtalk.AppCredentials
	options := []dingtalk.Option{dingtalk.WithUserAgent(commandName + "/" + dingtalk.Version), dingtalk.WithRetry(dingtalk.Retry{MaxWait: c.maxWait})}
	if c.emulator {
		server, err := serveEmulator(ctx, "127.0.0.1:0", a.stderr)
		if err != nil {
			return nil, nil, err
		}
		stop = server.stop
		creds = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
		options = append(options, dingtalk.WithBaseURL(server.url))
	} else {
		var err error
		if creds, err = a.credentials(c); err != nil {
			return nil, nil, err
		}
		options = append(options, dingtalk.WithBaseURL(a.hostURL(c)))
	}
	if a.redisURL(c) != "" {
		fleet, done, err := a.fleet(c, creds)
		if err != nil {
			return nil, nil, err
		}
		stop = done
		options = append(options, c.share(fleet)...)
	}
	if c.pace != nil {
		options = append(options, dingtalk.WithLimiter(c.pace), dingtalk.WithBudget(c.pace))
	}
	client, err := dingtalk.NewClient(creds, options...)
	if err != nil { // the credentials are not empty, so it is the base URL
		stop()
		return nil, nil, usageError("%s", describe(err))
	}
	return client, func() { client.CloseIdleConnections(); stop() }, nil
}

// identity is a digest of the app and the host, by which a run that goes on knows that it is the same.
func (a *app) identity(c connection) string {
	if c.emulator {
		return identity(dingtalktest.AppKey, "emulator")
	}
	return identity(a.getenv(envAppKey), strings.TrimRight(a.hostURL(c), "/"))
}

// hostURL is the host to call: a flag before the environment, and that before the default.
func (a *app) hostURL(c connection) string {
	switch fromEnv := a.getenv(envBaseURL); {
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

// credentials gathers the app's key and secret.
func (a *app) credentials(c connection) (dingtalk.AppCredentials, error) {
	creds := dingtalk.AppCredentials{AppKey: a.getenv(envAppKey), AppSecret: a.getenv(envAppSecret)}
	if c.secretFile != "" {
		secret, err := a.secretFrom(c.secretFile)
		if err != nil {
			return creds, &exitError{code: exitCredentials, err: fmt.Errorf("--app-secret-file: %w", err), hint: "write the app's secret, and nothing else, to a file that only you can read"}
		}
		creds.AppSecret = secret
	}
	var missing []string
	if creds.AppKey == "" {
		missing = append(missing, envAppKey)
	}
	if creds.AppSecret == "" {
		missing = append(missing, envAppSecret+" (or --app-secret-file)")
	}
	if len(missing) == 0 {
		return creds, nil
	}
	hint := "the developer console shows them as Client ID and Client Secret"
	if !c.noEmulator {
		hint += "; --emulator needs none"
	}
	return creds, &exitError{code: exitCredentials, err: errors.New("no credentials: set " + strings.Join(missing, " and ")), hint: hint}
}

// maxSecret is far above the length of any app secret, in bytes.
const maxSecret = 4 << 10

// secretFrom reads a secret. No error repeats the file's name or content: a secret given in place of the name is a
// mistake that happens.
func (a *app) secretFrom(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", withoutPath(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if info, err := file.Stat(); err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0 {
		a.note("warning: the file of --app-secret-file can be read by other users; chmod 600 would keep it to you")
	}
	content, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", withoutPath(err)
	}
	content = bytes.TrimSuffix(bytes.TrimSuffix(content, []byte("\n")), []byte("\r"))
	switch {
	case len(content) == 0:
		return "", errors.New("the file is empty")
	case len(content) > maxSecret:
		return "", fmt.Errorf("the file is longer than %d bytes", maxSecret)
	case bytes.ContainsFunc(content, unicode.IsControl):
		return "", errors.New("the file holds more than one line, or a control character")
	}
	return string(content), nil
}

func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("the file cannot be read: %w", path.Err)
	}
	return err
}
