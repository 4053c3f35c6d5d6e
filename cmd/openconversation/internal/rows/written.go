package rows

import (
	"bytes"
	"errors"
	"io"
)

// Written reads back what Header and Finish wrote, to where the last whole record ends.
type Written struct {
	in   *Reader
	list *lines
	rec  record
	end  int64
}

// Written opens an output, or a journal, of the rows of r. An *Error says that it begins otherwise than they would; one
// that ends within its header counts as empty.
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
			want = nil // there is no more
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

// atEnd reports whether nothing follows.
func (w *Written) atEnd() bool {
	_, err := w.list.text.in.Peek(1)
	return errors.Is(err, io.EOF)
}

var errOtherHeader = broken(1, "its header is not what the input gives")

// Next reads the next whole record. The error after the last is io.EOF, also where a torn one follows.
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

// Result is what the record says of the row that begins with start. ok is false if it is another row's.
func (w *Written) Result(start []byte) (result Result, ok bool) { return w.in.parse(w.rec.Raw, start) }

// End is where the last whole record ends. What stands after it is torn, or is not what Finish writes.
func (w *Written) End() int64 { return w.end }

// Line is the line of the record, from 1.
func (w *Written) Line() int { return w.rec.Line }
