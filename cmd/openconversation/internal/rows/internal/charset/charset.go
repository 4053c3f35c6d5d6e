// Package charset decodes and encodes the encodings that files of text have, strictly: what cannot be decoded is an
// error with its place, and what cannot be encoded is one too.
package charset

import (
	"bytes"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Encoding is how a file's text is held in bytes.
type Encoding string

// The encodings.
const (
	UTF8    Encoding = "utf-8"
	UTF8BOM Encoding = "utf-8-bom" // the same, with a byte order mark; spreadsheets need it
	UTF16LE Encoding = "utf-16le"  // little end first
	UTF16BE Encoding = "utf-16be"
	GB18030 Encoding = "gb18030"
	GBK     Encoding = "gbk" // what Chinese Windows calls ANSI, code page 936
)

// All are all encodings.
var All = []Encoding{UTF8, UTF8BOM, UTF16LE, UTF16BE, GB18030, GBK}

var aliases = map[string]Encoding{
	"utf8": UTF8, "utf8bom": UTF8BOM, "utf8sig": UTF8BOM, "utf16": UTF16LE, "utf16le": UTF16LE, "utf16be": UTF16BE,
	"unicode": UTF16LE, "gb18030": GB18030, "gbk": GBK, "gb2312": GBK, "cp936": GBK, "ansi": GBK,
}

// Parse knows an encoding by any of its usual names.
func Parse(name string) (Encoding, bool) {
	e, known := aliases[strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))]
	return e, known
}

// Title is what a sentence calls the encoding.
func (e Encoding) Title() string {
	if e == UTF8BOM {
		return "UTF-8"
	}
	return strings.NewReplacer("LE", " LE", "BE", " BE").Replace(strings.ToUpper(string(e)))
}

// Width is how many bytes the smallest character takes.
func (e Encoding) Width() int {
	if e == UTF16LE || e == UTF16BE {
		return 2
	}
	return 1
}

// Plain reports whether the bytes are UTF-8, and so the text itself.
func (e Encoding) Plain() bool { return e == UTF8 || e == UTF8BOM }

// Mark is the byte order mark of the encoding; nil if it has none.
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

// Marked is the encoding whose byte order mark a file begins with.
func Marked(start []byte) (e Encoding, marked bool) {
	for _, e := range []Encoding{UTF8, UTF16LE, UTF16BE} {
		if bytes.HasPrefix(start, e.Mark()) {
			return e, true
		}
	}
	return "", false
}

// Error is a place that cannot be decoded.
type Error struct {
	Encoding Encoding
	Offset   int // of the first byte, from the beginning of what was to be decoded
	Byte     byte
}

func (e *Error) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e *Error) Say(l lang.Language) string {
	return l.Sprintf("the byte 0x%02X at offset %d is not %s", e.Byte, e.Offset, e.Encoding.Title())
}

// Decode appends the text of src to dst. rest is how many bytes at the end of src are the beginning of a character
// whose end is not there.
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

// Valid is as much of src as is UTF-8. rest is as Decode has it.
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

// cut8 is how many bytes at the end of src begin a character of UTF-8 that is not whole.
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

// Encode appends text, which is UTF-8, to dst. What the encoding lacks is written as escape makes it; without an escape
// it is an error, whose Rune is the first such character.
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

// LacksError is a character that an encoding cannot hold.
type LacksError struct {
	Encoding Encoding
	Rune     rune
}

func (e *LacksError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e *LacksError) Say(l lang.Language) string {
	return l.Sprintf("%s has no character U+%04X", e.Encoding.Title(), e.Rune)
}
