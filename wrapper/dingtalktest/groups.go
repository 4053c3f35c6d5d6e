package dingtalktest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// RobotCode is the robot that is in every group that does not name its own robots.
const RobotCode = "dingue4kfzdxbyn0pjqd"

// Group is a group chat as an emulator knows it.
type Group struct {
	ChatID             string   `json:"chatId"`
	OpenConversationID string   `json:"openConversationId,omitempty"` // empty: the one that OpenConversationIDOf makes up
	Name               string   `json:"name"`                         // as getChat returns it
	Owner              string   `json:"owner"`                        // a user id
	Members            []string `json:"members,omitzero"`             // user ids
	Robots             []string `json:"robots,omitzero"`              // the codes of the robots in it; nil is RobotCode, and an empty slice none
	Disbanded          bool     `json:"disbanded"`                    // nothing can be sent to it, and getChat returns its status as 2
}

// UnmarshalJSON reads an object with the fields of [Group], of which only chatId has to be there. A field that a group does
// not have, null, an empty id and a text of more than 1,000 characters are errors.
func (g *Group) UnmarshalJSON(raw []byte) error {
	type plain Group
	var read plain
	if err := decodeStrictly(raw, &read); err != nil {
		return err
	}
	if hasNull(raw) {
		return errNull
	}
	if isNoText(read.ChatID) {
		return fmt.Errorf("a group needs chatId, of 1 to %d characters", maxSettingText)
	}
	for _, text := range []string{read.OpenConversationID, read.Name, read.Owner} {
		if text != "" && isNoText(text) {
			return fmt.Errorf("group %s: a text has at most %d characters", strconv.Quote(read.ChatID), maxSettingText)
		}
	}
	if slices.ContainsFunc(slices.Concat(read.Members, read.Robots), isNoText) {
		return fmt.Errorf("group %s: a member and a robot have 1 to %d characters", strconv.Quote(read.ChatID), maxSettingText)
	}
	*g = Group(read)
	return nil
}

// The states of a group that getChat returns.
const (
	statusNormal    = 1
	statusDisbanded = 2
)

// internalGroup is the conversationTag of an internal group.
const internalGroup = 2

// maxGroupName is how long a group's name may be, in characters.
const maxGroupName = 20

func (g Group) status() int32 {
	if g.Disbanded {
		return statusDisbanded
	}
	return statusNormal
}

func (g Group) clone() Group {
	g.Members, g.Robots = slices.Clone(g.Members), slices.Clone(g.Robots)
	return g
}

// complete fills in what a group does not say.
func (g Group) complete() Group {
	if g.OpenConversationID == "" {
		g.OpenConversationID = OpenConversationIDOf(g.ChatID)
	}
	if g.Robots == nil {
		g.Robots = []string{RobotCode}
	}
	return g
}

// WithGroup adds a group chat, with more than [WithChat] says of it. It may be given more than once.
func WithGroup(g Group) Option {
	g = g.clone().complete()
	return func(s *settings) { s.groups[g.ChatID] = g }
}

// groups are the groups that were created or changed since an emulator was made. They stand before those of the settings.
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
func (all *groups) openConversationID(s *settings, chatID string) (id string, known bool) {
	if g, ok := all.get(s, chatID); ok {
		return g.OpenConversationID, true
	}
	return s.openConversationID(chatID)
}

// get finds a group that somebody described.
func (all *groups) get(s *settings, chatID string) (g Group, ok bool) {
	all.mu.RLock()
	g, ok = all.known[chatID]
	all.mu.RUnlock()
	if !ok {
		g, ok = s.groups[chatID]
	}
	return g, ok
}

// byChat finds a group. It makes up the details of one that only [WithChat] or [WithAnyChat] knows.
func (all *groups) byChat(s *settings, chatID string) (Group, bool) {
	if g, ok := all.get(s, chatID); ok {
		return g, true
	}
	id, ok := s.openConversationID(chatID)
	return plainGroup(chatID, id), ok
}

func plainGroup(chatID, id string) Group {
	return Group{
		ChatID: chatID, OpenConversationID: id, Name: "Group", Owner: "user1", Members: []string{"user1", "user2"},
	}.complete()
}

