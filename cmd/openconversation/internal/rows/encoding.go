package rows

import (
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

// undecodable says where a text cannot be decoded.
func undecodable(line int, offset int64, bad byte, e Encoding) error {
	if e == UTF8 {
		return settled(PartEncoding, line, "the byte 0x%02X at offset %d of the file is not UTF-8; save it as UTF-8, or name its encoding", bad, offset)
	}
	return settled(PartEncoding, line, "the byte 0x%02X at offset %d of the file is not %s; save it as UTF-8, or name its encoding", bad, offset, e.Title())
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
