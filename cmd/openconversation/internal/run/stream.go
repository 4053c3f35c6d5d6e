package run

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

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
func (t *tally) result(it *item, id string, err error) rows.Result {
	switch {
	case it.known != nil:
		result := *it.known
		it.group.addTo(&result)
		return result
	case err == nil:
		result := rows.Result{OpenConversationID: term.Printable(id)}
		it.group.addTo(&result)
		return result
	}
	kind := explain.Sentinel(err)
	if t.hinted == nil {
		t.hinted = map[error]error{}
	}
	if t.hinted[kind] == nil {
		t.hinted[kind] = err
	}
	return rowResult(err)
}

// streamSink writes rows to a stream, which cannot be continued. To lose no late result, it writes the rows before it
// as failed.
type streamSink struct {
	tally
	done   atomic.Int64 // rows; may be read during the run
	name   lang.Said
	w      io.Writer
	rows   *rows.Reader
	total  int64 // rows; -1: unknown
	headed bool
	gap    []*item // after the last row, without a result
	why    []error
	lost   lost
}

func (s *streamSink) put(it *item, id string, err error) error {
	return s.write(it, s.result(it, id, err))
}

func (s *streamSink) write(it *item, result rows.Result) error {
	if err := s.writeHeader(); err != nil {
		return err
	}
	if err := s.record(s.rows.Finish(it.start, result)); err != nil {
		return err
	}
	if it.none {
		return nil
	}
	s.add(result)
	s.done.Add(1)
	return nil
}

// writeHeader writes the header once.
func (s *streamSink) writeHeader() error {
	if s.headed {
		return nil
	}
	s.headed = true
	return s.record(s.rows.Header())
}

func (s *streamSink) record(record []byte) error {
	if len(record) == 0 {
		return nil
	}
	_, err := s.w.Write(record)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE):
		err = &explain.Error{Code: explain.Unavailable, Err: err, Reported: true} // the reader has all it wants
	default:
		err = explain.InFile(s.name, err)
	}
	s.lost.err = err
	return err
}

func (s *streamSink) ends(it *item, err error) { s.skipped(it, err) }

func (s *streamSink) skipped(it *item, err error) {
	s.gap, s.why = append(s.gap, it), append(s.why, err)
}

func (s *streamSink) late(it *item, id string) {
	for i, missed := range s.gap {
		if s.lost.err != nil {
			break
		}
		_ = s.write(missed, s.result(missed, "", s.why[i])) // its failure is kept
	}
	s.gap, s.why = nil, nil
	if s.lost.err == nil && s.write(it, s.result(it, id, nil)) == nil {
		return
	}
	s.lost.add(it.id, id)
}

func (s *streamSink) progress() (done, total int64, what func(int64) lang.Text) {
	return s.done.Load(), s.total, explain.Rows[int64]
}
