package dingtalktest

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
)

// How many messages an emulator keeps, and how many bytes of their texts; the oldest go first.
const (
	maxMessages     = 10_000
	maxMessageBytes = 8 << 20
)

// Message is a message that a robot sent to a group.
type Message struct {
	Time               time.Time `json:"time"` // by the emulator's clock
	ProcessQueryKey    string    `json:"processQueryKey"`
	ChatID             string    `json:"chatId,omitempty"` // of the group; absent if only its openConversationId is known
	OpenConversationID string    `json:"openConversationId"`
	RobotCode          string    `json:"robotCode"`
	MsgKey             string    `json:"msgKey"`
	MsgParam           string    `json:"msgParam"` // JSON in a string
	ReadBy             []string  `json:"readBy"`   // user ids
	Recalled           bool      `json:"recalled"`
}

func (m *Message) size() int { return len(m.MsgParam) + len(m.MsgKey) }

// messages are the sent messages, oldest first.
type messages struct {
	mu    sync.Mutex
	sent  []*Message
	bytes int // of their texts
}

func (all *messages) forget() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sent, all.bytes = nil, 0
}

// find is called with the lock held.
func (all *messages) find(key string) *Message {
	for _, m := range all.sent {
		if m.ProcessQueryKey == key {
			return m
		}
	}
	return nil
}

// list returns copies.
func (all *messages) list() []Message {
	all.mu.Lock()
	defer all.mu.Unlock()
	list := make([]Message, len(all.sent))
	for i, m := range all.sent {
		list[i] = *m
		list[i].ReadBy = append([]string{}, m.ReadBy...)
	}
	return list
}

func (all *messages) add(m *Message) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sent, all.bytes = append(all.sent, m), all.bytes+m.size()
	for len(all.sent) > maxMessages || all.bytes > maxMessageBytes {
		all.bytes -= all.sent[0].size()
		all.sent[0] = nil
		all.sent = all.sent[1:]
	}
}

func (all *messages) markRead(key string, userIDs []string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	m := all.find(key)
	if m == nil {
		return false
	}
	for _, id := range userIDs {
		if !slices.Contains(m.ReadBy, id) {
			m.ReadBy = append(m.ReadBy, id)
		}
	}
	return true
}

// maxReaders is how many readers a page holds.
const maxReaders = 200

// message is the body of orgGroupSend, whose msgParam is not decoded. Which group a coolAppCode is of is not checked.
type message struct{ MsgKey, MsgParam, OpenConversationID, RobotCode, CoolAppCode string }

// sendMessage answers orgGroupSend. It does not know the templates: any msgKey is one.
func (e *Emulator) sendMessage(x *exchange, request *message) answer.Answer {
	g, ok := e.groups.byConversation(x.setup, request.OpenConversationID)
	switch {
	case !ok:
		return x.refuse(generated.CodeOrgGroupSendInvalidConversationID)
	case g.Disbanded:
		return x.refuse(generated.CodeOrgGroupSendGroupDisbanded)
	case !slices.Contains(g.Robots, request.RobotCode):
		return x.refuse(generated.CodeOrgGroupSendNoSuchRobot)
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // It never fails.
	m := &Message{
		Time: x.Now, ProcessQueryKey: base64.StdEncoding.EncodeToString(key[:]), ChatID: g.ChatID, OpenConversationID: g.OpenConversationID,
		RobotCode: request.RobotCode, MsgKey: request.MsgKey, MsgParam: request.MsgParam,
	}
	e.messages.add(m)
	return answer.Success(generated.OrgGroupSendResponseBody{ProcessQueryKey: m.ProcessQueryKey})
}

// queryMessage answers orgGroupQuery. The codes of its refusals are synthetic, as those of every operation that lists none.
func (e *Emulator) queryMessage(x *exchange, request *generated.OrgGroupQueryRequest) answer.Answer {
	size, from := maxReaders, 0
	if request.MaxResults != nil {
		size = int(*request.MaxResults)
	}
	if request.NextToken != nil && *request.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(*request.NextToken); err != nil || from < 0 {
			return x.refuse("InvalidnextToken")
		}
	}
	if size < 1 || size > maxReaders {
		return x.refuse("InvalidmaxResults")
	}
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	m := e.messages.find(request.ProcessQueryKey)
	if m == nil || differs(request.OpenConversationID, m.OpenConversationID) || differs(request.RobotCode, m.RobotCode) {
		return x.refuse("InvalidprocessQueryKey")
	}
	from = min(from, len(m.ReadBy))
	to := min(from+size, len(m.ReadBy))
	body := generated.OrgGroupQueryResponseBody{SendStatus: "SUCCESS", ReadUserIDs: append([]string{}, m.ReadBy[from:to]...)}
	if m.Recalled {
		body.SendStatus = "RECALLED"
	}
	more := to < len(m.ReadBy)
	if body.HasMore = &more; more {
		next := strconv.Itoa(to)
		body.NextToken = &next
	}
	return answer.Success(body)
}

// differs reports whether a request names something, and names another.
func differs(named *string, is string) bool { return named != nil && *named != "" && *named != is }

// recallMessages answers orgGroupRecall. The reasons in failedResult are synthetic.
func (e *Emulator) recallMessages(x *exchange, request *generated.OrgGroupRecallRequest) answer.Answer {
	if len(request.ProcessQueryKeys) == 0 || slices.Contains(request.ProcessQueryKeys, "") {
		return x.refuse("InvalidprocessQueryKeys")
	}
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	body := generated.OrgGroupRecallResponseBody{SuccessResult: []string{}, FailedResult: map[string]string{}}
	for _, key := range request.ProcessQueryKeys {
		switch m := e.messages.find(key); {
		case m == nil || m.OpenConversationID != request.OpenConversationID || m.RobotCode != request.RobotCode:
			body.FailedResult[key] = "there is no such message of this robot in this group"
		case m.Recalled:
			body.FailedResult[key] = "the message was recalled before"
		default:
			m.Recalled = true
			body.SuccessResult = append(body.SuccessResult, key)
		}
	}
	return answer.Success(body)
}
