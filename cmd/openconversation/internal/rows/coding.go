package rows

import (
	"bytes"
	"errors"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// coding holds the encodings of an input and its output.
type coding struct {
	in, out   Encoding
	inMarked  bool // the input begins with a byte order mark
	outMarked bool
}

// chooseCoding decides the encodings by the given names and the start of the input. mark is the length of its byte
// order mark.
func chooseCoding(start []byte, named, out Encoding) (c coding, mark int, err error) {
	if named == UTF8BOM {
		named = UTF8
	}
	found, marked := startEncoding(start)
	switch {
	case marked && named != "" && named != found:
		return c, 0, settled(PartEncoding, 0, "it begins with the byte order mark of %s, and %s is named", found.Title(), named.Title())
	case marked:
		mark = len(found.Mark())
	case named != "":
		found = named
	}
	c = coding{in: found, inMarked: marked, out: out, outMarked: out == UTF8BOM || out.Width() > 1}
	if out == "" {
		c.out, c.outMarked = found, marked
	}
	return c, mark, nil
}

// placed adds a place to an error of reading a record.
func (c coding) placed(rec record, err error) error {
	var bad *decodeError
	var wrong *Error
	switch {
	case errors.As(err, &bad):
		return undecodable(rec.Line, bad.offset, bad.bad, c.in)
	case errors.As(err, &wrong):
		return err
	}
	return lang.Errorf("line %d: %w", rec.Line, err)
}

// check returns an error if a record cannot be decoded, or not encoded for the output.
func (c coding) check(rec record) error {
	if bytes.IndexByte(rec.Raw, 0) >= 0 {
		return settled(PartEncoding, rec.Line, "it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding")
	}
	if c.in == UTF8 {
		if whole, rest, err := charset.Valid(rec.Raw); err != nil || rest > 0 {
			at := len(whole)
			return undecodable(rec.Line+bytes.Count(whole, []byte("\n")), rec.Start+int64(at), rec.Raw[at], UTF8)
		}
	}
	if c.out != GBK && c.out != Big5 || c.in == c.out {
		return nil
	}
	var lacks *charset.LacksError
	if _, err := charset.Encode(c.out, nil, rec.Raw, nil); errors.As(err, &lacks) {
		return settled(PartOutput, rec.Line, "%s has no character U+%04X; write GB18030 or UTF-8", lacks.Encoding.Title(), lacks.Rune)
	}
	return nil
}

// encode encodes text for the output. Read has checked that the encoding has every character of the input. In appended
// text, it replaces a missing character by its code point.
func (c coding) encode(text []byte) []byte {
	if c.out.Plain() {
		return text
	}
	out, _ := charset.Encode(c.out, make([]byte, 0, 2*len(text)), text, codePoint) // cannot fail with an escape
	return out
}