// byConversation finds the group of an openConversationId. With [WithAnyChat], every other one is that of some group.
func (all *groups) byConversation(s *settings, id string) (Group, bool) {
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
	for chatID, known := range s.chats {
		if known == id {
			return plainGroup(chatID, id), true
		}
	}
	return plainGroup("", id), s.anyChat && strings.HasPrefix(id, "cid")
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

// Group returns a group that the emulator knows, as it is now.
func (e *Emulator) Group(chatID string) (Group, bool) {
	g, ok := e.groups.byChat(e.settings.Load(), chatID)
	return g.clone(), ok
}

// Groups returns the groups that were created or changed through the emulator, in the order of their chat ids: the last
// 10,000.
func (e *Emulator) Groups() []Group {
	e.groups.mu.RLock()
	defer e.groups.mu.RUnlock()
	list := make([]Group, 0, len(e.groups.known))
	for _, g := range e.groups.known {
		list = append(list, g.clone())
	}
	slices.SortFunc(list, byChatID)
	return list
}

func byChatID(a, b Group) int { return strings.Compare(a.ChatID, b.ChatID) }

// SetGroup puts a group in the place of the one with its chat id: to disband it, or to take a robot out of it.
func (e *Emulator) SetGroup(g Group) { e.groups.keep(g.complete()) }

// createGroup answers createGroup. Whether the service adds a robot to a group that an app creates is not documented; here
// [RobotCode] is in it.
func (e *Emulator) createGroup(c *call) answer {
	var request generated.CreateGroupRequest
	if a, ok := c.decode(&request); !ok {
		return a
	}
	if n := utf8.RuneCountInString(request.Name); n == 0 || n > maxGroupName || request.Owner == "" || len(request.UserIDs) == 0 {
		return c.refuse(generated.CodeCreateGroupInvalidParameter)
	}
	var id, conversation [16]byte
	_, _ = rand.Read(id[:]) // It never fails.
	_, _ = rand.Read(conversation[:])
	g := Group{
		ChatID: "chat" + hex.EncodeToString(id[:]), OpenConversationID: "cid" + base64.StdEncoding.EncodeToString(conversation[:]),
		Name: request.Name, Owner: request.Owner, Members: request.UserIDs,
	}.complete()
	e.groups.keep(g)
	tag := int32(internalGroup)
	if request.ConversationTag != nil {
		tag = *request.ConversationTag
	}
	return success(generated.CreateGroupResponseBody{ChatID: g.ChatID, OpenConversationID: g.OpenConversationID, ConversationTag: &tag})
}

// describe answers getChat.
func (e *Emulator) describe(c *call) answer {
	if code := c.misses(); code != "" {
		return c.refuse(generated.CodeGetChatWrongChatID)
	}
	g, ok := e.groups.byChat(c.settings, c.request.URL.Query().Get("chatid"))
	if !ok {
		return c.refuse(generated.CodeGetChatWrongChatID)
	}
	status, tag, none, said := g.status(), int32(internalGroup), generated.GroupSetting(0), "ok"
	return success(generated.GetChatResponseBody{Errmsg: &said, ChatInfo: &generated.ChatInfo{
		ChatID: &g.ChatID, Name: &g.Name, Owner: &g.Owner, UserIDs: g.Members, Status: &status, ConversationTag: &tag,
		ChatBannedType: &none, ManagementType: &none, MentionAllAuthority: &none, Searchable: &none, ShowHistoryType: &none, ValidationType: &none,
	}})
}

// robots answers getBotListInGroup.
func (e *Emulator) robots(c *call) answer {
	var request generated.GetBotListInGroupRequest
	if a, ok := c.decode(&request); !ok {
		return a
	}
	g, ok := e.groups.byConversation(c.settings, request.OpenConversationID)
	if !ok {
		return c.refuse(generated.CodeGetBotListInGroupInvalidConversationID)
	}
	list := make([]generated.GroupRobot, len(g.Robots))
	for i := range g.Robots {
		name, kind := "Robot "+g.Robots[i], int32(1)
		list[i] = generated.GroupRobot{RobotCode: &g.Robots[i], Name: &name, OpenRobotType: &kind}
	}
	return success(generated.GetBotListInGroupResponseBody{ChatbotInstanceVOList: list})
}

// refuse answers with a row of the operation's own codes, or of the catalogue.
func (c *call) refuse(code generated.Code) answer {
	return refusalBy(c.route.Operation.LookupErrorCode(string(code)), code)
}

// decode reads a request's body, or answers what is wrong with it.
func (c *call) decode(into any) (answer, bool) {
	if code := c.misses(); code != "" {
		return refusal(code), false
	}
	body, err := readBody(c.request)
	if err != nil || json.Unmarshal(body, into) != nil {
		return answer{status: http.StatusBadRequest, code: generated.CodeInvalidBody, message: string(generated.CodeInvalidBody), contentType: jsonType}, false
	}
	return answer{}, true
}
