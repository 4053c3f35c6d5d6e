package rows

import (
	"bytes"
	"errors"
	"io"
)

// Written reads back the output of Header and Finish, up to the last whole record.
type Written struct {
	in   *Reader
	list *lines
	rec  record
	end  int64
}

// Written opens an output or a journal of r's rows. It returns an *Error if the start differs. A file that ends within
// its header counts as empty.
func (r *Reader) Written(out io.Reader) (*Written, error) {
	t := newText(out)
	w := &Written{in: r, list: &lines{text: t, separator: r.separator, limit: maxWritten}}
	if !r.Journaled() {
		t.encoding = r.coding.out
	}
	want := r.head
	if mark := r.mark(); len(mark) > 0 {
		start, err := t.in.Peek(len(mark))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !bytes.HasPrefix(mark, start) {
			return nil, errOtherHeader
		}
		if t.skip(len(start)); len(start) < len(mark) {
			want = nil // the file ends within the mark
			t.offset = 0
		}
	}
	for len(want) > 0 {
		part, ended, err := t.part()
		var torn *decodeError
		if errors.Is(err, io.EOF) && bytes.HasPrefix(want, part) || errors.As(err, &torn) && w.atEnd() {
			t.offset = 0
			return w, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !bytes.HasPrefix(want, part) || ended && len(part) != bytes.IndexByte(want, '\n')+1 {
			return nil, errOtherHeader
		}
		if want = want[len(part):]; ended {
			w.list.line++
		}
	}
	w.end = t.offset
	return w, nil
}

// atEnd reports whether the file ends here.
func (w *Written) atEnd() bool {
	_, err := w.list.text.in.Peek(1)
	return errors.Is(err, io.EOF)
}

var errOtherHeader = broken(1, "its header is not what the input gives")

// Next reads the next whole record. The error after the last is io.EOF, even if an incomplete one follows.
func (w *Written) Next() error {
	rec, err := w.list.next()
	if err == nil && (rec.Open || !rec.Complete) {
		return io.EOF
	}
	var torn *decodeError
	if errors.As(err, &torn) {
		if w.atEnd() { // within a character
			return io.EOF
		}
		return undecodable(rec.Line, torn.offset, torn.bad, w.list.text.encoding)
	}
	if err == nil {
		w.rec, w.end = rec, rec.End
	}
	return err
}

// Result returns the record's result for the row with this start. ok is false if the record is another row's.
func (w *Written) Result(start []byte) (result Result, ok bool) { return w.in.parse(w.rec.Raw, start) }

// End returns the end of the last whole record. The rest is incomplete or was not written by Finish.
func (w *Written) End() int64 { return w.end }

// Line returns the record's line, from 1.
func (w *Written) Line() int { return w.rec.Line }
