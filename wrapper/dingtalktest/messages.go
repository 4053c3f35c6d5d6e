package dingtalktest

import (
	"slices"
	"sync"
	"time"
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
