package rows

import (
	"bytes"
	"errors"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// coding is the encodings of an input and its output.
type coding struct {
	in, out   Encoding
	inMarked  bool // it begins with a byte order mark
	outMarked bool
}

// chooseCoding settles the encodings, from what is named and what the input begins with. mark is how long its byte
// order mark is.
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

// placed gives an error of reading a record its place.
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

// check says what of a record cannot be read, or cannot be written back.
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
	if c.out != GBK || c.in == GBK {
		return nil
	}
	var lacks *charset.LacksError
	if _, err := charset.Encode(GBK, nil, rec.Raw, nil); errors.As(err, &lacks) {
		return settled(PartOutput, rec.Line, "%w; write GB18030 or UTF-8", lacks)
	}
	return nil
}

// encode is text as the output has it. Of the input nothing is missing in its encoding, or Read would have said so; in
// what is appended, a character that is missing is written as its code point.
func (c coding) encode(text []byte) []byte {
	if c.out.Plain() {
		return text
	}
	out, _ := charset.Encode(c.out, make([]byte, 0, 2*len(text)), text, codePoint) // which an escape cannot fail
	return out
}
