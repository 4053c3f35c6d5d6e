package dingtalktest

import (
	"slices"
	"sync"
	"time"
)

// maxMessages is how many messages an emulator keeps; the oldest go first.
const maxMessages = 10_000

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

// messages are the sent messages, oldest first.
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
	if len(all.sent) == maxMessages {
		all.sent = all.sent[1:]
	}
	all.sent = append(all.sent, m)
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
