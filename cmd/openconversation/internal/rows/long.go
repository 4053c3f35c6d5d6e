package rows

import "bytes"

// shortener shortens an overlong record to the cells or fields that fit. Its memory is bounded.
type shortener interface {
	add(part []byte)
	record() []byte
}

func newShortener(separator byte, objects bool, limit int) shortener {
	switch {
	case separator != 0:
		return &shortTable{quotes: quotes{separator: separator, start: true}, limit: limit}
	case objects:
		return &shortObject{limit: limit}
	default:
		return shortLine{}
	}
}

// shortLine drops an overlong line, which cannot be an id.
type shortLine struct{}

func (shortLine) add([]byte)     {}
func (shortLine) record() []byte { return nil }

// shortTable empties cells that do not fit.
type shortTable struct {
	quotes quotes
	limit  int
	out    []byte
	cell   int  // start of the cell in out
	over   bool // the cell does not fit
}

func (s *shortTable) add(part []byte) {
	for _, b := range part {
		s.quotes.step(b)
		ends := b == s.quotes.separator && !s.quotes.inside && !s.quotes.closed
		switch {
		case ends:
			if len(s.out) >= s.limit {
				s.out = s.out[:s.cell]
			}
			if len(s.out) < s.limit { // or the record has more columns than any table
				s.out = append(s.out, b)
				s.cell, s.over = len(s.out), false
			}
		case s.over:
		case len(s.out) >= s.limit:
			s.out, s.over = s.out[:s.cell], true
		default:
			s.out = append(s.out, b)
		}
	}
}

func (s *shortTable) record() []byte { return s.out }

// shortObject omits fields that do not fit.
type shortObject struct {
	limit   int
	out     []byte
	field   int // start of the field in out, with the comma before it
	over    bool
	depth   int
	inText  bool
	escaped bool
}

func (s *shortObject) add(part []byte) {
	for _, b := range part {
		ends := false
		switch {
		case s.inText:
			s.inText = s.escaped || b != '"'
			s.escaped = b == '\\' && !s.escaped
		case b == '"':
			s.inText = true
		case b == '{' || b == '[':
			s.depth++
		case b == '}' || b == ']':
			s.depth--
			ends = s.depth == 0
		case b == ',':
			ends = s.depth == 1
		}
		if ends {
			s.field, s.over = len(s.out), false
		}
		switch {
		case ends && s.depth == 0:
			s.out = append(s.out, b)
		case s.over:
		case len(s.out) >= s.limit:
			s.out, s.over = s.out[:s.field], true
		default:
			s.out = append(s.out, b)
		}
		if b == '{' && s.depth == 1 && !s.inText {
			s.field = len(s.out)
		}
	}
}

// record returns the object, without the comma of an omitted first field.
func (s *shortObject) record() []byte {
	body, is := bytes.CutPrefix(bytes.TrimSpace(s.out), []byte("{"))
	if !is {
		return s.out
	}
	return append([]byte("{"), bytes.TrimPrefix(bytes.TrimSpace(body), []byte(","))...)
}
