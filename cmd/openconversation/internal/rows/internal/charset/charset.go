// Package charset decodes and encodes the encodings of text files strictly: undecodable bytes are an error with their
// place, as are characters that the encoding lacks.
package charset

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Encoding is a text encoding.
type Encoding string

// The encodings.
const (
	UTF8    Encoding = "utf-8"
	UTF8BOM Encoding = "utf-8-bom" // the same, with a byte order mark; spreadsheets need it
	UTF16LE Encoding = "utf-16le"  // little-endian
	UTF16BE Encoding = "utf-16be"
	GB18030 Encoding = "gb18030"
	GBK     Encoding = "gbk" // "ANSI" of Chinese Windows, code page 936
)

// All lists all encodings.
var All = []Encoding{UTF8, UTF8BOM, UTF16LE, UTF16BE, GB18030, GBK}

var aliases = map[string]Encoding{
	"utf8": UTF8, "utf8bom": UTF8BOM, "utf8sig": UTF8BOM, "utf16": UTF16LE, "utf16le": UTF16LE, "utf16be": UTF16BE,
	"unicode": UTF16LE, "gb18030": GB18030, "gbk": GBK, "gb2312": GBK, "cp936": GBK, "ansi": GBK,
}

// Parse parses any usual name of an encoding.
func Parse(name string) (Encoding, bool) {
	e, known := aliases[strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))]
	return e, known
}

// Title returns the encoding's name in a sentence.
func (e Encoding) Title() string {
	if e == UTF8BOM {
		return "UTF-8"
	}
	return strings.NewReplacer("LE", " LE", "BE", " BE").Replace(strings.ToUpper(string(e)))
}

// Width returns the size of the smallest character in bytes.
func (e Encoding) Width() int {
	if e == UTF16LE || e == UTF16BE {
		return 2
	}
	return 1
}

// Plain reports whether the encoding is UTF-8.
func (e Encoding) Plain() bool { return e == UTF8 || e == UTF8BOM }

// Mark returns the encoding's byte order mark, or nil.
func (e Encoding) Mark() []byte {
	switch e {
	case UTF8, UTF8BOM:
		return []byte("\uFEFF")
	case UTF16LE:
		return []byte("\xff\xfe")
	case UTF16BE:
		return []byte("\xfe\xff")
	default:
		return nil
	}
}

// Marked returns the encoding of the byte order mark at a file's start.
func Marked(start []byte) (e Encoding, marked bool) {
	for _, e := range []Encoding{UTF8, UTF16LE, UTF16BE} {
		if bytes.HasPrefix(start, e.Mark()) {
			return e, true
		}
	}
	return "", false
}

// Error is the place of an undecodable byte.
type Error struct {
	Encoding Encoding
	Offset   int // of the byte, from the start of the input
	Byte     byte
}

func (e *Error) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e *Error) Say(l lang.Language) string {
	return l.Sprintf("the byte 0x%02X at offset %d is not %s", e.Byte, e.Offset, e.Encoding.Title())
}

// Decode appends the text of src to dst. rest is the number of bytes of an incomplete character at the end of src.
func Decode(e Encoding, dst, src []byte) (text []byte, rest int, err error) {
	switch e {
	case UTF16LE, UTF16BE:
		return decode16(e, dst, src)
	case GB18030, GBK:
		return decodeGB(e, dst, src)
	}
	whole, rest, err := Valid(src)
	return append(dst, whole...), rest, err
}

// Valid returns the part of src that is whole UTF-8. rest is as in Decode.
func Valid(src []byte) (whole []byte, rest int, err error) {
	whole = src[:len(src)-cut8(src)]
	if utf8.Valid(whole) {
		return whole, len(src) - len(whole), nil
	}
	at := 0
	for {
		r, n := utf8.DecodeRune(whole[at:])
		if r == utf8.RuneError && n == 1 {
			return whole[:at], 0, &Error{UTF8, at, whole[at]}
		}
		at += n
	}
}

// cut8 returns the number of bytes of an incomplete UTF-8 character at the end of src.
func cut8(src []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(src)); n++ {
		if tail := src[len(src)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

func decode16(e Encoding, dst, src []byte) ([]byte, int, error) {
	unit := func(i int) rune {
		if e == UTF16LE {
			return rune(src[i]) | rune(src[i+1])<<8
		}
		return rune(src[i])<<8 | rune(src[i+1])
	}
	for i := 0; i < len(src); {
		if i+2 > len(src) {
			return dst, len(src) - i, nil
		}
		r, n := unit(i), 2
		if utf16.IsSurrogate(r) {
			if r < 0xDC00 && i+4 > len(src) {
				return dst, len(src) - i, nil
			}
			if r < 0xDC00 {
				r, n = utf16.DecodeRune(r, unit(i+2)), 4
			}
			if n == 2 || r == utf8.RuneError {
				return dst, 0, &Error{e, i, src[i]}
			}
		}
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst, 0, nil
}

// Encode appends text, which is UTF-8, to dst. escape replaces characters that the encoding lacks. Without escape, the
// first such character is an error with its Rune.
func Encode(e Encoding, dst, text []byte, escape func(r rune) string) ([]byte, error) {
	switch e {
	case UTF16LE, UTF16BE:
		for _, unit := range utf16.Encode([]rune(string(text))) {
			if e == UTF16LE {
				dst = append(dst, byte(unit), byte(unit>>8))
			} else {
				dst = append(dst, byte(unit>>8), byte(unit))
			}
		}
		return dst, nil
	case GB18030, GBK:
		return encodeGB(e, dst, text, escape)
	default:
		return append(dst, text...), nil
	}
}

// LacksError is a character that an encoding lacks.
type LacksError struct {
	Encoding Encoding
	Rune     rune
}

func (e *LacksError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e *LacksError) Say(l lang.Language) string {
	return l.Sprintf("%s has no character U+%04X", e.Encoding.Title(), e.Rune)
}
