package run

import (
	"context"
	"errors"
	"iter"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// converted is an item with what the SDK made of it.
type converted struct {
	item    item
	id      string
	endsRun bool // its failure is one that every further chat would meet
}

// each converts items, in their order.
func each(ctx context.Context, client *dingtalk.Client, items iter.Seq[item], stop <-chan struct{}, options ...dingtalk.BulkOption) iter.Seq2[converted, error] {
	return func(yield func(converted, error) bool) {
		queue := make(chan item, 4096)
		ids := func(yield func(string) bool) {
			for it := range items {
				select {
				case <-stop:
					return
				default:
				}
				queue <- it
				if !yield(it.called()) {
					return
				}
			}
		}
		rows := map[int]int{}
		for c, err := range client.OpenConversationIDs(ctx, ids, options...) {
			select {
			case it := <-queue:
				out := converted{item: it, id: c.OpenConversationID}
				if it.known == nil && err != nil && !errors.Is(err, dingtalk.ErrNotTried) {
					limit := doubts(err)
					switch {
					case limit == 0:
						clear(rows)
						out.endsRun = !unclear(err) && !aboutChat(err)
					default:
						rows[limit]++
						out.endsRun = rows[limit] >= limit
					}
				} else if it.known == nil && err == nil {
					clear(rows)
				}
				if !yield(out, err) {
					return
				}
			default:
			}
		}
	}
}

func aboutChat(err error) bool {
	var e *dingtalk.Error
	return errors.As(err, &e) && (errors.Is(e.Kind, dingtalk.ErrInvalidChatID) || errors.Is(e.Kind, dingtalk.ErrOwnerNotVisible) || errors.Is(e.Kind, context.Canceled))
}

func doubts(err error) int {
	var e *dingtalk.Error
	switch {
	case !errors.As(err, &e):
		return 0
	case errors.Is(e.Kind, dingtalk.ErrUnavailable):
		return 5
	case errors.Is(e.Kind, dingtalk.ErrUnexpectedResponse), errors.Is(e.Kind, dingtalk.ErrRejected),
		errors.Is(e.Kind, dingtalk.ErrPermissionDenied) && generated.LookupErrorCode(string(e.Code)) == nil:
		return 3
	default:
		return 0
	}
}

// unclear is whether a failure may be about one chat alone, or about every one.
func unclear(err error) bool { return doubts(err) > 0 }
