package dingtalktest

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

// The made-up credentials that an emulator accepts if its settings have none.
const (
	AppKey    = "dingemulatorappkey"
	AppSecret = "emulator-app-secret-of-no-worth"
)

// Scope is the permission that a conversion needs.
const Scope = generated.PermissionChatIDToOpenConversationID

// Settings are what an emulator is set up for. They are data: a struct in Go, and JSON in the admin API and in scenarios. An
// [Option] changes them, so that a function of your own is one:
//
//	dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), func(s *dingtalktest.Settings) { s.StickyToken = true })
//
// Calls are requests of operations that take a token. Some things are not documented and therefore chosen: the order in which a
// request's token, address, permission, rate, quota and chat are checked; the month's time zone, UTC+8; how a second is measured.
type Settings struct {
	// Answer calls with IpNotInWhiteList (HTTP 403). Token calls are answered.
	AddressNotAllowed bool `json:"addressNotAllowed"`
	// Know every chat id, except those that begin with unknown or cid, are longer than 256 bytes, hold control characters or are
	// not UTF-8.
	AnyChat bool `json:"anyChat"`
	// The keys of the credentials, as the emulator shows them.
	AppKeys []string `json:"appKeys,omitempty" readOnly:"true"`
	// Answer every request with the page of a banned address, here with status 403. Page and status are synthetic.
	BannedAddress bool `json:"bannedAddress"`
	// Chat ids with their openConversationIds. They are added to those that are there; null removes one.
	Chats map[string]string `json:"chats" min:"1" max:"1000" nullable:"true"`
	// App keys with their secrets, in place of the emulator's own. Each app has a token and a limit per second of its own.
	Credentials map[string]string `json:"credentials,omitempty" min:"1" max:"1000"`
	// What token answers claim, in seconds; null: the token's lifetime.
	ExpireIn *int32 `json:"expireIn"`
	// Faults to queue when the settings take effect.
	Faults []Fault `json:"faults,omitempty"`
	// Groups, with more than chats has of one. They are added to those that are there, and a group that was created or changed
	// since takes precedence.
	Groups []Group `json:"groups"`
	// The real time before every answer.
	Latency Duration `json:"latency"`
	// Permissions that the app lacks: the operations that need one of them are refused (HTTP 403), and no others.
	MissingScopes []string `json:"missingScopes" min:"1" max:"1000"`
	// Calls that may pass in a calendar month, of all apps together; -1: no limit. Others get ApiCountLimitForOrg (HTTP 403).
	// Calls that were refused earlier or met a fault do not count; those for unknown chats do.
	MonthlyQuota int `json:"monthlyQuota" min:"-1" max:"1000000000"`
	// Chats to answer permession.checkFailed for: their owners are outside the app's visible range.
	OwnersNotVisible []string `json:"ownersNotVisible" min:"1" max:"1000"`
	// Calls that may pass in any second, of each app and operation; 0: no limit. Others get QpsLimitForAppkeyAndApi (HTTP 403).
	QPS int `json:"qps" min:"0" max:"1000000000"`
	// How many requests to keep, and at most 8 MiB of them.
	RecordSize int `json:"recordSize" min:"0" max:"100000"`
	// Let the token call return a rejected token again until its time is up, as the service may do.
	StickyToken bool `json:"stickyToken"`
	// The emulator's time when the settings take effect, from 1970 to 2200. It goes on from there.
	Time *time.Time `json:"time,omitempty"`
	// How long a token lasts after it was last asked for. One of 0 seconds is never valid.
	TokenLifetime Duration `json:"tokenLifetime"`

	// Routes are operations of contracts of your own: see [WithSpec].
	Routes []generated.Route `json:"-"`
	// Answers make the bodies of successes, by operationId: see [WithAnswer].
	Answers map[string]func(*http.Request) any `json:"-"`
	// BodyTime is how long the body of a request may take to arrive, in real time. A slower one's connection is closed.
	BodyTime time.Duration `json:"-"`
	// Clock is the time that tokens, limits and the record go by. It must be safe for concurrent use.
	Clock func() time.Time `json:"-"`
	// Observe is called with each request before its answer is sent, without its header and body, from many goroutines. Answers
	// wait for it. It is called also if nothing is recorded.
	Observe func(Request) `json:"-"`
}

