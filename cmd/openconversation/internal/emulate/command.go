package emulate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The environment variables that an app's credentials come from. A secret is never a flag: other users of the machine
// can read a process's arguments.
const (
	EnvAppKey    = "DINGTALK_APP_KEY"
	EnvAppSecret = "DINGTALK_APP_SECRET"
)

// options are the flags of emulator.
type options struct {
	listen        string
	anyChat       bool
	chats         []string
	qps, quota    int
	latency       time.Duration
	tokenLifetime time.Duration
	faults        []string
	spec          string
	tokenFaults   []string
}

// Command is the command that serves for other processes.
func Command(w *term.World) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Serve an emulator of DingTalk for other processes",
		Long: `Serve an emulator of the two DingTalk calls, for the tests of clients in any language.

It prints one line with its address and the made-up credentials that it accepts, and
serves until SIGINT or SIGTERM. That is how it is meant to end, so its exit code is 0.

It knows the chat of DingTalk's page, chatfaabe59a460527f5fb72fbbdfe3f061e; other ids are
unknown to it unless --chat or --any-chat is given.

A fault is FAULT[:TIMES]: what to do to that many requests (1 if not given, or always),
after which they are answered as usual. Several apply in their order. FAULT is
  an error code or its name (see openconversation codes), answered as the service does
  an HTTP status from 400 to 599, answered with a page of HTML, as the edge does
  ban, ban-json   the answers that a banned address gets
  reset, hang     the connection is reset, or never answered
  pass            the request is answered as usual`,
		Example: `  openconversation emulator --listen 127.0.0.1:8080 --any-chat
  openconversation emulator --spec robot.json
  openconversation emulator --qps 20 --quota 5000 --latency 50ms
  openconversation emulator --fault InvalidAuthentication --fault 502:3
  openconversation emulator --token-fault invalidClientIdOrSecret:always`,
		Args: explain.NoArgs,
		RunE: explain.Begins(func(cmd *cobra.Command, _ []string) error {
			return emulate(cmd.Context(), w, o)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `ADDRESS:PORT` to listen at; port 0 is a free one")
	flags.BoolVar(&o.anyChat, "any-chat", false, "know every chat id, except those that begin with unknown or cid")
	flags.StringArrayVar(&o.chats, "chat", nil, "know this chat: `CHAT_ID=OPEN_CONVERSATION_ID`; may be repeated")
	flags.StringVar(&o.spec, "spec", "", "serve the operations of this `FILE` as well, made by openconversation-gen --routes of an OpenAPI contract")
	flags.IntVar(&o.qps, "qps", 0, "let an app make `N` conversions in a second; 0 is no limit")
	flags.IntVar(&o.quota, "quota", -1, "let the organisation make `N` conversions in a month; -1 is no limit")
	flags.DurationVar(&o.latency, "latency", 0, "hold every answer back for this `time`, such as 50ms")
	flags.DurationVar(&o.tokenLifetime, "token-lifetime", 2*time.Hour, "`time` that a token lasts after it was last asked for")
	flags.StringArrayVar(&o.faults, "fault", nil, "fail conversions: `FAULT[:TIMES]`; may be repeated")
	flags.StringArrayVar(&o.tokenFaults, "token-fault", nil, "fail token calls: `FAULT[:TIMES]`; may be repeated")
	return cmd
}

// emulate serves until ctx ends, which is its success.
func emulate(ctx context.Context, w *term.World, o options) error {
	settings, err := o.settings()
	if err != nil {
		return err
	}
	queue, err := parseFaults("--fault", o.faults, generated.OperationChatIDToOpenConversationID)
	if err != nil {
		return err
	}
	tokenQueue, err := parseFaults("--token-fault", o.tokenFaults, generated.OperationGetAccessToken)
	if err != nil {
		return err
	}
	server, err := Serve(ctx, o.listen, w.Err, settings...)
	if err != nil {
		return err
	}
	defer server.Stop()
	server.emulator.FailNext(append(queue, tokenQueue...)...)
	if err := w.Print(w.Lang.Sprintf("listening on %s with %s=%s %s=%s",
		server.URL, EnvAppKey, dingtalktest.AppKey, EnvAppSecret, dingtalktest.AppSecret) + "\n"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.ended:
		return lang.Errorf("emulator: %w", err)
	}
}

// settings are the flags as the emulator's options.
func (o *options) settings() ([]dingtalktest.Option, error) {
	switch {
	case o.qps < 0:
		return nil, explain.Usage("--qps: %d is negative", o.qps)
	case o.latency < 0:
		return nil, explain.Usage("--latency: %s is negative", o.latency)
	case o.tokenLifetime <= 0:
		return nil, explain.Usage("--token-lifetime: %s is not positive", o.tokenLifetime)
	}
	settings := []dingtalktest.Option{
		dingtalktest.WithQPS(o.qps), dingtalktest.WithMonthlyQuota(o.quota),
		dingtalktest.WithLatency(o.latency), dingtalktest.WithTokenLifetime(o.tokenLifetime),
	}
	if o.spec != "" {
		operations, err := specs.Read(o.spec)
		if err != nil {
			return nil, err
		}
		settings = append(settings, dingtalktest.WithSpec(operations))
	}
	if o.anyChat {
		settings = append(settings, dingtalktest.WithAnyChat())
	}
	for _, pair := range o.chats {
		chatID, id, ok := strings.Cut(pair, "=") // the first: an openConversationId ends in more of them
		if !ok || chatID == "" || id == "" {
			return nil, explain.Usage("--chat %s: give CHAT_ID=OPEN_CONVERSATION_ID", pair)
		}
		settings = append(settings, dingtalktest.WithChat(chatID, id))
	}
	return settings, nil
}

// namedFaults are the faults that are no error codes.
var namedFaults = map[string]dingtalktest.Fault{
	"ban":      dingtalktest.Ban(),
	"ban-json": dingtalktest.BanJSON(),
	"reset":    dingtalktest.Reset(),
	"hang":     dingtalktest.Hang(),
	"pass":     dingtalktest.Pass(),
}

// parseFaults reads the values of a flag as faults of one operation.
func parseFaults(flag string, values []string, operation generated.Operation) ([]dingtalktest.Fault, error) {
	var queue []dingtalktest.Fault
	for _, value := range values {
		what, times, counted := strings.Cut(value, ":")
		fault, ok := parseFault(what)
		if !ok {
			return nil, explain.UsageHint("see openconversation codes, and openconversation emulator --help", "%s %s: there is no such fault", flag, value)
		}
		if times == "always" {
			fault = fault.Always()
		} else if counted {
			n, err := strconv.Atoi(times)
			if err != nil || n < 1 {
				return nil, explain.Usage("%s %s: after the colon comes a number from 1, or always", flag, value)
			}
			fault = fault.Times(n)
		}
		queue = append(queue, fault.For(operation))
	}
	return queue, nil
}

func parseFault(what string) (dingtalktest.Fault, bool) {
	if fault, ok := namedFaults[what]; ok {
		return fault, true
	}
	if i := slices.IndexFunc(generated.ErrorCodes, func(row generated.ErrorCode) bool { return row.Name == what }); i >= 0 {
		return dingtalktest.Code(generated.ErrorCodes[i].Code), true
	}
	if row := generated.LookupErrorCode(what); row != nil {
		if slices.Contains(row.Aliases, what) {
			return dingtalktest.Code(generated.Code(what)), true
		}
		return dingtalktest.Code(row.Code), true
	}
	if status, err := strconv.Atoi(what); err == nil && status >= 400 && status <= 599 {
		page := fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%d</title></head><body><h1>%d</h1><hr>Tengine</body></html>\n", status, status)
		return dingtalktest.Raw(status, "text/html; charset=utf-8", []byte(page)), true
	}
	return dingtalktest.Fault{}, false
}
