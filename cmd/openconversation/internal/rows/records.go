package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// MaxRecord is how long a record may be, in bytes. Of a longer one nothing is kept.
const MaxRecord = 1 << 20

// Record is what one row takes in a file: a line, or several where quotes hold a table's line ends.
type Record struct {
	Raw      []byte // without the line end; valid until the next record is read
	Line     int    // where it begins, from 1
	Start    int64  // offset of its first byte
	End      int64  // offset behind its line end
	TooLong  bool   // it is longer than it may be, and Raw is empty
	Complete bool   // it has a line end, and no quote is open
	Open     bool   // the file ends within quotes
	CRLF     bool   // its line end is CR LF
}

// Records splits a file into records. Its memory is bounded, whatever the file holds.
type Records struct {
	in     *bufio.Reader
	comma  byte // of a table; 0 for plain lines
	limit  int
	line   int
	offset int64
	buf    []byte
}

// NewRecords reads records of a format, each of up to limit bytes.
func NewRecords(r io.Reader, format Format, limit int) *Records {
	return &Records{in: bufio.NewReaderSize(r, 256<<10), comma: format.comma(), limit: limit}
}

// Next reads a record. The error after the last is io.EOF.
func (r *Records) Next() (Record, error) {
	rec := Record{Line: r.line + 1, Start: r.offset}
	q := quotes{comma: r.comma, start: true}
	r.buf = r.buf[:0]
	direct := true // Raw is still a part of the reader's own buffer
	for {
		part, err := r.in.ReadSlice('\n')
		r.offset += int64(len(part))
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return rec, err
		}
		if errors.Is(err, io.EOF) && r.offset == rec.Start {
			return rec, io.EOF
		}
		if r.comma != 0 {
			q.follow(part)
		}
		ended := err == nil
		if ended {
			r.line++
		}
		done := ended && !q.inside || errors.Is(err, io.EOF)
		switch {
		case done && direct && len(part) <= r.limit:
			rec.Raw = part
		case rec.TooLong || len(r.buf)+len(part) > r.limit+2: // a line end may come on top
			rec.TooLong = true
			r.buf = r.buf[:0]
		default:
			r.buf = append(r.buf, part...)
			rec.Raw = r.buf
		}
		direct = false
		if done {
			rec.End, rec.Complete, rec.Open = r.offset, ended, q.inside
			rec.CRLF = bytes.HasSuffix(part, []byte("\r\n"))
			rec.Raw = trimLineEnd(rec.Raw)
			if rec.TooLong || len(rec.Raw) > r.limit {
				rec.Raw, rec.TooLong = nil, true
			}
			return rec, nil
		}
	}
}

func trimLineEnd(raw []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
}

// quotes follows the quotes of a table's record: a quote opens a cell at its start only.
type quotes struct {
	comma  byte
	inside bool // a line end belongs to the cell
	start  bool // the next byte is the first of a cell
	closed bool // the last byte was a quote that closed, unless another follows
}

func (q *quotes) follow(part []byte) {
	if !q.inside && !q.closed && bytes.IndexByte(part, '"') < 0 {
		q.start = len(part) > 0 && part[len(part)-1] == q.comma
		return
	}
	for _, b := range part {
		switch {
		case q.inside:
			if b == '"' {
				q.inside, q.closed = false, true
			}
			q.start = false
		case b == '"' && (q.start || q.closed):
			q.inside, q.start, q.closed = true, false, false
		default:
			q.start, q.closed = b == q.comma, false
		}
	}
}
