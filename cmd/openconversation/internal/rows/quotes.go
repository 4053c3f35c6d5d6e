package rows

import "bytes"

// quotes tracks the quotes of a table's record: a quote opens only at the start of a cell.
type quotes struct {
	separator byte
	inside    bool // a line end belongs to the cell
	start     bool // the next byte is the first of a cell
	closed    bool // the last byte was a closing quote, unless another follows
}

func (q *quotes) follow(part []byte) {
	if !q.inside && !q.closed && bytes.IndexByte(part, '"') < 0 {
		q.start = len(part) > 0 && part[len(part)-1] == q.separator || len(part) == 0 && q.start
		return
	}
	for _, b := range part {
		q.step(b)
	}
}

func (q *quotes) step(b byte) {
	switch {
	case q.inside:
		if b == '"' {
			q.inside, q.closed = false, true
		}
		q.start = false
	case b == '"' && (q.start || q.closed):
		q.inside, q.start, q.closed = true, false, false
	default:
		q.start, q.closed = b == q.separator, false
	}
}
