package run

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// group is what --check adds to a chat that was converted.
type group struct{ name, owner, status string }

// The states of a group, and what stands in their place where the service does not describe a chat.
const (
	groupNormal    = "normal"
	groupDisbanded = "disbanded"
	notDescribed   = "not described: "
)

// addTo fills a result in.
func (g *group) addTo(r *rows.Result) {
	if g != nil {
		r.Name, r.Owner, r.Status = term.Printable(g.name), term.Printable(g.owner), term.Printable(g.status)
	}
}

// describe asks for a group. Its error is one that every further chat would meet, or that may be about every one.
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

// outcome is what became of an item: its conversion, and with --check the description of its group, once that is there.
type outcome struct {
	dingtalk.Converted[*item]
	err   error
	group *pending // nil if none was asked for
}

// pending is a description that was asked for.
type pending struct {
	done  chan struct{}
	group *group
	err   error
}

// maxDescribed is how many descriptions are remembered, for chats that come again.
const maxDescribed = 100_000

// outcomes adds descriptions to conversions, where they are asked for, and keeps their order. As many are asked for at a time as
// conversions are.
func (e *engine) outcomes(ctx context.Context, converted iter.Seq2[dingtalk.Converted[*item], error]) iter.Seq[outcome] {
	return func(yield func(outcome) bool) {
		if !e.groups {
			for c, err := range converted {
				if !yield(outcome{Converted: c, err: err}) {
					return
				}
			}
			return
		}
		ahead := make(chan outcome, e.ahead)
		go func() {
			defer close(ahead)
			known := map[string]*pending{}
			for c, err := range converted {
				o := outcome{Converted: c, err: err}
				if c.Row != nil && c.Row.wantsGroup(c.OpenConversationID) {
					if len(known) >= maxDescribed {
						clear(known)
					}
					if known[c.Row.id] == nil {
						known[c.Row.id] = e.ask(ctx, c.Row.id)
					}
					o.group = known[c.Row.id]
				}
				ahead <- o
			}
		}()
		for o := range ahead { // to the end: nobody else empties it
			yield(o)
		}
	}
}

// wantsGroup is whether a chat was converted, now or before, and not described.
func (it *item) wantsGroup(id string) bool {
	if it.known != nil {
		return it.known.OpenConversationID != "" && it.known.Status == ""
	}
	return id != ""
}

// ask has a group described, unless the run is ending.
func (e *engine) ask(ctx context.Context, chatID string) *pending {
	p := &pending{done: make(chan struct{})}
	if e.ending() {
		p.err = dingtalk.ErrNotTried
		close(p.done)
		return p
	}
	go func() {
		defer close(p.done)
		p.group, p.err = describe(ctx, e.client, chatID)
	}()
	return p
}

// maxUndescribed is how many descriptions in a row may fail for a reason that may be about every chat.
const maxUndescribed = 5

// described waits for the description of an item. It says whether the item can be put: otherwise the run ends, and what was
// converted is kept for its continuation.
func (e *engine) described(ctx context.Context, it *item, p *pending) bool {
	if p == nil {
		return true
	}
	<-p.done
	switch {
	case p.err == nil:
		e.undescribed = 0
		it.group = p.group
		return true
	case errors.Is(p.err, dingtalk.ErrNotTried), fromContext(p.err):
		e.cut(ctx, p.err)
		return false
	case unclear(p.err) && e.undescribed < maxUndescribed-1:
		e.undescribed++
		it.group = &group{status: notDescribed + rowResult(p.err).Code}
		return true
	}
	if e.gap == nil {
		e.gap = p.err
	}
	e.end()
	return false
}
