// Package charset decodes and encodes the encodings of text files strictly: undecodable bytes are an error with their
// place, as are characters that the encoding lacks.
package charset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
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
	GBK     Encoding = "gbk"  // "ANSI" of Windows in simplified Chinese, code page 936
	Big5    Encoding = "big5" // "ANSI" of Windows in traditional Chinese, code page 950
)

// table describes the encodings.
var table = []struct {
	Encoding
	title, mark string
	codec       encoding.Encoding // nil: UTF-8
	aliases     string            // in lower case, without separators
}{
	{UTF8, "UTF-8", "\uFEFF", nil, "utf8"},
	{UTF8BOM, "UTF-8", "\uFEFF", nil, "utf8bom utf8sig"},
	{UTF16LE, "UTF-16 LE", "\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf16le utf16 unicode"},
	{UTF16BE, "UTF-16 BE", "\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf16be"},
	{GB18030, "GB18030", "", simplifiedchinese.GB18030, "gb18030"},
	{GBK, "GBK", "", simplifiedchinese.GBK, "gbk gb2312 cp936 ansi"},
	{Big5, "Big5", "", traditionalchinese.Big5, "big5 big5hkscs cp950"},
}

// All lists all encodings.
var All = []Encoding{UTF8, UTF8BOM, UTF16LE, UTF16BE, GB18030, GBK, Big5}

func (e Encoding) row() int { return max(slices.Index(All, e), 0) }

func (e Encoding) codec() encoding.Encoding { return table[e.row()].codec }

// Parse parses any usual name of an encoding.
func Parse(name string) (Encoding, bool) {
	name = strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	for _, row := range table {
		if slices.Contains(strings.Fields(row.aliases), name) {
			return row.Encoding, true
		}
	}
	return "", false
}

// Title returns the encoding's name in a sentence.
func (e Encoding) Title() string { return table[e.row()].title }

// Width returns the size of the smallest character in bytes.
func (e Encoding) Width() int {
	if e == UTF16LE || e == UTF16BE {
		return 2
	}
	return 1
}

// Plain reports whether the encoding is UTF-8.
func (e Encoding) Plain() bool { return e.codec() == nil }

// Mark returns the encoding's byte order mark, or nil.
func (e Encoding) Mark() []byte { return []byte(table[e.row()].mark) }

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

func (e *Error) Error() string {
	return fmt.Sprintf("the byte 0x%02X at offset %d is not %s", e.Byte, e.Offset, e.Encoding.Title())
}

// Decode appends the text of src to dst, up to what cannot be decoded, which is an *Error. rest is the number of bytes of
// an incomplete character at the end of src.
func Decode(e Encoding, dst, src []byte) (text []byte, rest int, err error) {
	if e.Plain() {
		return valid(dst, src)
	}
	decoder, at, from := e.codec().NewDecoder(), 0, len(dst)
	for more := transform.ErrShortDst; errors.Is(more, transform.ErrShortDst); {
		dst = append(dst, make([]byte, len(src)-at+utf8.UTFMax)...)
		var n, read int
		n, read, more = decoder.Transform(dst[from:], src[at:], false)
		dst, from, at = dst[:from+n], from+n, at+read
	}
	if !bytes.ContainsRune(dst, utf8.RuneError) {
		return dst, len(src) - at, nil
	}
	if bad := misread(e, src[:at]); bad != nil {
		before, err := e.codec().NewDecoder().Bytes(src[:bad.Offset])
		return before, 0, errors.Join(err, bad)
	}
	return dst, len(src) - at, nil
}

// misread finds the first undecodable byte of whole characters: the decoder put a replacement character in its place.
func misread(e Encoding, src []byte) *Error {
	replacement, _ := e.codec().NewEncoder().Bytes([]byte("\uFFFD")) // an error if the encoding lacks it
	decoder := e.codec().NewDecoder()
	for at := 0; at < len(src); {
		var char [utf8.UTFMax]byte // too short for two that are not ASCII
		n, read, _ := decoder.Transform(char[:], src[at:], false)
		bad := bytes.Index(char[:n], []byte("\uFFFD")) // what is before it is ASCII
		if place := at + max(bad, 0)*e.Width(); bad >= 0 && (replacement == nil || !bytes.HasPrefix(src[place:], replacement)) || read == 0 {
			return &Error{e, place, src[place]}
		}
		at += read
	}
	return nil
}

