package dingtalktest

import (
	"maps"
	"math"
	"net/http"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

// The made-up credentials that an emulator accepts unless [WithCredentials] names others.
const (
	AppKey    = "dingemulatorappkey"
	AppSecret = "emulator-app-secret-of-no-worth"
)

// Scope is the permission that a conversion needs.
const Scope = generated.PermissionChatIDToOpenConversationID

// settings are replaced as a whole and never changed once an emulator uses them.
type settings struct {
	chats         map[string]string
	groups        map[string]Group // by chat id
	hiddenOwners  map[string]bool
	anyChat       bool
	apps          map[string]string // app key to secret
	firstApp      string
	ownApps       bool // whether WithCredentials has replaced the default
	tokenLifetime time.Duration
	expireIn      *int32
	stickyToken   bool

	addressRefused bool
	banned         bool
	missingScopes  []string
	qps            int // 0: no limit
	monthlyQuota   int // negative: no limit

	routes  []*call.Route
	answers map[string]func(*http.Request) any // by operationId

	latency    time.Duration
	bodyTime   time.Duration
	clock      func() time.Time
	time       time.Time // emulator time when the settings take effect; zero: the clock's
	faults     []Fault   // to queue when the settings take effect
	recordSize int
	observe    func(Request)
}

func defaults() *settings {
	return &settings{
		chats:         map[string]string{ChatID: OpenConversationID},
		groups:        map[string]Group{},
		hiddenOwners:  map[string]bool{},
		apps:          map[string]string{AppKey: AppSecret},
		firstApp:      AppKey,
		tokenLifetime: generated.TokenTime,
		monthlyQuota:  -1,
		routes:        call.Own,
		answers:       map[string]func(*http.Request) any{},
		bodyTime:      10 * time.Second,
		clock:         time.Now,
		recordSize:    1000,
	}
}

func (s *settings) clone() *settings {
	c := *s
	c.chats = maps.Clone(s.chats)
	c.groups = maps.Clone(s.groups)
	c.hiddenOwners = maps.Clone(s.hiddenOwners)
	c.apps = maps.Clone(s.apps)
	c.answers = maps.Clone(s.answers)
	return &c
}

// openConversationID returns the id of a chat that was set up without a group.
func (s *settings) openConversationID(chatID string) (id string, known bool) {
	if id, ok := s.chats[chatID]; ok {
		return id, true
	}
	if s.anyChat && plausible(chatID) {
		return OpenConversationIDOf(chatID), true
	}
	return "", false
}

// claimedLifetime is expireIn of token answers.
func (s *settings) claimedLifetime() int32 {
	if s.expireIn != nil {
		return *s.expireIn
	}
	return int32(min(max(int64(s.tokenLifetime/time.Second), math.MinInt32), math.MaxInt32))
}
