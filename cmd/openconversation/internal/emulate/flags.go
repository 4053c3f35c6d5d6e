package emulate

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// options are the flags of emulator that are no settings.
type options struct {
	listen, admin  string
	allowRemote    bool
	tls, http2     bool
	tlsNames       []string
	tlsCAFile      string
	printEnv       bool
	readyFile, log string
	health         string

	scenario            string
	source              specs.Source
	chats               []string
	faults, tokenFaults []string
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
	queue, err := parseFaults("--fault", o.faults, generated.OperationChatIDToOpenConversationID)
	if err != nil {
		return nil, err
	}
	tokenQueue, err := parseFaults("--token-fault", o.tokenFaults, generated.OperationGetAccessToken)
	if err != nil {
		return nil, err
	}
	return append(settings, func(s *dingtalktest.Settings) { s.Faults = append(append(s.Faults, queue...), tokenQueue...) }), nil
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

// parseFaults reads the values of a flag as faults of one operation.
func parseFaults(flag string, values []string, operation generated.Operation) ([]dingtalktest.Fault, error) {
	var queue []dingtalktest.Fault
	for _, value := range values {
		fault, err := dingtalktest.ParseFault(value)
		var unknown *dingtalktest.UnknownFaultError
		switch {
		case errors.As(err, &unknown):
			return nil, explain.UsageHint("see openconversation codes, and openconversation emulator --help", "%s %s: there is no such fault", flag, value)
		case err != nil:
			return nil, explain.Usage("%s %s: after the colon comes a number from 1, or always", flag, value)
		}
		queue = append(queue, fault.For(operation))
	}
	return queue, nil
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
