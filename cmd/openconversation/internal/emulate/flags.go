package emulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// settings are the scenario and the flags that were given, which come on top of it, as the emulator's options.
func (o *options) settings(given func(flag string) bool) ([]dingtalktest.Option, error) {
	if o.tokenLifetime <= 0 {
		return nil, explain.Usage("--token-lifetime: %s is not positive", o.tokenLifetime)
	}
	var settings []dingtalktest.Option
	if o.source != (specs.Source{}) {
		operations, err := o.source.Read()
		if err != nil {
			return nil, err
		}
		settings = append(settings, dingtalktest.WithSpec(operations))
	}
	if o.scenario != "" {
		scenario, err := o.readScenario(settings...)
		if err != nil {
			return nil, err
		}
		settings = append(settings, scenario)
	}
	for flag, option := range map[string]dingtalktest.Option{
		"qps": dingtalktest.WithQPS(o.qps), "quota": dingtalktest.WithMonthlyQuota(o.quota),
		"latency":        dingtalktest.WithLatency(o.latency),
		"token-lifetime": func(s *dingtalktest.Settings) { s.TokenLifetime = dingtalktest.Duration(o.tokenLifetime) },
	} {
		if given(flag) {
			settings = append(settings, option)
		}
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
	queue, err := parseFaults("--fault", o.faults, generated.OperationChatIDToOpenConversationID)
	if err != nil {
		return nil, err
	}
	tokenQueue, err := parseFaults("--token-fault", o.tokenFaults, generated.OperationGetAccessToken)
	if err != nil {
		return nil, err
	}
	return append(settings, func(s *dingtalktest.Settings) { s.Faults = slices.Concat(s.Faults, queue, tokenQueue) }), nil
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

// The environment variables that an app's credentials come from. A secret is never a flag: other users of the machine
// can read a process's arguments.
const (
	EnvAppKey    = "DINGTALK_APP_KEY"
	EnvAppSecret = "DINGTALK_APP_SECRET"
)

// options are the flags of emulator.
type options struct {
	listen, admin  string
	allowRemote    bool
	tls, http2     bool
	tlsNames       []string
	tlsCAFile      string
	printEnv       bool
	readyFile, log string
	health         string

	scenario      string
	anyChat       bool
	chats         []string
	qps, quota    int
	latency       time.Duration
	tokenLifetime time.Duration
	faults        []string
	source        specs.Source
	tokenFaults   []string
}

// readScenario reads a file of settings and faults for an emulator of some operations, YAML or JSON: what the admin API takes
// at /settings.
func (o *options) readScenario(operations ...dingtalktest.Option) (dingtalktest.Option, error) {
	content, err := os.ReadFile(o.scenario)
	if err != nil {
		return nil, explain.Usage("--scenario: %v", err)
	}
	var tree any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		return nil, explain.Usage("--scenario %s: %v", o.scenario, err)
	}
	if tree == nil { // an empty file
		tree = map[string]any{}
	}
	raw, err := json.Marshal(withTextKeys(tree))
	if err != nil {
		return nil, explain.Usage("--scenario %s: %v", o.scenario, err)
	}
	if err := dingtalktest.New(operations...).ConfigureJSON(raw); err != nil {
		return nil, explain.UsageHint("openconversation emulator --help shows one", "--scenario %s: %v", o.scenario, err)
	}
	return func(s *dingtalktest.Settings) { _ = json.Unmarshal(raw, s) }, nil
}

// withTextKeys makes texts of keys that YAML read as something else: a chat id may be a number.
func withTextKeys(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for key, value := range tree {
			tree[key] = withTextKeys(value)
		}
	case map[any]any:
		texts := map[string]any{}
		for key, value := range tree {
			texts[fmt.Sprint(key)] = withTextKeys(value)
		}
		return texts
	case []any:
		for i, value := range tree {
			tree[i] = withTextKeys(value)
		}
	}
	return tree
}
