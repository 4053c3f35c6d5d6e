package emulate

import (
	"errors"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// settings are the scenario and the flags that were given, which come on top of it, as the emulator's options.
func (o *options) settings(given func(flag string) bool) ([]dingtalktest.Option, error) {
	switch {
	case o.qps < 0:
		return nil, explain.Usage("--qps: %d is negative", o.qps)
	case o.latency < 0:
		return nil, explain.Usage("--latency: %s is negative", o.latency)
	case o.tokenLifetime <= 0:
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
