package dingtalktest

import (
	"slices"
	"strings"
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
