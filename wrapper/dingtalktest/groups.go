package dingtalktest

import (
	"slices"
	"strings"
	"sync"
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
