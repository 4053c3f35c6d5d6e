package run

import (
	"context"
	"errors"
	"strconv"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// group is the description that --check adds to a converted chat.
type group struct{ name, owner, status string }

// The states of a group, and their replacement for a chat that the service does not describe.
const (
	groupNormal    = "normal"
	groupDisbanded = "disbanded"
	notDescribed   = "not described: "
)

// addTo adds the description to a result.
func (g *group) addTo(r *rows.Result) {
	if g != nil {
		r.Name, r.Owner, r.Status = term.Printable(g.name), term.Printable(g.owner), term.Printable(g.status)
	}
}

// describe fetches a group's description. It returns only errors that concern, or may concern, every chat.
func describe(ctx context.Context, client *dingtalk.Client, chatID string) (*group, error) {
	answer, err := client.GetChat(ctx, generated.GetChatParams{ChatID: chatID})
	switch {
	case err == nil && answer.ChatInfo != nil:
		info := answer.ChatInfo
		return &group{given(info.Name), given(info.Owner), statusOf(info.Status)}, nil
	case endsRun(err), unclear(err), fromContext(err), errors.Is(err, explain.ErrMaxCalls):
		return nil, err
	}
	return &group{status: notDescribed + rowResult(err).Code}, nil
}

func statusOf(status *int32) string {
	switch {
	case status == nil:
		return ""
	case *status == 1:
		return groupNormal
	case *status == 2:
		return groupDisbanded
	}
	return strconv.Itoa(int(*status))
}

func given(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
