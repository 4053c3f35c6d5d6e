package dingtalktest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/limits"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/tokens"
)

// setup is settings in the form that requests read them in. It is replaced as a whole and never changed.
type setup struct {
	Settings
	routes []*call.Route
	groups map[string]Group // by chat id
	hidden map[string]bool  // chats whose owners are not visible
	apps   map[string]string
	app    string // the first, in the order of the keys
}

func newSetup(s Settings) *setup {
	set := &setup{
		Settings: s, routes: call.Own, groups: map[string]Group{}, hidden: map[string]bool{},
		apps: map[string]string{AppKey: AppSecret},
	}
	if len(s.Routes) > 0 {
		set.routes = call.Table(call.Own, s.Routes)
	}
	for _, g := range s.Groups {
		set.groups[g.ChatID] = g
	}
	for _, id := range s.OwnersNotVisible {
		set.hidden[id] = true
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

// state is the state of an emulator: what it is set up for, and what happened since.
type state struct {
	setup    atomic.Pointer[setup]
	tokens   *tokens.Store // behind a pointer, so that printing a copy of the struct shows an address
	limits   limits.Counter
	groups   groups
	messages messages
	faults   faultQueue
	record   record
	offset   atomic.Int64 // how far AdvanceClock has moved the time, in nanoseconds
}

// begin puts settings into effect, and queues the faults and sets the time that come with them. If one is wrong, nothing changes.
func (s *state) begin(settings Settings) error {
	set := newSetup(settings)
	if err := settings.check(); err != nil {
		return err
	}
	if err := s.queue(set, settings.Faults); err != nil {
		return err
	}
	s.setup.Store(set)
	s.record.resize(set.RecordSize)
	if set.Time != nil {
		s.offset.Store(int64(set.Time.Sub(set.Clock())))
	}
	return nil
}

// queue queues all of the faults or none.
func (s *state) queue(set *setup, faults []Fault) error {
	if err := set.checkFaults(faults); err != nil {
		return err
	}
	return s.faults.add(faults)
}

// secrets are what no record may hold.
func (s *state) secrets(set *setup) []string {
	return slices.AppendSeq(s.tokens.All(), maps.Values(set.apps))
}

// forget undoes everything that happened. What is set up stays.
func (s *state) forget() {
	s.faults.clear()
	s.record.forget()
	s.tokens.Forget()
	s.limits.Forget()
	s.groups.forget()
	s.messages.forget()
	s.offset.Store(0)
}

func (s *state) now(set *setup) time.Time {
	return set.Clock().Add(time.Duration(s.offset.Load()))
}

// exchange is one request on its way through the emulator, with the settings that it met.
type exchange struct {
	call.Call
	*setup
	app    string // whose token the request carries, once that is known
	reused bool   // whether its connection carried another request before
	fault  Fault  // that was queued for it
	faulty bool   // whether there was one
}

// refuse answers with a row of the operation's own codes, or of the catalogue.
func (x *exchange) refuse(code generated.Code) answer.Answer {
	return answer.Refusal(x.Operation(), code)
}
