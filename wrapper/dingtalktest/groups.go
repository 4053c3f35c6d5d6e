package dingtalktest

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
