package run

import (
	"context"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// item is one chat in a run.
type item struct {
	id    string
	start []byte       // how the output's record of a row begins
	known *rows.Result // the result, if known without a call
	none  bool         // the row is no chat's, and does not count
	group *group       // with --check, once described
}

// called returns the id for the SDK. It is empty, which the SDK refuses without a call, if the item needs none.
func (it *item) called() string {
	if it.known != nil {
		return ""
	}
	return it.id
}

// trims counts ids with invisible text around them.
type trims struct {
	n     int
	first lang.Text // what the first one had
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

// report prints a notice: the sent ids differ from the input.
func (t *trims) report(w *term.World) {
	if t.n > 0 {
		w.Note("%s", lang.N(t.n, "%d id was trimmed: %s", "%d ids were trimmed: %s", t.n, t.first))
	}
}

// source yields items in order.
type source interface {
	// next returns the next item. Its error is io.EOF after the last, or ctx's cause.
	next(ctx context.Context) (*item, error)
	// atEnd reports whether no more items follow, as far as known without waiting for a stream.
	atEnd() bool
}

// sink takes results.
type sink interface {
	// put takes an item's result: an id or an error. Its own error ends the run.
	put(it *item, id string, err error) error
	// ends takes the failure that ended the run, because it concerns every chat. Nothing is put afterwards.
	ends(it *item, err error)
	// late takes a paid conversion that cannot be put, because an earlier item has no result.
	late(it *item, id string)
	// skipped takes an item without a result, because the run ended.
	skipped(it *item, err error)
}
