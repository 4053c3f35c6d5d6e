package dingtalktest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
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
		g.Robots = plainRobots
	}
	return g
}

// What every group has that is known only by its ids. Every conversion of one would pay for lists of its own.
var plainMembers, plainRobots = []string{"user1", "user2"}, []string{RobotCode}

func plainGroup(chatID, id string) Group {
	return Group{ChatID: chatID, OpenConversationID: id, Name: "Group", Owner: "user1", Members: plainMembers, Robots: plainRobots}
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

// What getChat returns.
const (
	statusNormal    = 1
	statusDisbanded = 2
	internalGroup   = 2 // a conversationTag
)

// convert answers chatIdToOpenConversationId. It ignores the request's body.
func (e *Emulator) convert(x *exchange) answer.Answer {
	if slices.Contains(x.OwnersNotVisible, x.Params[0]) {
		return x.refuse(generated.CodeOwnerNotVisible)
	}
	g, known := e.groups.byChat(x.setup, x.Params[0])
	if !known {
		return x.refuse(generated.CodeInvalidChatID)
	}
	return answer.Success(generated.ChatIDToOpenConversationIDResponseBody{OpenConversationID: g.OpenConversationID})
}

// createGroup answers createGroup. Whether the service adds a robot to a group that an app creates is not documented; here
// [RobotCode] is in it.
func (e *Emulator) createGroup(x *exchange, request *generated.CreateGroupRequest) answer.Answer {
	if len(request.UserIDs) == 0 {
		return x.refuse(generated.CodeCreateGroupInvalidParameter)
	}
	var ids [32]byte
	_, _ = rand.Read(ids[:]) // It never fails.
	g := Group{
		ChatID: "chat" + hex.EncodeToString(ids[:16]), OpenConversationID: "cid" + base64.StdEncoding.EncodeToString(ids[16:]),
		Name: request.Name, Owner: request.Owner, Members: request.UserIDs,
	}.complete()
	e.groups.keep(g)
	tag := int32(internalGroup)
	if request.ConversationTag != nil {
		tag = *request.ConversationTag
	}
	return answer.Success(generated.CreateGroupResponseBody{ChatID: g.ChatID, OpenConversationID: g.OpenConversationID, ConversationTag: &tag})
}

// describe answers getChat.
func (e *Emulator) describe(x *exchange, _ *any) answer.Answer {
	g, ok := e.groups.byChat(x.setup, x.Request.URL.Query().Get("chatid"))
	if !ok {
		return x.refuse(generated.CodeGetChatWrongChatID)
	}
	status, tag, none, said := int32(statusNormal), int32(internalGroup), generated.GroupSetting(0), "ok"
	if g.Disbanded {
		status = statusDisbanded
	}
	return answer.Success(generated.GetChatResponseBody{Errmsg: &said, ChatInfo: &generated.ChatInfo{
		ChatID: &g.ChatID, Name: &g.Name, Owner: &g.Owner, UserIDs: g.Members, Status: &status, ConversationTag: &tag,
		ChatBannedType: &none, ManagementType: &none, MentionAllAuthority: &none, Searchable: &none, ShowHistoryType: &none, ValidationType: &none,
	}})
}

// robots answers getBotListInGroup.
func (e *Emulator) robots(x *exchange, request *generated.GetBotListInGroupRequest) answer.Answer {
	g, ok := e.groups.byConversation(x.setup, request.OpenConversationID)
	if !ok {
		return x.refuse(generated.CodeGetBotListInGroupInvalidConversationID)
	}
	list := make([]generated.GroupRobot, len(g.Robots))
	for i := range g.Robots {
		name, kind := "Robot "+g.Robots[i], int32(1)
		list[i] = generated.GroupRobot{RobotCode: &g.Robots[i], Name: &name, OpenRobotType: &kind}
	}
	return answer.Success(generated.GetBotListInGroupResponseBody{ChatbotInstanceVOList: list})
}
