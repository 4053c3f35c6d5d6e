package run

import (
	"context"
	"iter"
	"strconv"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// outcome is an item's conversion and, with --check, the pending description of its group.
type outcome struct {
	dingtalk.Converted[*item]
	err   error
	group *pending // nil: no description
}

// pending is a description in flight.
type pending struct {
	done  chan struct{}
	group *group
	err   error
}

// describer fetches the descriptions of converted chats' groups.
type describer struct {
	client  *dingtalk.Client
	ahead   int                         // how many descriptions may be in flight
	granted func(id, conversion string) // gets each conversion before its description is asked for; may be nil
}

// maxDescribed is how many descriptions are remembered for repeated chats.
const maxDescribed = 100_000

// outcomes adds descriptions to conversions, in order. A nil describer adds none.
func (d *describer) outcomes(ctx context.Context, converted iter.Seq2[dingtalk.Converted[*item], error]) iter.Seq[outcome] {
	return func(yield func(outcome) bool) {
		if d == nil {
			for c, err := range converted {
				if !yield(outcome{Converted: c, err: err}) {
					return
				}
			}
			return
		}
		ahead := make(chan outcome, d.ahead)
		go func() {
			defer close(ahead)
			known := map[string]*pending{}
			for c, err := range converted {
				o := outcome{Converted: c, err: err}
				if c.Row != nil && c.Row.wantsGroup(c.OpenConversationID) {
					if len(known) >= maxDescribed {
						clear(known)
					}
					if d.granted != nil && err == nil && c.Row.known == nil {
						d.granted(c.Row.id, c.OpenConversationID)
					}
					if known[c.Row.id] == nil {
						known[c.Row.id] = d.ask(ctx, c.Row.id)
					}
					o.group = known[c.Row.id]
				}
				ahead <- o
			}
		}()
		for o := range ahead { // to the end: nobody else drains it
			yield(o)
		}
	}
}

// wantsGroup reports whether a chat is converted, now or before, but not described.
func (it *item) wantsGroup(id string) bool {
	if it.known != nil {
		return it.known.OpenConversationID != "" && it.known.Status == ""
	}
	return id != ""
}

// ask fetches a group's description.
func (d *describer) ask(ctx context.Context, chatID string) *pending {
	p := &pending{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.group, p.err = describe(ctx, d.client, chatID)
	}()
	return p
}

// describe fetches a group's description. It returns only errors that concern, or may concern, every chat.
func describe(ctx context.Context, client *dingtalk.Client, chatID string) (*group, error) {
	answer, err := client.GetChat(ctx, generated.GetChatParams{ChatID: chatID})
	switch {
	case err == nil && answer.ChatInfo != nil:
		info := answer.ChatInfo
		return &group{given(info.Name), given(info.Owner), statusOf(info.Status)}, nil
	case endsRun(err), unclear(err), fromContext(err):
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
