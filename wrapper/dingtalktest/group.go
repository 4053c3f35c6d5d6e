package dingtalktest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/strict"
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

// UnmarshalJSON reads an object with the fields of [Group], of which only chatId is required. A field that a group does
// not have, null, an empty id and a text of more than 1,000 characters are errors.
func (g *Group) UnmarshalJSON(raw []byte) error {
	type plain Group
	var read plain
	if err := strict.Decode(raw, &read); err != nil {
		return err
	}
	if strict.HasNull(raw) {
		return strict.ErrNull
	}
	if !strict.IsText(read.ChatID) {
		return fmt.Errorf("a group needs chatId, of 1 to %d characters", strict.MaxText)
	}
	for _, text := range []string{read.OpenConversationID, read.Name, read.Owner} {
		if text != "" && !strict.IsText(text) {
			return fmt.Errorf("group %s: a text has at most %d characters", strconv.Quote(read.ChatID), strict.MaxText)
		}
	}
	if slices.ContainsFunc(slices.Concat(read.Members, read.Robots), func(id string) bool { return !strict.IsText(id) }) {
		return fmt.Errorf("group %s: a member and a robot have 1 to %d characters", strconv.Quote(read.ChatID), strict.MaxText)
	}
	*g = Group(read)
	return nil
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
