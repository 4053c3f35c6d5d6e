package run

import (
	"context"
	"iter"
	"sync"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

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

// describer asks for the groups of converted chats.
type describer struct {
	client *dingtalk.Client
	ahead  int             // how many descriptions may be under way
	stop   <-chan struct{} // closed when nothing more is to be sent
	asking sync.WaitGroup
}

// wait returns when nothing is asked any more. Before it, the context of what is asked ends.
func (d *describer) wait() {
	if d != nil {
		d.asking.Wait()
	}
}

// maxDescribed is how many descriptions are remembered, for chats that come again.
const maxDescribed = 100_000

// outcomes adds descriptions to conversions and keeps their order. A nil describer adds none.
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
					if known[c.Row.id] == nil {
						known[c.Row.id] = d.ask(ctx, c.Row.id)
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

// wantsGroup reports whether a chat was converted, now or before, and not described.
func (it *item) wantsGroup(id string) bool {
	if it.known != nil {
		return it.known.OpenConversationID != "" && it.known.Status == ""
	}
	return id != ""
}

// ask has a group described, unless the run is ending.
func (d *describer) ask(ctx context.Context, chatID string) *pending {
	p := &pending{done: make(chan struct{})}
	select {
	case <-d.stop:
		p.err = dingtalk.ErrNotTried
		close(p.done)
		return p
	default:
	}
	d.asking.Go(func() {
		defer close(p.done)
		p.group, p.err = describe(ctx, d.client, chatID)
	})
	return p
}
