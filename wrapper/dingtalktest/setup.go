package dingtalktest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

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

// checkFaults refuses faults that no request could meet, or that are none.
func (s *setup) checkFaults(queue []Fault) error {
	for _, f := range queue {
		if err := f.check(); err != nil {
			return err
		}
		if f.Operation != "" && !slices.ContainsFunc(s.routes, func(r *call.Route) bool { return r.Operation.ID == f.Operation }) {
			return fmt.Errorf("fault %s: there is no operation %s", f.Name(), strconv.Quote(f.Operation))
		}
	}
	return nil
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
