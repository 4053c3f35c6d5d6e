package rows

import (
	"errors"
	"io"
)

// elements splits the text of a JSON array into its objects. MaxRecord bounds its memory.
type elements struct {
	text  *text
	line  int
	rest  []byte // rest of the last part
	last  bool   // no more parts
	state arrayState
	count int
}

type arrayState int

const (
	beforeArray arrayState = iota
	beforeFirst            // an object or the end
	beforeNext             // an object
	afterObject            // a comma or the end
	afterArray
)

func (e *elements) next() (record, error) {
	for {
		b, err := e.peek()
		if errors.Is(err, io.EOF) && (e.state == afterArray || e.state == beforeArray) {
			return record{Line: e.line + 1}, io.EOF
		}
		at := record{Line: e.line + 1, Start: e.text.offset - int64(len(e.rest))}
		switch {
		case errors.Is(err, io.EOF):
			return at, broken(at.Line, "the file ends within its JSON array")
		case err != nil:
			return at, err
		case b == ' ' || b == '\t' || b == '\r' || b == '\n':
		case e.state == beforeArray && b == '[':
			e.state = beforeFirst
		case (e.state == beforeFirst || e.state == afterObject) && b == ']':
			e.state = afterArray
		case e.state == afterObject && b == ',':
			e.state = beforeNext
		case (e.state == beforeFirst || e.state == beforeNext) && b == '{':
			e.state = afterObject
			return e.object(at)
		case e.state == beforeArray && b == '{':
			return at, settled(PartFormat, at.Line, "it is no JSON array but an object; if it holds one object a line, it is JSON Lines")
		case e.state == beforeFirst || e.state == beforeNext:
			return at, broken(at.Line, "element %d of its JSON array is no object", e.count+1)
		default:
			return at, broken(at.Line, "this is no JSON array of objects: unexpected %q", b)
		}
		e.step()
	}
}

// peek returns the next byte.
func (e *elements) peek() (byte, error) {
	for len(e.rest) == 0 {
		if e.last {
			return 0, io.EOF
		}
		part, _, err := e.text.part()
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		e.rest, e.last = part, err != nil
	}
	return e.rest[0], nil
}

func (e *elements) step() {
	if e.rest[0] == '\n' {
		e.line++
	}
	e.rest = e.rest[1:]
}

// object reads an object to its end.
func (e *elements) object(rec record) (record, error) {
	e.count++
	var out []byte
	depth, inText, escaped := 0, false, false
	for {
		if _, err := e.peek(); errors.Is(err, io.EOF) {
			return rec, broken(rec.Line, "the file ends within its JSON array")
		} else if err != nil {
			rec.Line = e.line + 1
			return rec, err
		}
		n, done := 0, false
		for n < len(e.rest) && !done {
			b := e.rest[n]
			n++
			switch {
			case b == '\n':
				e.line++
				escaped = false
			case inText:
				inText = escaped || b != '"'
				escaped = b == '\\' && !escaped
			case b == '"':
				inText = true
			case b == '{' || b == '[':
				depth++
			case b == '}' || b == ']':
				depth--
				done = depth == 0
			}
		}
		part := e.rest[:n]
		e.rest = e.rest[n:]
		if out = append(out, part...); len(out) > MaxRecord {
			return rec, broken(rec.Line, "it is longer than 1 MiB")
		}
		if done {
			rec.Raw = out
			return rec, nil
		}
	}
}
