package emulate

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Command is the command that serves for other processes.
func Command(w *term.World) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Serve an emulator of DingTalk for other processes",
		Long:  strings.Replace(lang.Help("emulator --help"), "{faults}", faultList(), 1),
		Args:  explain.AtMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.health != "" {
				return o.askHealth(cmd.Context(), w)
			}
			return emulate(cmd.Context(), w, o, cmd.Flags())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `ADDRESS:PORT` to listen at, port 0 is a free one; or unix:PATH")
	flags.BoolVar(&o.allowRemote, "allow-remote", false, "listen where other machines may reach it, and answer any Host: in a container or a test network")
	flags.StringVar(&o.admin, "admin", "", "serve the admin API at this `ADDRESS:PORT` or unix:PATH")
	flags.StringVar(&o.scenario, "scenario", "", "begin with the settings and faults of this `FILE`, YAML or JSON; flags come on top of it")
	flags.Bool("any-chat", false, "know every chat id, except those that begin with unknown or cid")
	flags.StringArrayVar(&o.chats, "chat", nil, "know this chat: `CHAT_ID=OPEN_CONVERSATION_ID`; may be repeated")
	o.source.AddTo(flags)
	flags.Int("qps", 0, "let an app make `N` conversions in a second; 0 is no limit")
	flags.Int("quota", -1, "let the organisation make `N` conversions in a month; -1 is no limit")
	flags.Duration("latency", 0, "hold every answer back for this `time`, such as 50ms")
	flags.Duration("token-lifetime", 2*time.Hour, "`time` that a token lasts after it was last asked for")
	flags.StringArrayVar(&o.faults, "fault", nil, "fail conversions: `FAULT[:TIMES]`; may be repeated")
	flags.StringArrayVar(&o.tokenFaults, "token-fault", nil, "fail token calls: `FAULT[:TIMES]`; may be repeated")
	flags.BoolVar(&o.tls, "tls", false, "serve HTTPS, with a certificate made at the start; its authority is printed, or written to --tls-ca-file")
	flags.StringVar(&o.tlsCAFile, "tls-ca-file", "", "write the authority's certificate to this `FILE`, as PEM: clients are to trust it")
	flags.StringArrayVar(&o.tlsNames, "tls-name", nil, "`NAME` or address of a host that the certificate is for, in addition to the loopback interface's; may be repeated")
	flags.BoolVar(&o.http2, "http2", false, "speak HTTP/2 as well: over TLS, and unencrypted to clients that begin with it")
	flags.StringVar(&o.log, "log", "", "add a line of JSON for each request to this `FILE`, or to standard error for -; without secrets")
	flags.BoolVar(&o.printEnv, "print-env", false, "print environment variables for a shell to evaluate, and close standard output")
	flags.StringVar(&o.readyFile, "ready-file", "", "write this `FILE` with the same variables once requests are served; it is removed at the end")
	flags.StringVar(&o.health, "health", "", "serve nothing: ask the admin API at this `URL` whether its emulator is up, and exit with 0 if it is")
	return cmd
}

// faultList is the faults that have a name, for the help.
func faultList() string {
	var b strings.Builder
	for _, kind := range dingtalktest.FaultKinds() {
		if kind.Word {
			b.WriteString(term.Beside("  "+kind.Name, kind.Does, 22))
		}
	}
	return b.String()
}

// emulate serves until ctx ends, which is its success.
func emulate(ctx context.Context, w *term.World, o options, flags *pflag.FlagSet) error {
	settings, err := o.settings(flags)
	if err != nil {
		return err
	}
	if o.admin == "" { // nobody could read the record
		settings = append(settings, withoutRecord)
	}
	if o.log != "" {
		write, end, err := logTo(w, o.log)
		if err != nil {
			return err
		}
		defer end()
		settings = append(settings, func(s *dingtalktest.Settings) { s.Observe = write })
	}
	made, err := o.certificate()
	if err != nil {
		return err
	}
	server, err := o.start(ctx, w.Err, dingtalktest.New(settings...), made)
	if err != nil {
		return err
	}
	defer server.Stop()
	if o.readyFile != "" {
		defer func() { _ = os.Remove(o.readyFile) }()
	}
	if err := o.announce(w, server, made); err != nil {
		return err
	}
	return server.wait(ctx)
}