// Option changes settings: see [New] and [Emulator.Configure].
type Option func(*Settings)

// WithChat adds a chat.
func WithChat(chatID, openConversationID string) Option {
	return func(s *Settings) { s.Chats[chatID] = openConversationID }
}

// WithGroup adds a group chat, or takes the place of the one with its chat id.
func WithGroup(g Group) Option { return func(s *Settings) { s.Groups = withGroups(s.Groups, g) } }

// WithAnyChat makes the emulator know every plausible chat id. Each has the openConversationId that [OpenConversationIDOf] makes
// up for it; chats of [WithChat] keep theirs.
func WithAnyChat() Option { return func(s *Settings) { s.AnyChat = true } }

// WithCredentials accepts these credentials in place of [AppKey] and [AppSecret], in addition to others given so.
func WithCredentials(appKey, appSecret string) Option {
	return func(s *Settings) { s.Credentials[appKey] = appSecret }
}

// WithoutPermission takes permissions away from the app, [Scope] if none is named: the operations that need one of them answer
// AccessTokenPermissionDenied (HTTP 403), naming it.
func WithoutPermission(scopes ...string) Option {
	if len(scopes) == 0 {
		scopes = []string{Scope}
	}
	return func(s *Settings) { s.MissingScopes = slices.Clone(scopes) }
}

// WithPermission takes [WithoutPermission] back.
func WithPermission() Option { return func(s *Settings) { s.MissingScopes = nil } }

// WithQPS lets n calls pass in any second, of each app and operation; 0 is no limit. A call passes if fewer than n passed in the
// second before it. How the real gateway measures is not known; a caller that stays within this limit stays within one
// counted by the clock's seconds, and within a bucket of n.
func WithQPS(n int) Option { return func(s *Settings) { s.QPS = n } }

// WithMonthlyQuota lets n calls pass in a calendar month, of all apps together; -1 is no limit.
func WithMonthlyQuota(n int) Option { return func(s *Settings) { s.MonthlyQuota = n } }

// WithLatency delays every answer by d of real time, or until the client leaves.
func WithLatency(d time.Duration) Option { return func(s *Settings) { s.Latency = Duration(d) } }

// WithClock sets the clock that tokens, limits and the record go by; now must be safe for concurrent use. Latency and delays
// take real time all the same.
func WithClock(now func() time.Time) Option { return func(s *Settings) { s.Clock = now } }

// WithSpec adds the operations of a contract of your own. The package that openconversation-gen writes has them as Routes:
//
//	dingtalktest.NewServer(t, dingtalktest.WithSpec(robot.Routes))
//
// A request that has what the operation requires gets the contract's example of a success; see [WithAnswer] for another.
// Token, permission, limits, latency and faults are those of every operation. Operations that were there before keep their
// answers, unless one of the same ID, or method and path, is added.
func WithSpec(routes []generated.Route) Option {
	return func(s *Settings) { s.Routes = slices.Concat(s.Routes, routes) }
}

// WithAnswer answers successes of an operation, which is named by its operationId, with what answer returns, as JSON: a
// model, or a [json.RawMessage] for bytes as they are. answer is called from many goroutines, after the request was found to
// have what the operation requires, and may read the request's URL, header and body.
func WithAnswer(operationID string, answer func(*http.Request) any) Option {
	return func(s *Settings) { s.Answers[operationID] = answer }
}

func defaults() Settings {
	return Settings{
		Chats:         map[string]string{ChatID: OpenConversationID},
		Credentials:   map[string]string{},
		TokenLifetime: Duration(generated.TokenTime),
		MonthlyQuota:  -1,
		Answers:       map[string]func(*http.Request) any{},
		BodyTime:      10 * time.Second,
		Clock:         time.Now,
		RecordSize:    1000,
	}
}

// clone copies the settings to change the copy.
func (s *Settings) clone() Settings {
	c := *s
	c.Chats, c.Credentials, c.Answers = maps.Clone(s.Chats), maps.Clone(s.Credentials), maps.Clone(s.Answers)
	c.Groups, c.MissingScopes, c.OwnersNotVisible = slices.Clone(s.Groups), slices.Clone(s.MissingScopes), slices.Clone(s.OwnersNotVisible)
	return c
}

