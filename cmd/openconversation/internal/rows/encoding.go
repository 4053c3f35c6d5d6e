package rows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// Encoding is a text encoding.
type Encoding = charset.Encoding

// The encodings. GBK and GB18030 have two codes for the full-width space and for the euro sign; the output may use the
// other one. Everything else is written as it was read.
const (
	UTF8    = charset.UTF8
	UTF8BOM = charset.UTF8BOM
	UTF16LE = charset.UTF16LE
	UTF16BE = charset.UTF16BE
	GB18030 = charset.GB18030
	GBK     = charset.GBK
	Big5    = charset.Big5
)

// Encodings lists all encodings.
var Encodings = charset.All

// ParseEncoding parses any usual name of an encoding, such as UTF-8, utf_16, GB2312 or cp936.
func ParseEncoding(name string) (Encoding, bool) { return charset.Parse(name) }

// startEncoding guesses the encoding of a stream from its start. If the rest does not fit, reading fails.
func startEncoding(start []byte) (e Encoding, marked bool) {
	if e, marked := charset.Marked(start); marked {
		return e, true
	}
	for _, e := range []Encoding{UTF8, GB18030} {
		if _, _, err := charset.Decode(e, nil, start); err == nil {
			return e, false
		}
	}
	return UTF8, false
}

// decodedStart decodes the start of a file, up to an incomplete character.
func decodedStart(start []byte) string {
	e, marked := startEncoding(start)
	if marked {
		start = start[len(e.Mark()):]
	}
	text, _, _ := charset.Decode(e, nil, start) // errors come again when the text is read
	return strings.TrimPrefix(string(text), "\uFEFF")
}

// detectEncoding reads a file through.
func detectEncoding(r io.ReadSeeker) (Encoding, error) {
	e, err := charset.Detect(r)
	var place *charset.PlaceError
	if errors.As(err, &place) {
		return "", settled(PartEncoding, place.Line, "the byte 0x%02X at offset %d of the file is neither UTF-8 nor GB18030 nor Big5; save it as UTF-8, or name its encoding", place.Byte, place.Offset)
	}
	return e, err
}

// coding holds the encodings of an input and its output.
type coding struct {
	in, out   Encoding
	inMarked  bool // the input begins with a byte order mark
	outMarked bool
}

// decoded decides the encodings by the given names and the start of the input, and decodes the input.
func (c *coding) decoded(in *bufio.Reader, start []byte, named, out Encoding) (*bufio.Reader, error) {
	if named == UTF8BOM {
		named = UTF8
	}
	found, marked := startEncoding(start)
	mark := 0
	switch {
	case marked && named != "" && named != found:
		return nil, settled(PartEncoding, 0, "it begins with the byte order mark of %s, and %s is named", found.Title(), named.Title())
	case marked:
		mark = len(found.Mark())
	case named != "":
		found = named
	}
	*c = coding{in: found, inMarked: marked, out: out, outMarked: out == UTF8BOM || out.Width() > 1}
	if out == "" {
		c.out, c.outMarked = found, marked
	}
	_, _ = in.Discard(mark) // it was peeked
	return bufio.NewReaderSize(charset.NewReader(in, found, mark), 64<<10), nil
}

// placed adds a place to an error of reading a record.
func placed(line int, err error) error {
	var bad *charset.PlaceError
	var wrong *Error
	switch {
	case errors.As(err, &bad):
		return settled(PartEncoding, bad.Line, "the byte 0x%02X at offset %d of the file is not %s; save it as UTF-8, or name its encoding", bad.Byte, bad.Offset, bad.Encoding.Title())
	case errors.As(err, &wrong), errors.Is(err, io.EOF):
		return err
	}
	return lang.Errorf("line %d: %w", line, err)
}

// check returns an error if a record is no text, or cannot be encoded for the output.
func (c coding) check(rec record) error {
	if bytes.IndexByte(rec.Raw, 0) >= 0 {
		return settled(PartEncoding, rec.Line, "it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding")
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
	out, _ := charset.Encode(c.out, make([]byte, 0, 2*len(text)), text, func(r rune) string { return fmt.Sprintf(`\u{%X}`, r) }) // cannot fail with an escape
	return out
}
