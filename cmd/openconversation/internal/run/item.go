package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// item is one chat in a run.
type item struct {
	id    string
	start []byte       // how the output's record of a row begins
	known *rows.Result // the result, if known without a call
	none  bool         // the row is no chat's, and does not count
	group *rows.Result // with --check, once described: its name, owner and status
}

// called returns the id for the SDK. It is empty, which the SDK refuses without a call, if the item needs none.
func (it *item) called() string {
	if it.known != nil {
		return ""
	}
	return it.id
}

// paid reports whether a call gave the item something: a conversion, or the description of one that was known.
func (it *item) paid(id string) bool { return id != "" || it.group != nil }

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
	// late takes what was paid for an item and cannot be put, because an earlier one has no result, or put failed.
	late(it *item, id string)
	// missed takes an item without a result, because the run ended: with ends, by its failure, which concerns every chat.
	missed(it *item, err error, ends bool)
}

// The states of a group, and their replacement for a chat that the service does not describe.
const (
	groupNormal    = "normal"
	groupDisbanded = "disbanded"
	notDescribed   = "not described: "
)

// notTried is the code of a row whose chat was not called.
var notTried = explain.Kind(dingtalk.ErrNotTried)

// lost are paid conversions that a stream did not take, because its disk is full or its reader has left. They go to
// standard error; there are at most as many as calls in flight.
type lost struct {
	err   error // why the stream failed
	pairs []string
}

func (l *lost) add(chatID, id string) {
	l.pairs = append(l.pairs, term.Printable(chatID)+"\t"+term.Printable(id))
}

// report prints them.
func (l *lost) report(w *term.World) {
	if len(l.pairs) == 0 {
		return
	}
	w.Note("%s", lang.N(len(l.pairs), "%d conversion that the output did not take, as chatId, tab, openConversationId:",
		"%d conversions that the output did not take, as chatId, tab, openConversationId:", len(l.pairs)))
	for _, pair := range l.pairs {
		fmt.Fprintln(w.Err, pair)
	}
}

// fromContext reports whether an error only says that the run's context ended.
func fromContext(err error) bool { return errors.Is(explain.Sentinel(err), context.Canceled) }

// endsRun reports whether every further chat would fail in the same way.
func endsRun(err error) bool {
	var e *dingtalk.Error
	return errors.As(err, &e) && (e.EndsRun || e.Scope() == dingtalk.ScopeAll)
}

// unclear reports whether a failure may concern one chat or every chat.
func unclear(err error) bool {
	var e *dingtalk.Error
	return errors.As(err, &e) && e.Scope() == dingtalk.ScopeUnclear
}

// rowResult makes the output's result of a failure. It is the same in every run.
func rowResult(err error) rows.Result {
	result := rows.Result{Code: explain.Kind(err), Error: explain.Sentinel(err).Error()}
	var e *dingtalk.Error
	if errors.As(err, &e) {
		if e.Code != "" {
			result.Code = string(e.Code)
		}
		if e.Message != "" {
			result.Error += ": " + e.Message
		}
	}
	return rows.Result{Code: term.Printable(result.Code), Error: term.Printable(result.Error)}
}

func contextCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// count is what a sink counts. done may be read during the run.
type count struct {
	tally
	done  atomic.Int64
	total int64                 // -1: unknown
	what  func(int64) lang.Text // rows or chats
	lost  lost
}

// tally counts rows or chats.
type tally struct {
	converted, failed int
	left              int // not called
	undescribed       int // converted, but the group could not be described
	settled, passing  int // failed calls: for a reason of the chat, and for one that may pass
	hinted            map[error]error
}

func (t *tally) add(result rows.Result) {
	switch {
	case result.OpenConversationID != "":
		t.converted++
		if strings.HasPrefix(result.Status, notDescribed) {
			t.undescribed++
		}
	case result.Code == notTried:
		t.left++
	default:
		t.failed++
	}
}

// result makes a row's result for the output.
func (t *tally) result(it *item, id string, err error) (result rows.Result) {
	switch {
	case it.known != nil:
		result = *it.known
	case err == nil:
		result.OpenConversationID = term.Printable(id)
	default:
		kind := explain.Sentinel(err)
		if t.hinted == nil {
			t.hinted = map[error]error{}
		}
		if t.hinted[kind] == nil {
			t.hinted[kind] = err
		}
		return rowResult(err)
	}
	if g := it.group; g != nil {
		result.Name, result.Owner, result.Status = g.Name, g.Owner, g.Status
	}
	return result
}
