package run

import (
	"context"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// item is one chat on its way through a run.
type item struct {
	id    string
	start []byte       // how the output's record of a row begins
	known *rows.Result // the result, where it is known without a call
	group *group       // with --check, once it is described
}

// called is the id that the SDK is given: an empty one, which it refuses without a call, where none is needed.
func (it *item) called() string {
	if it.known != nil {
		return ""
	}
	return it.id
}

// trims are ids that had something around them which people do not see.
type trims struct {
	n     int
	first lang.Text // what the first of them had
}

func (t *trims) add(what rows.Trimmed, line int) {
	if len(what) == 0 {
		return
	}
	if t.n++; t.n > 1 {
		return
	}
	if t.first = lang.T("%s", what); line > 0 {
		t.first = lang.T("%s, first in line %d", what, line)
	}
}

// report tells of them: what was sent is not what stands in the input.
func (t *trims) report(w *term.World) {
	if t.n > 0 {
		w.Note("%s", lang.N(t.n, "%d id was trimmed: %s", "%d ids were trimmed: %s", t.n, t.first))
	}
}

// source is where items come from, in their order.
type source interface {
	// next is the next item. Its error is io.EOF after the last, or the cause of ctx.
	next(ctx context.Context) (*item, error)
	// atEnd reports whether it is known, without waiting for a stream, that there are no more.
	atEnd() bool
}

// sink is where results go.
type sink interface {
	// put takes the result of an item: an id, or why there is none. Its error ends the run.
	put(it *item, id string, err error) error
	// ends takes the failure of the item at which the run ended for every chat's sake. Nothing is put afterwards.
	ends(it *item, err error)
	// late takes a conversion that was paid for and cannot be put, since an earlier item has no result.
	late(it *item, id string)
	// skipped takes an item that has no result because the run ended.
	skipped(it *item, err error)
}
