package rows

import (
	"errors"
	"fmt"
	"io"
	"strings"

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

// encodingOf guesses the encoding of a stream from its start. If the rest does not fit, reading fails.
func encodingOf(start []byte) Encoding {
	if _, _, err := charset.Decode(UTF8, nil, start); err == nil {
		return UTF8
	}
	if _, _, err := charset.Decode(GB18030, nil, start); err == nil {
		return GB18030
	}
	return UTF8
}

// startEncoding returns the encoding of a file's start, ignoring options.
func startEncoding(start []byte) (e Encoding, marked bool) {
	if e, marked := charset.Marked(start); marked {
		return e, true
	}
	return encodingOf(start), false
}

// undecodable makes the error of text that cannot be decoded.
func undecodable(line int, offset int64, bad byte, e Encoding) error {
	if e == UTF8 {
		return settled(PartEncoding, line, "the byte 0x%02X at offset %d of the file is not UTF-8; save it as UTF-8, or name its encoding", bad, offset)
	}
	return settled(PartEncoding, line, "the byte 0x%02X at offset %d of the file is not %s; save it as UTF-8, or name its encoding", bad, offset, e.Title())
}

func codePoint(r rune) string { return fmt.Sprintf(`\u{%X}`, r) }

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
	e, _, err := charset.Detect(r)
	var place *charset.PlaceError
	if errors.As(err, &place) {
		return "", settled(PartEncoding, place.Line, "the byte 0x%02X at offset %d of the file is neither UTF-8 nor GB18030 nor Big5; save it as UTF-8, or name its encoding", place.Byte, place.Offset)
	}
	return e, err
}
