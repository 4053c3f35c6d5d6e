package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// Encoding is how a file's text is held in bytes.
type Encoding = charset.Encoding

// The encodings. The characters of GBK and GB18030 that have two codes, the full-width blank and the euro sign, may be
// written with the other; everything else is written as it was read.
const (
	UTF8    = charset.UTF8
	UTF8BOM = charset.UTF8BOM
	UTF16LE = charset.UTF16LE
	UTF16BE = charset.UTF16BE
	GB18030 = charset.GB18030
	GBK     = charset.GBK
)

// Encodings are all encodings.
var Encodings = charset.All

// ParseEncoding knows an encoding by any of its usual names, such as UTF-8, utf_16, GB2312 or cp936.
func ParseEncoding(name string) (Encoding, bool) { return charset.Parse(name) }

// encodingOf is what the beginning of a stream says of its encoding. The rest may prove it wrong, and is an error then.
func encodingOf(start []byte) Encoding {
	if _, _, err := charset.Decode(UTF8, nil, start); err == nil {
		return UTF8
	}
	if _, _, err := charset.Decode(GB18030, nil, start); err == nil {
		return GB18030
	}
	return UTF8
}

// startEncoding is the encoding that a file begins with, without asking what was named.
func startEncoding(start []byte) (e Encoding, marked bool) {
	if e, marked := charset.Marked(start); marked {
		return e, true
	}
	return encodingOf(start), false
}

// chooseEncoding settles the encodings of input and output, and says how long the byte order mark is.
func (r *Reader) chooseEncoding(start []byte) (mark int, err error) {
	named := r.o.Encoding
	if named == UTF8BOM {
		named = UTF8
	}
	found, marked := startEncoding(start)
	switch {
	case marked && named != "" && named != found:
		return 0, settled(PartEncoding, 0, "it begins with the byte order mark of %s, and %s is named", found.Title(), named.Title())
	case marked:
		r.found.Mark, mark = true, len(found.Mark())
	case named != "":
		found = named
	}
	r.o.Encoding, r.found.Encoding = found, found
	r.marked = r.found.Mark
	switch out := r.o.OutputEncoding; out {
	case "":
		r.o.OutputEncoding = found
	default:
		r.marked = out == UTF8BOM || out.Width() > 1
	}
	return mark, nil
}

// undecodable says where a text cannot be decoded.
func undecodable(line int, offset int64, bad byte, e Encoding) error {
	if e == UTF8 {
		return settled(PartEncoding, line, "the byte 0x%02X at offset %d of the file is not UTF-8; save it as UTF-8, or name its encoding", bad, offset)
	}
	return settled(PartEncoding, line, "the byte 0x%02X at offset %d of the file is not %s; save it as UTF-8, or name its encoding", bad, offset, e.Title())
}

// placed gives an error of reading a record its place.
func (r *Reader) placed(rec record, err error) error {
	var bad *decodeError
	var wrong *Error
	switch {
	case errors.As(err, &bad):
		return undecodable(rec.Line, bad.offset, bad.bad, r.o.Encoding)
	case errors.As(err, &wrong):
		return err
	}
	return fmt.Errorf("line %d: %w", rec.Line, err)
}

// checkEncoding says what of a record cannot be read, or cannot be written back.
func (r *Reader) checkEncoding(rec record) error {
	if bytes.IndexByte(rec.Raw, 0) >= 0 {
		return settled(PartEncoding, rec.Line, "it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding")
	}
	if r.o.Encoding == UTF8 {
		if whole, rest, err := charset.Valid(rec.Raw); err != nil || rest > 0 {
			at := len(whole)
			return undecodable(rec.Line+bytes.Count(whole, []byte("\n")), rec.Start+int64(at), rec.Raw[at], UTF8)
		}
	}
	if r.o.OutputEncoding != GBK || r.o.Encoding == GBK {
		return nil
	}
	var lacks *charset.LacksError
	if _, err := charset.Encode(GBK, nil, rec.Raw, nil); errors.As(err, &lacks) {
		return settled(PartOutput, rec.Line, "%v; write GB18030 or UTF-8", lacks)
	}
	return nil
}

// encode is text as the output has it. Of the input nothing is missing in its encoding, or Read would have said so; in
// what is appended, a character that is missing is written as its code point.
func (r *Reader) encode(text []byte) []byte {
	if r.Journaled() || r.o.OutputEncoding.Plain() {
		return text
	}
	out, _ := charset.Encode(r.o.OutputEncoding, make([]byte, 0, 2*len(text)), text, codePoint) // which an escape cannot fail
	return out
}

func codePoint(r rune) string { return fmt.Sprintf(`\u{%X}`, r) }

// decodedStart is the text of what a file begins with, as far as it is whole.
func decodedStart(start []byte) string {
	e, marked := startEncoding(start)
	if marked {
		start = start[len(e.Mark()):]
	}
	text, _, _ := charset.Decode(e, nil, start) // what cannot be decoded is told when it is read
	return strings.TrimPrefix(string(text), "\uFEFF")
}

// detectEncoding reads a file through.
func detectEncoding(r io.ReadSeeker) (Encoding, error) {
	e, _, err := charset.Detect(r)
	var place *charset.PlaceError
	if errors.As(err, &place) {
		return "", settled(PartEncoding, place.Line, "the byte 0x%02X at offset %d of the file is neither UTF-8 nor GB18030; save it as UTF-8, or name its encoding", place.Byte, place.Offset)
	}
	return e, err
}