// valid is Decode for UTF-8.
func valid(dst, src []byte) (text []byte, rest int, err error) {
	dst = slices.Grow(dst, len(src))
	n, read, err := encoding.UTF8Validator.Transform(dst[len(dst):cap(dst)], src, false)
	if dst = dst[:len(dst)+n]; errors.Is(err, encoding.ErrInvalidUTF8) {
		return dst, 0, &Error{UTF8, read, src[read]}
	}
	return dst, len(src) - read, nil
}

// Encode appends text, which is UTF-8, to dst. escape replaces characters that the encoding lacks. Without escape, the
// first such character is a *LacksError.
func Encode(e Encoding, dst, text []byte, escape func(r rune) string) ([]byte, error) {
	if e.Plain() {
		return append(dst, text...), nil
	}
	encoder := e.codec().NewEncoder()
	if coded, err := encoder.Bytes(text); err == nil {
		return append(dst, coded...), nil
	}
	for _, r := range string(text) {
		coded, err := encoder.String(string(r))
		if err != nil {
			if escape == nil {
				return dst, &LacksError{e, r}
			}
			coded = escape(r)
		}
		dst = append(dst, coded...)
	}
	return dst, nil
}

// LacksError is a character that an encoding lacks.
type LacksError struct {
	Encoding Encoding
	Rune     rune
}

func (e *LacksError) Error() string {
	return fmt.Sprintf("%s has no character U+%04X", e.Encoding.Title(), e.Rune)
}

// PlaceError is the place of the first undecodable byte of a file.
type PlaceError struct {
	Encoding Encoding
	Line     int   // from 1
	Offset   int64 // in the file
	Byte     byte
}

func (e *PlaceError) Error() string {
	return fmt.Sprintf("line %d: the byte 0x%02X at offset %d is not %s", e.Line, e.Byte, e.Offset, e.Encoding.Title())
}

// reader decodes a text.
type reader struct {
	in       io.Reader
	encoding Encoding
	raw      []byte
	kept     int // bytes of raw that the next ones complete
	buf      []byte
	text     []byte // of buf, not yet read
	offset   int64  // of raw
	line     int
	err      error
}

// NewReader decodes a text that begins at an offset of its file. After all text before the first undecodable byte, its error
// is a *PlaceError.
func NewReader(in io.Reader, e Encoding, offset int) io.Reader {
	return &reader{in: in, encoding: e, raw: make([]byte, 64<<10), offset: int64(offset), line: 1}
}

func (r *reader) Read(p []byte) (int, error) {
	for len(r.text) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.in.Read(r.raw[r.kept:])
		n += r.kept
		text, rest, wrong := Decode(r.encoding, r.buf[:0], r.raw[:n])
		if wrong == nil && rest > 0 && errors.Is(err, io.EOF) {
			wrong = &Error{r.encoding, n - rest, r.raw[n-rest]}
		}
		r.line += bytes.Count(text, []byte("\n"))
		r.buf, r.text, r.err = text, text, err
		var bad *Error
		if errors.As(wrong, &bad) {
			r.err = &PlaceError{r.encoding, r.line, r.offset + int64(bad.Offset), bad.Byte}
		}
		r.offset += int64(n - rest)
		r.kept = copy(r.raw, r.raw[n-rest:n])
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// Detect reads a file through and detects its encoding: by its byte order mark, else the first of UTF-8, GBK, GB18030 and Big5
// that fits. If none fits, it returns a *PlaceError for the first byte that is not UTF-8.
func Detect(r io.ReadSeeker) (e Encoding, err error) {
	start := make([]byte, 3)
	n, err := io.ReadFull(r, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	if e, marked := Marked(start[:n]); marked {
		return e, nil
	}
	var first error
	for _, e := range []Encoding{UTF8, GBK, GB18030, Big5} {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		_, err := io.Copy(io.Discard, NewReader(r, e, 0))
		var place *PlaceError
		if !errors.As(err, &place) {
			return e, err
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}
