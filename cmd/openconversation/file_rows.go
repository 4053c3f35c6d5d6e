package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// rowError is why a row, and with it every row behind, is not in the output.
type rowError struct{ err error }

func (e *rowError) Error() string { return fmt.Sprintf("the run stopped: %v", e.err) }

// written is a row that was written a moment ago.
type written struct {
	at       int64 // offset in the output
	id       string
	result   rows.Result
	doubtful bool
}

// settle writes a row, or says why the run is over.
func (r *fileRun) settle(p pending, c dingtalk.Conversion, err error) error {
	w := written{id: p.id}
	switch {
	case p.result != nil:
		w.result = *p.result
	case err == nil:
		w.result.OpenConversationID = printable(c.OpenConversationID)
		r.follow(nil)
		if err := r.put(p.start, w); err != nil {
			return err
		}
		return r.out.keep()
	case errors.Is(err, dingtalk.ErrNotTried), endsRun(err):
		return &rowError{err}
	default:
		kind := failureKind(err)
		if r.hinted[kind] == nil {
			r.hinted[kind] = err
		}
		w.result = rowFailure(err)
		w.doubtful = doubtful(err)
		r.follow(err)
	}
	return r.put(p.start, w)
}

// follow looks for failures in a row that end the run. The SDK tells the chats behind them, and there may be none: then
// the run would seem to be complete.
func (r *fileRun) follow(err error) {
	limit := doubts(err)
	if limit == 0 {
		clear(r.inARow)
		r.doubt = nil
		return
	}
	if r.inARow[limit]++; r.inARow[limit] >= limit {
		r.doubt = err
	}
}

func (r *fileRun) put(start []byte, w written) error {
	if err := r.writeHeader(); err != nil {
		return err
	}
	w.at = r.out.end
	if err := r.out.write(r.rows.Finish(start, w.result)); err != nil {
		return err
	}
	delete(r.late, w.id)
	r.add(w.result, 1)
	if reach := 2*r.o.concurrency + maxUnavailable + maxStrange; len(r.recent) == 2*reach {
		r.recent = append(r.recent[:0], r.recent[reach:]...)
	}
	r.recent = append(r.recent, w)
	return nil
}

func (r *fileRun) add(result rows.Result, n int) {
	if result.OpenConversationID == "" {
		r.failed += n
	} else {
		r.converted += n
	}
	r.done.Add(int64(n))
}

// rollBack takes rows out of the output again that failed for the same reason as the run did: they are tried again when
// it goes on. What was converted behind them is kept with the state.
func (r *fileRun) rollBack() error {
	if r.out.path == "" || r.o.retryFailed {
		return nil
	}
	for i, w := range r.recent {
		if !w.doubtful {
			continue
		}
		for _, w := range r.recent[i:] {
			r.add(w.result, -1)
			if w.result.OpenConversationID != "" {
				r.late[w.id] = w.result.OpenConversationID
			}
		}
		r.out.end = w.at
		_, err := r.out.file.Seek(w.at, io.SeekStart)
		return errors.Join(r.out.file.Truncate(w.at), err)
	}
	return nil
}

// rowFailure is a failure as the output has it. It holds nothing that differs from one run to the next.
func rowFailure(err error) rows.Result {
	result := rows.Result{Error: failureKind(err).Error()}
	if row := failureOf(err); row != nil {
		result.Code = row.kind
	}
	var e *dingtalk.Error
	if errors.As(err, &e) {
		if e.Code != "" {
			result.Code = string(e.Code)
		}
		if e.Message != "" {
			result.Error += ": " + e.Message
		}
	}
	return rows.Result{Code: printable(result.Code), Error: printable(result.Error)}
}
