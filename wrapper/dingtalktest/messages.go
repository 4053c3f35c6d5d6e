package dingtalktest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// What the pages of the three operations on messages bound.
const (
	maxMessageParam = 15_000 // bytes
	maxReaders      = 200    // on a page
	maxRecalls      = 20     // in one call
)

// maxMessages is how many messages an emulator keeps; the oldest go first.
const maxMessages = 10_000

// The states of a message.
const (
	sendSuccess  = "SUCCESS"
	sendRecalled = "RECALLED"
)

// Message is a message that a robot sent to a group.
type Message struct {
	Time               time.Time `json:"time"` // by the emulator's clock
	ProcessQueryKey    string    `json:"processQueryKey"`
	ChatID             string    `json:"chatId,omitempty"` // of the group; empty if WithAnyChat made the group up
	OpenConversationID string    `json:"openConversationId"`
	RobotCode          string    `json:"robotCode"`
	MsgKey             string    `json:"msgKey"`
	MsgParam           string    `json:"msgParam"` // JSON
	ReadBy             []string  `json:"readBy"`   // user ids
	Recalled           bool      `json:"recalled"`
}

// messages are what was sent, oldest first.
type messages struct {
	mu   sync.Mutex
	sent []*Message
}

func (all *messages) forget() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sent = nil
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

// Messages returns the messages that robots sent, oldest first: the last 10,000.
func (e *Emulator) Messages() []Message {
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	list := make([]Message, len(e.messages.sent))
	for i, m := range e.messages.sent {
		list[i] = *m
		list[i].ReadBy = append([]string{}, m.ReadBy...)
	}
	return list
}

// MarkRead adds users to those who have read a message, and reports whether there is a message of this key. A user counts
// once.
func (e *Emulator) MarkRead(processQueryKey string, userIDs ...string) bool {
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	m := e.messages.find(processQueryKey)
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

// sendMessage answers orgGroupSend. It does not know the templates: any msgKey is one.
func (e *Emulator) sendMessage(c *call) answer {
	var request struct {
		MsgKey             string `json:"msgKey"`
		MsgParam           string `json:"msgParam"`
		OpenConversationID string `json:"openConversationId"`
		RobotCode          string `json:"robotCode"`
		CoolAppCode        string `json:"coolAppCode"` // which group it is of is not checked
	}
	if a, ok := c.decode(&request); !ok {
		return a
	}
	switch {
	case request.OpenConversationID == "":
		return c.refuse(generated.CodeOrgGroupSendMissingConversationID)
	case request.RobotCode == "":
		return c.refuse(generated.CodeOrgGroupSendMissingRobotCode)
	case request.MsgKey == "":
		return c.refuse(generated.CodeOrgGroupSendInvalidMessageKey)
	case !json.Valid([]byte(request.MsgParam)):
		return c.refuse(generated.CodeOrgGroupSendInvalidMessageParam)
	case len(request.MsgParam) > maxMessageParam:
		return c.refuse(generated.CodeOrgGroupSendMessageParamTooLong)
	}
	g, ok := e.groups.byConversation(c.settings, request.OpenConversationID)
	switch {
	case !ok:
		return c.refuse(generated.CodeOrgGroupSendInvalidConversationID)
	case g.Disbanded:
		return c.refuse(generated.CodeOrgGroupSendGroupDisbanded)
	case !slices.Contains(g.Robots, request.RobotCode):
		return c.refuse(generated.CodeOrgGroupSendNoSuchRobot)
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // It never fails.
	m := &Message{
		Time: c.now, ProcessQueryKey: base64.StdEncoding.EncodeToString(key[:]), ChatID: g.ChatID, OpenConversationID: g.OpenConversationID,
		RobotCode: request.RobotCode, MsgKey: request.MsgKey, MsgParam: request.MsgParam,
	}
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	if len(e.messages.sent) == maxMessages {
		e.messages.sent = e.messages.sent[1:]
	}
	e.messages.sent = append(e.messages.sent, m)
	return success(generated.OrgGroupSendResponseBody{ProcessQueryKey: m.ProcessQueryKey})
}

// queryMessage answers orgGroupQuery. The codes of its refusals are synthetic, as those of every operation that lists none.
func (e *Emulator) queryMessage(c *call) answer {
	var request generated.OrgGroupQueryRequest
	if a, ok := c.decode(&request); !ok {
		return a
	}
	size, from := maxReaders, 0
	if request.MaxResults != nil {
		size = int(*request.MaxResults)
	}
	if request.NextToken != nil && *request.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(*request.NextToken); err != nil || from < 0 {
			return refusal("InvalidnextToken")
		}
	}
	if size < 1 || size > maxReaders {
		return refusal("InvalidmaxResults")
	}
	e.messages.mu.Lock()
	defer e.messages.mu.Unlock()
	m := e.messages.find(request.ProcessQueryKey)
	if m == nil || differs(request.OpenConversationID, m.OpenConversationID) || differs(request.RobotCode, m.RobotCode) {
		return refusal("InvalidprocessQueryKey")
	}
	from = min(from, len(m.ReadBy))
	to := min(from+size, len(m.ReadBy))
	body := generated.OrgGroupQueryResponseBody{SendStatus: sendSuccess, ReadUserIDs: append([]string{}, m.ReadBy[from:to]...)}
	if m.Recalled {
		body.SendStatus = sendRecalled
	}
	more := to < len(m.ReadBy)
	if body.HasMore = &more; more {
		next := strconv.Itoa(to)
		body.NextToken = &next
	}
	return success(body)
}

// differs reports whether a request names something, and names another.
func differs(named *string, is string) bool { return named != nil && *named != "" && *named != is }

// recallMessages answers orgGroupRecall. The reasons in failedResult are synthetic.
func (e *Emulator) recallMessages(c *call) answer {
	var request generated.OrgGroupRecallRequest
	if a, ok := c.decode(&request); !ok {
		return a
	}
	if n := len(request.ProcessQueryKeys); n == 0 || n > maxRecalls || slices.Contains(request.ProcessQueryKeys, "") {
		return refusal("InvalidprocessQueryKeys")
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
	return success(body)
}