// shown is a copy without secrets, and without what took effect once.
func (s *Settings) shown() Settings {
	c := s.clone()
	c.AppKeys, c.Credentials, c.Faults, c.Time = slices.Sorted(maps.Keys(s.Credentials)), nil, nil, nil
	if len(c.AppKeys) == 0 {
		c.AppKeys = []string{AppKey}
	}
	c.Groups, c.MissingScopes, c.OwnersNotVisible = append([]Group{}, c.Groups...), append([]string{}, c.MissingScopes...), append([]string{}, c.OwnersNotVisible...)
	slices.SortFunc(c.Groups, byChatID)
	return c
}

// UnmarshalJSON changes the settings that an object names, such as {"anyChat": true, "qps": 20, "faults": ["reset:2"]}. Chats,
// groups and credentials are added to those that are there. If one setting is wrong, none is changed.
func (s *Settings) UnmarshalJSON(raw []byte) error {
	type plain Settings
	changed := plain(s.clone())
	if changed.Groups = nil; changed.Chats == nil {
		changed.Chats = map[string]string{}
	}
	if err := data.Decode(raw, &changed); err != nil {
		return err
	}
	if err := checkGroups(changed.Groups); err != nil {
		return err
	}
	maps.DeleteFunc(changed.Chats, func(_, id string) bool { return id == "" })
	changed.Groups = withGroups(s.Groups, changed.Groups...)
	*s = Settings(changed)
	return nil
}

// checkGroups refuses one group that is described twice.
func checkGroups(groups []Group) error {
	ids, conversations := map[string]bool{}, map[string]bool{}
	for _, g := range groups {
		switch id := g.complete().OpenConversationID; {
		case ids[g.ChatID]:
			return fmt.Errorf("groups: chatId %s is there twice", strconv.Quote(g.ChatID))
		case conversations[id]:
			return fmt.Errorf("groups: openConversationId %s is there twice", strconv.Quote(id))
		default:
			ids[g.ChatID], conversations[id] = true, true
		}
	}
	return nil
}

// withGroups adds groups to others, which are not changed; one takes the place of that with its chat id.
func withGroups(groups []Group, added ...Group) []Group {
	all, at := slices.Clone(groups), map[string]int{}
	for i, g := range all {
		at[g.ChatID] = i
	}
	for _, g := range added {
		g = g.clone().complete()
		if i, there := at[g.ChatID]; there {
			all[i] = g
			continue
		}
		at[g.ChatID] = len(all)
		all = append(all, g)
	}
	return all
}

// setup is settings in the form that requests read them in. It is replaced as a whole and never changed.
type setup struct {
	Settings
	routes []*call.Route
	groups map[string]Group // by chat id
	apps   map[string]string
	app    string // the first, in the order of the keys
}

func newSetup(s Settings) *setup {
	set := &setup{
		Settings: s, routes: call.Own, groups: map[string]Group{},
		apps: map[string]string{AppKey: AppSecret},
	}
	if len(s.Routes) > 0 {
		set.routes = call.Table(call.Own, s.Routes)
	}
	for _, g := range s.Groups {
		set.groups[g.ChatID] = g
	}
	if len(s.Credentials) > 0 {
		set.apps = s.Credentials
	}
	set.app = slices.Min(slices.Collect(maps.Keys(set.apps)))
	return set
}

// openConversationID returns the id of a chat that was set up without a group.
func (s *setup) openConversationID(chatID string) (id string, known bool) {
	if id, ok := s.Chats[chatID]; ok {
		return id, true
	}
	if s.AnyChat && plausible(chatID) {
		return OpenConversationIDOf(chatID), true
	}
	return "", false
}

// claimedLifetime is expireIn of token answers.
func (s *setup) claimedLifetime() int32 {
	if s.ExpireIn != nil {
		return *s.ExpireIn
	}
	return int32(min(max(int64(time.Duration(s.TokenLifetime)/time.Second), math.MinInt32), math.MaxInt32))
}
