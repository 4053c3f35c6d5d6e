package dingtalktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/strict"
)

// What data may ask for.
const (
	maxRecordSize = 100_000
	maxCount      = 1_000_000_000 // of calls in a second or a month
)

// setting is an option as data has it.
type setting struct {
	name string
	read func(json.RawMessage) (Option, error)
	show func(*settings) any // nil: it is not shown
}

// settingTable is the one list of what data may set up.
var settingTable = []setting{
	{"addressNotAllowed", readAs(plain(WithAddressNotAllowed)), func(s *settings) any { return s.addressRefused }},
	{"anyChat", readAs(plain(func(on bool) Option { return func(s *settings) { s.anyChat = on } })), func(s *settings) any { return s.anyChat }},
	{"bannedAddress", readAs(plain(WithBannedAddress)), func(s *settings) any { return s.banned }},
	{"chats", readAs(readChats), func(s *settings) any { return s.chats }},
	{"credentials", readAs(readCredentials), nil},
	{"expireIn", readAs(plain(func(seconds *int32) Option { return func(s *settings) { s.expireIn = seconds } })), func(s *settings) any { return s.expireIn }},
	{"faults", readAs(plain(func(queue []Fault) Option { return WithFaults(queue...) })), nil},
	{"groups", readAs(plain(withGroups)), func(s *settings) any { return append([]Group{}, slices.SortedFunc(maps.Values(s.groups), byChatID)...) }},
	{"latency", readAs(duration(WithLatency, 0, maxFaultTime)), func(s *settings) any { return s.latency.String() }},
	{"missingScopes", readAs(plain(withMissingScopes)), func(s *settings) any { return append([]string{}, s.missingScopes...) }},
	{"monthlyQuota", readAs(counted(WithMonthlyQuota, -1, maxCount)), func(s *settings) any { return s.monthlyQuota }},
	{"ownersNotVisible", readAs(readOwners), func(s *settings) any { return append([]string{}, slices.Sorted(maps.Keys(s.hiddenOwners))...) }},
	{"qps", readAs(counted(WithQPS, 0, maxCount)), func(s *settings) any { return s.qps }},
	{"recordSize", readAs(counted(WithRecordSize, 0, maxRecordSize)), func(s *settings) any { return s.recordSize }},
	{"stickyToken", readAs(plain(func(on bool) Option { return func(s *settings) { s.stickyToken = on } })), func(s *settings) any { return s.stickyToken }},
	{"time", readAs(readMoment), nil},
	{"tokenLifetime", readAs(duration(WithTokenLifetime, 0, maxFaultTime)), func(s *settings) any { return s.tokenLifetime.String() }},
}

// OptionsFromJSON reads options from a JSON object, such as {"anyChat": true, "qps": 20, "faults": ["reset:2"]}. Its fields
// are those of [Emulator.SettingsJSON], and:
//
//	credentials  app keys with their secrets, as WithCredentials
//	faults       an array of what Fault.UnmarshalJSON reads, as WithFaults
//	time         as RFC 3339 has it, as WithTime
//
// Durations are texts such as "50ms". Chats, groups and credentials are added to those that are there; null in place of an
// openConversationId takes a chat away. Other fields replace the setting of their name.
func OptionsFromJSON(raw []byte) ([]Option, error) {
	var given map[string]json.RawMessage
	if err := strict.Decode(raw, &given); err != nil {
		return nil, err
	}
	if given == nil {
		return nil, strict.ErrNull
	}
	var opts []Option
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(settingTable, func(one setting) bool { return one.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no setting %s: there are %s", strconv.Quote(name), strings.Join(settingNames(), ", "))
		}
		opt, err := settingTable[i].read(given[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		opts = append(opts, opt)
	}
	return opts, nil
}

func settingNames() (names []string) {
	for _, one := range settingTable {
		names = append(names, one.name)
	}
	return names
}

// asJSON returns the settings as OptionsFromJSON reads them, without secrets: "appKeys" lists the app keys.
func (s *settings) asJSON() json.RawMessage {
	shown := map[string]any{"appKeys": slices.Sorted(maps.Keys(s.apps))}
	for _, one := range settingTable {
		if one.show != nil {
			shown[one.name] = one.show(s)
		}
	}
	raw, err := json.Marshal(shown)
	if err != nil { // It holds texts, numbers and truths.
		panic(err)
	}
	return raw
}

// readAs reads JSON of one type. Only pointers accept null.
func readAs[T any](option func(T) (Option, error)) func(json.RawMessage) (Option, error) {
	return func(raw json.RawMessage) (Option, error) {
		var value T
		_, chats := any(value).(map[string]*string)
		_, pointer := any(value).(*int32)
		if string(raw) == "null" && !pointer || !chats && !pointer && strict.HasNull(raw) {
			return nil, strict.ErrNull
		}
		if err := strict.Decode(raw, &value); err != nil {
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) {
				return nil, fmt.Errorf("it cannot be a %s", kind.Value)
			}
			return nil, err
		}
		return option(value)
	}
}

func plain[T any](option func(T) Option) func(T) (Option, error) {
	return func(value T) (Option, error) { return option(value), nil }
}

func counted(option func(int) Option, least, most int) func(int) (Option, error) {
	return func(n int) (Option, error) {
		if n < least || n > most {
			return nil, fmt.Errorf("%d is not from %d to %d", n, least, most)
		}
		return option(n), nil
	}
}

func duration(option func(time.Duration) Option, least, most time.Duration) func(string) (Option, error) {
	return func(text string) (Option, error) {
		d, err := strict.Duration(text, least, most)
		if err != nil {
			return nil, err
		}
		return option(d), nil
	}
}

func withMissingScopes(scopes []string) Option {
	if len(scopes) == 0 {
		return WithPermission()
	}
	return WithoutPermission(scopes...)
}

func readOwners(chatIDs []string) (Option, error) {
	hidden := map[string]bool{}
	for _, id := range chatIDs {
		hidden[id] = true
	}
	return func(s *settings) { s.hiddenOwners = hidden }, nil
}

func withGroups(groups []Group) Option {
	return func(s *settings) {
		for _, g := range groups {
			WithGroup(g)(s)
		}
	}
}

func readChats(chats map[string]*string) (Option, error) {
	for chatID, id := range chats {
		if !strict.IsText(chatID) || id != nil && !strict.IsText(*id) {
			return nil, fmt.Errorf("a chat id and an openConversationId have 1 to %d characters", strict.MaxText)
		}
	}
	return func(s *settings) {
		for chatID, id := range chats {
			if id == nil {
				delete(s.chats, chatID)
				continue
			}
			s.chats[chatID] = *id
		}
	}, nil
}

func readCredentials(apps map[string]string) (Option, error) {
	keys := slices.Sorted(maps.Keys(apps))
	for _, key := range keys {
		if !strict.IsText(key) || !strict.IsText(apps[key]) {
			return nil, fmt.Errorf("an app key and a secret have 1 to %d characters", strict.MaxText)
		}
	}
	return func(s *settings) {
		for _, key := range keys {
			WithCredentials(key, apps[key])(s)
		}
	}, nil
}

func readMoment(t time.Time) (Option, error) {
	if t.Year() < 1970 || t.Year() > 2200 {
		return nil, errors.New("a time is from 1970 to 2200")
	}
	return WithTime(t), nil
}
