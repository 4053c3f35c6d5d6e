package dingtalktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/limits"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/tokens"
)

// Emulator stands in for DingTalk's gateway. It is an [http.Handler]; [NewServer] puts it behind a loopback listener,
// and a program may serve it with a server of its own, which should have [ConnContext]. All methods may be called at any time
// from any goroutine. Nothing that fmt prints of it holds the app secret or a token.
type Emulator struct {
	gate      *answer.Gate
	configure sync.Mutex // serialises changes of settings
	initial   *Settings  // of New, for Reset; behind a pointer, as the tokens are, so that printing a copy of the struct shows an address
	setup     atomic.Pointer[setup]
	tokens    *tokens.Store
	limits    limits.Counter
	groups    groups
	messages  messages
	faults    faultQueue
	recording sync.Mutex // the record's times are in its order
	record    record
	offset    atomic.Int64 // how far AdvanceClock has moved the time, in nanoseconds
}

// groups are the groups that were created or changed since an emulator was made. They take precedence over those of the settings.
type groups struct {
	mu    sync.RWMutex
	known map[string]Group // by chat id
	order []string         // their chat ids, oldest first
}

// maxGroups is how many groups are kept that were created or changed; the oldest go first.
const maxGroups = 10_000

// forget makes the emulator know its settings' groups alone, as they were.
func (all *groups) forget() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.known, all.order = nil, nil
}

// byChat finds a group. It makes up the details of one that only [WithChat] or [WithAnyChat] knows.
func (all *groups) byChat(s *setup, chatID string) (g Group, ok bool) {
	all.mu.RLock()
	g, ok = all.known[chatID]
	all.mu.RUnlock()
	if !ok {
		g, ok = s.groups[chatID]
	}
	if !ok {
		var id string
		id, ok = s.openConversationID(chatID)
		g = plainGroup(chatID, id)
	}
	return g, ok
}

// byConversation finds the group of an openConversationId. With [WithAnyChat], every other one is that of some group.
func (all *groups) byConversation(s *setup, id string) (Group, bool) {
	all.mu.RLock()
	defer all.mu.RUnlock()
	for _, g := range all.known {
		if g.OpenConversationID == id {
			return g, true
		}
	}
	for chatID, g := range s.groups {
		if _, changed := all.known[chatID]; !changed && g.OpenConversationID == id {
			return g, true
		}
	}
	for chatID, known := range s.Chats {
		if known == id {
			return plainGroup(chatID, id), true
		}
	}
	return plainGroup("", id), s.AnyChat && strings.HasPrefix(id, "cid")
}

func (all *groups) keep(g Group) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.known == nil {
		all.known = map[string]Group{}
	}
	if _, there := all.known[g.ChatID]; !there {
		all.order = append(all.order, g.ChatID)
	}
	all.known[g.ChatID] = g.clone()
	if len(all.order) > maxGroups {
		delete(all.known, all.order[0])
		all.order = all.order[1:]
	}
}

// list returns the groups that were created or changed, by chat id.
func (all *groups) list() []Group {
	all.mu.RLock()
	defer all.mu.RUnlock()
	list := make([]Group, 0, len(all.known))
	for _, g := range all.known {
		list = append(list, g.clone())
	}
	slices.SortFunc(list, byChatID)
	return list
}

// The queue is bounded in faults and in what they hold, in bytes of JSON.
const (
	maxFaults     = 10_000
	maxFaultBytes = 8 << 20
)

// faultQueue holds the faults that are still to happen.
type faultQueue struct {
	mu    sync.Mutex
	queue []Fault
	bytes int
}

// size is how many bytes of the queue's a fault takes, however often it is for a request.
func (f Fault) size() int {
	f.Requests = 0
	return len(data.Encode(f))
}

// add queues all of the faults or none: not one that no request could meet, or that is none.
func (q *faultQueue) add(set *setup, faults []Fault) error {
	bytes := 0
	for _, f := range faults {
		if err := f.check(); err != nil {
			return err
		}
		if f.Operation != "" && !slices.ContainsFunc(set.routes, func(r *call.Route) bool { return r.Operation.ID == f.Operation }) {
			return fmt.Errorf("fault %s: there is no operation %s", f.Name(), strconv.Quote(f.Operation))
		}
		bytes += f.size()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue)+len(faults) > maxFaults || q.bytes+bytes > maxFaultBytes {
		return fmt.Errorf("at most %d faults of %d bytes can be queued: use times, or always", maxFaults, maxFaultBytes)
	}
	q.queue, q.bytes = append(q.queue, faults...), q.bytes+bytes
	return nil
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue, q.bytes = nil, 0
}

func (q *faultQueue) list() []Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]Fault{}, q.queue...)
}

// take removes the first fault that a request meets from the queue.
func (q *faultQueue) take(meets func(*Fault) bool) (f Fault, found bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.queue {
		f := &q.queue[i]
		if !meets(f) {
			continue
		}
		taken := *f
		switch {
		case f.Requests > 1:
			f.Requests--
		case !f.Forever:
			q.bytes -= f.size()
			q.queue = slices.Delete(q.queue, i, i+1)
		}
		return taken, true
	}
	return Fault{}, false
}

// exchange is one request on its way through the emulator, with the settings that it met.
type exchange struct {
	call.Call
	*setup
	reused bool  // whether its connection carried another request before
	fault  Fault // that was queued for it
	faulty bool  // whether there was one
}

func (x *exchange) refuse(code generated.Code) answer.Answer {
	return answer.Refusal(x.Route.Operation, code)
}

// fieldCodes are the operations' own codes of what a field lacks; TooLong is that of JSON in a string.
var fieldCodes = map[string]generated.Code{
	"createGroup.name":                generated.CodeCreateGroupInvalidParameter,
	"createGroup.owner":               generated.CodeCreateGroupInvalidParameter,
	"createGroup.useridlist":          generated.CodeCreateGroupInvalidParameter,
	"getChat.chatid":                  generated.CodeGetChatWrongChatID,
	"orgGroupSend.openConversationId": generated.CodeOrgGroupSendMissingConversationID,
	"orgGroupSend.robotCode":          generated.CodeOrgGroupSendMissingRobotCode,
	"orgGroupSend.msgKey":             generated.CodeOrgGroupSendInvalidMessageKey,
	"orgGroupSend.msgParam":           generated.CodeOrgGroupSendInvalidMessageParam,
	"orgGroupSend.msgParam.TooLong":   generated.CodeOrgGroupSendMessageParamTooLong,
}

// reading is an operation that reads the body into a T, and refuses a request that lacks something. A T that is any reads none.
func reading[T any](respond func(*Emulator, *exchange, *T) answer.Answer) func(*Emulator, *exchange) answer.Answer {
	return func(e *Emulator, x *exchange) answer.Answer {
		request, lack := new(T), x.Lacks()
		if _, none := any(request).(*any); lack == nil && !none && json.Unmarshal(x.Body, request) != nil {
			lack = &call.Lack{Code: generated.CodeInvalidBody}
		}
		if lack == nil {
			return respond(e, x, request)
		}
		if code, known := fieldCodes[x.Route.Operation.ID+"."+lack.Field]; known && x.Route.Own {
			return x.refuse(code)
		}
		a := x.refuse(lack.Code)
		a.Message += lack.Why
		return a
	}
}
