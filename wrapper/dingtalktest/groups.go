package dingtalktest

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

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

// openConversationID is that of a chat. It makes up no details of a group, which every conversion would pay for.
func (all *groups) openConversationID(s *setup, chatID string) (id string, known bool) {
	if g, ok := all.get(s, chatID); ok {
		return g.OpenConversationID, true
	}
	return s.openConversationID(chatID)
}

// get finds a group of which more than its ids is known.
func (all *groups) get(s *setup, chatID string) (g Group, ok bool) {
	all.mu.RLock()
	g, ok = all.known[chatID]
	all.mu.RUnlock()
	if !ok {
		g, ok = s.groups[chatID]
	}
	return g, ok
}

// byChat finds a group. It makes up the details of one that only [WithChat] or [WithAnyChat] knows.
func (all *groups) byChat(s *setup, chatID string) (Group, bool) {
	if g, ok := all.get(s, chatID); ok {
		return g, true
	}
	id, ok := s.openConversationID(chatID)
	return plainGroup(chatID, id), ok
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

// RobotCode is the robot that is in every group that does not name its own robots.
const RobotCode = "dingue4kfzdxbyn0pjqd"

// Group is a group chat as an emulator knows it.
type Group struct {
	ChatID             string   `json:"chatId" min:"1" max:"1000" required:"true"`
	OpenConversationID string   `json:"openConversationId,omitempty" max:"1000"` // empty or absent: made up from the chat id
	Name               string   `json:"name" max:"1000"`                         // as getChat returns it
	Owner              string   `json:"owner" max:"1000"`                        // a user id
	Members            []string `json:"members,omitzero" min:"1" max:"1000"`     // user ids
	Robots             []string `json:"robots,omitzero" min:"1" max:"1000"`      // the codes of the robots in it; absent: the emulator's own robot, and empty: none
	Disbanded          bool     `json:"disbanded"`                               // nothing can be sent to it, and getChat returns its status as 2
}

func (g Group) clone() Group {
	g.Members, g.Robots = slices.Clone(g.Members), slices.Clone(g.Robots)
	return g
}

// complete fills in missing fields.
func (g Group) complete() Group {
	if g.OpenConversationID == "" {
		g.OpenConversationID = OpenConversationIDOf(g.ChatID)
	}
	if g.Robots == nil {
		g.Robots = []string{RobotCode}
	}
	return g
}

// plainGroup is a group known only by its ids.
func plainGroup(chatID, id string) Group {
	return Group{
		ChatID: chatID, OpenConversationID: id, Name: "Group", Owner: "user1", Members: []string{"user1", "user2"},
	}.complete()
}

func byChatID(a, b Group) int { return strings.Compare(a.ChatID, b.ChatID) }

// The chat of the reference page, which every emulator knows.
const (
	ChatID             = "chatfaabe59a460527f5fb72fbbdfe3f061e"
	OpenConversationID = "cidl1B8RVUFmkO50OC9uEbySQ=="
)

// maxChatID is the longest chat id that WithAnyChat knows, in bytes. No real limit is documented.
const maxChatID = 256

// OpenConversationIDOf returns the openConversationId that an emulator with [WithAnyChat] gives a chat: always the
// same for the same id, made up from a hash of it: for seven chats in eight in the usual form of "cid" and 24 characters of
// base64, else in the longer one of "cid" and 44. That of [ChatID] is [OpenConversationID].
func OpenConversationIDOf(chatID string) string {
	if chatID == ChatID {
		return OpenConversationID
	}
	sum := sha256.Sum256([]byte(chatID))
	bytes := 16
	if sum[len(sum)-1]%8 == 0 {
		bytes = 32
	}
	return "cid" + base64.StdEncoding.EncodeToString(sum[:bytes])
}

// plausible says whether [WithAnyChat] knows a chat id.
func plausible(chatID string) bool {
	return len(chatID) <= maxChatID && utf8.ValidString(chatID) &&
		!strings.HasPrefix(chatID, "unknown") && !strings.HasPrefix(chatID, "cid") &&
		!strings.ContainsFunc(chatID, unicode.IsControl)
}