// certificate makes one if it is wanted, and writes its authority where clients find it.
func (o *options) certificate() (*certificate, error) {
	switch {
	case !o.tls && (o.tlsCAFile != "" || len(o.tlsNames) > 0):
		return nil, explain.Usage("--tls-ca-file and --tls-name mean nothing without --tls")
	case !o.tls:
		return nil, nil
	case o.printEnv && o.tlsCAFile == "":
		return nil, explain.Usage("--print-env with --tls needs --tls-ca-file, where clients find the authority")
	}
	made, err := newCertificate(o.tlsNames, time.Now())
	if err != nil {
		return nil, explain.Usage("%s: %w", "--tls-name", err)
	}
	if o.tlsCAFile != "" {
		if err := writeWhole(o.tlsCAFile, string(made.authority)); err != nil {
			return nil, explain.Usage("%s: %w", "--tls-ca-file", err)
		}
	}
	return made, nil
}

// settingOf are the settings that flags stand for, by their names in JSON: a flag's value is the setting's.
var settingOf = map[string]string{
	"any-chat": "anyChat", "qps": "qps", "quota": "monthlyQuota", "latency": "latency", "token-lifetime": "tokenLifetime",
}

// settings are the emulator's options: the operations, then the scenario, and on top of it the flags.
func (o *options) settings(flags *pflag.FlagSet) ([]dingtalktest.Option, error) {
	var settings []dingtalktest.Option
	if o.source != (specs.Source{}) {
		operations, err := o.source.Read()
		if err != nil {
			return nil, err
		}
		settings = append(settings, dingtalktest.WithSpec(operations))
	}
	add := func(raw []byte) error {
		err := dingtalktest.New(settings...).ConfigureJSON(raw)
		settings = append(settings, func(s *dingtalktest.Settings) { _ = json.Unmarshal(raw, s) })
		return err
	}
	if o.scenario != "" {
		raw, err := readScenario(o.scenario)
		if err == nil {
			err = add(raw)
		}
		if err != nil {
			return nil, explain.UsageHint("openconversation emulator --help shows one", "--scenario %s: %w", o.scenario, err)
		}
	}
	raw, err := o.given(flags)
	if err != nil {
		return nil, err
	}
	if err := add(raw); err != nil {
		return nil, explain.Usage("emulator: %w", err)
	}
	var queue []dingtalktest.Fault
	err = errors.Join(
		parseFaults(&queue, "--fault", o.faults, generated.OperationChatIDToOpenConversationID),
		parseFaults(&queue, "--token-fault", o.tokenFaults, generated.OperationGetAccessToken))
	return append(settings, func(s *dingtalktest.Settings) { s.Faults = append(s.Faults, queue...) }), err
}

// given are the settings of the flags that were given, as JSON.
func (o *options) given(flags *pflag.FlagSet) ([]byte, error) {
	set, chats := map[string]any{}, map[string]string{}
	flags.Visit(func(flag *pflag.Flag) {
		switch name, value := settingOf[flag.Name], flag.Value.String(); {
		case name == "":
		case flag.Value.Type() == "duration":
			set[name] = value
		default:
			set[name] = json.RawMessage(value)
		}
	})
	for _, pair := range o.chats {
		chatID, id, ok := strings.Cut(pair, "=") // the first: an openConversationId ends in more of them
		if !ok || chatID == "" || id == "" {
			return nil, explain.Usage("--chat %s: give CHAT_ID=OPEN_CONVERSATION_ID", pair)
		}
		chats[chatID] = id
		set["chats"] = chats
	}
	return json.Marshal(set)
}

// parseFaults adds the values of a flag as faults of one operation.
func parseFaults(queue *[]dingtalktest.Fault, flag string, values []string, operation generated.Operation) error {
	for _, value := range values {
		fault, err := dingtalktest.ParseFault(value)
		var unknown *dingtalktest.UnknownFaultError
		switch {
		case errors.As(err, &unknown):
			return explain.UsageHint("see openconversation codes, and openconversation emulator --help", "%s %s: there is no such fault", flag, value)
		case err != nil:
			return explain.Usage("%s %s: after the colon comes a number from 1, or always", flag, value)
		}
		*queue = append(*queue, fault.For(operation))
	}
	return nil
}

// readScenario reads a file of settings and faults, YAML or JSON, as the JSON that the admin API takes at /settings.
func readScenario(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, err
	}
	if doc.IsZero() { // an empty file
		return []byte("{}"), nil
	}
	textKeys(&doc)
	var tree any
	if err := doc.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

// textKeys makes texts of keys that YAML reads as something else: a chat id may be a number.
func textKeys(node *yaml.Node) {
	for i, child := range node.Content {
		if textKeys(child); node.Kind == yaml.MappingNode && i%2 == 0 && child.ShortTag() != "!!merge" {
			child.Tag = "!!str"
		}
	}
}
