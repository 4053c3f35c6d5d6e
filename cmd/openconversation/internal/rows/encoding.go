package rows

import (
	"bufio"
	"bytes"
	"cmp"
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

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Encoding is a text encoding.
type Encoding string

// The encodings. GBK and GB18030 have two codes for the full-width space and for the euro sign; the output may use the
// other one. Everything else is written as it was read.
const (
	UTF8    Encoding = "utf-8"
	UTF8BOM Encoding = "utf-8-bom" // the same, with a byte order mark; spreadsheets need it
	UTF16LE Encoding = "utf-16le"  // little-endian
	UTF16BE Encoding = "utf-16be"
	GB18030 Encoding = "gb18030"
	GBK     Encoding = "gbk"  // "ANSI" of Windows in simplified Chinese, code page 936
	Big5    Encoding = "big5" // "ANSI" of Windows in traditional Chinese, code page 950
)

// Encodings lists all encodings.
var Encodings = []Encoding{UTF8, UTF8BOM, UTF16LE, UTF16BE, GB18030, GBK, Big5}

// codings describes them.
var codings = map[Encoding]struct {
	title, mark string
	codec       encoding.Encoding
	aliases     string // in lower case, without separators
}{
	UTF8:    {"UTF-8", "\uFEFF", unicode.UTF8, "utf8"},
	UTF8BOM: {"UTF-8", "\uFEFF", unicode.UTF8, "utf8bom utf8sig"},
	UTF16LE: {"UTF-16 LE", "\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf16le utf16 unicode"},
	UTF16BE: {"UTF-16 BE", "\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf16be"},
	GB18030: {"GB18030", "", simplifiedchinese.GB18030, "gb18030"},
	GBK:     {"GBK", "", simplifiedchinese.GBK, "gbk gb2312 cp936 ansi"},
	Big5:    {"Big5", "", traditionalchinese.Big5, "big5 big5hkscs cp950"},
}

// ParseEncoding parses any usual name of an encoding, such as UTF-8, utf_16, GB2312 or cp936.
func ParseEncoding(name string) (Encoding, bool) {
	name = strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	at := slices.IndexFunc(Encodings, func(e Encoding) bool { return slices.Contains(strings.Fields(codings[e].aliases), name) })
	return Encodings[max(at, 0)], at >= 0
}

// Title returns the encoding's name in a sentence.
func (e Encoding) Title() string { return codings[e].title }

// width is the size of the smallest character in bytes.
func (e Encoding) width() int {
	if e == UTF16LE || e == UTF16BE {
		return 2
	}
	return 1
}

// marked returns the encoding of the byte order mark at a file's start, or "".
func marked(start []byte) Encoding {
	for _, e := range []Encoding{UTF8, UTF16LE, UTF16BE} {
		if bytes.HasPrefix(start, []byte(codings[e].mark)) {
			return e
		}
	}
	return ""
}

// startEncoding guesses the encoding of a stream from its start. If the rest does not fit, reading fails.
func startEncoding(start []byte) Encoding {
	if _, _, bad := UTF8.decode(nil, start); bad >= 0 {
		if _, _, bad = GB18030.decode(nil, start); bad < 0 {
			return cmp.Or(marked(start), GB18030)
		}
	}
	return cmp.Or(marked(start), UTF8)
}

// decodedStart decodes the start of a file, up to an incomplete character.
func decodedStart(start []byte) string {
	text, _, _ := startEncoding(start).decode(nil, start) // errors come again when the text is read
	return strings.TrimPrefix(string(text), "\uFEFF")
}

// decode returns the text of src in a buffer, up to the first byte that cannot be decoded: bad is its index, or -1. rest is the
// number of bytes at the end of src that begin a character.
func (e Encoding) decode(buf, src []byte) (text []byte, rest, bad int) {
	decoder, at, from := codings[e].codec.NewDecoder(), 0, 0
	for more := transform.ErrShortDst; errors.Is(more, transform.ErrShortDst); {
		buf = append(buf[:from], make([]byte, len(src)-at+utf8.UTFMax)...)
		var n, read int
		n, read, more = decoder.Transform(buf[from:], src[at:], false)
		from, at = from+n, at+read
	}
	if text = buf[:from]; bytes.Contains(text, []byte("\uFFFD")) {
		if bad = e.misread(src[:at]); bad >= 0 {
			text, _ = codings[e].codec.NewDecoder().Bytes(src[:bad]) // which can be decoded
			return text, 0, bad
		}
	}
	return text, len(src) - at, -1
}

// misread returns the index of the first undecodable byte of whole characters, or -1: the decoder put a replacement character
// in its place.
func (e Encoding) misread(src []byte) int {
	replacement, _ := codings[e].codec.NewEncoder().Bytes([]byte("\uFFFD")) // an error if the encoding lacks it
	decoder := codings[e].codec.NewDecoder()
	for at := 0; at < len(src); {
		var char [utf8.UTFMax]byte // too short for two that are not ASCII
		n, read, _ := decoder.Transform(char[:], src[at:], false)
		bad := bytes.Index(char[:n], []byte("\uFFFD")) // what is before it is ASCII
		if place := at + max(bad, 0)*e.width(); bad >= 0 && (replacement == nil || !bytes.HasPrefix(src[place:], replacement)) || read == 0 {
			return place
		}
		at += read
	}
	return -1
}

// encode encodes text. lacks replaces characters that the encoding lacks.
func (e Encoding) encode(text []byte, lacks func(r rune) string) []byte {
	if e == UTF8 || e == UTF8BOM || e == "" {
		return text
	}
	encoder := codings[e].codec.NewEncoder()
	out, err := encoder.Bytes(text)
	if err == nil {
		return out
	}
	out = out[:0]
	for _, r := range string(text) {
		coded, err := encoder.String(string(r))
		if err != nil {
			coded = lacks(r)
		}
		out = append(out, coded...)
	}
	return out
}

// decoder decodes a text. After all text before the first undecodable byte, its error is an *Error.
type decoder struct {
	in       io.Reader
	encoding Encoding
	raw      []byte
	kept     int // bytes of raw that the next ones complete
	buf      []byte
	text     []byte // of buf, not yet read
	offset   int64  // of raw in the file; in the end, of the undecodable byte
	bad      byte   // which is this
	line     int    // so far
	err      error
}

// newDecoder decodes a text that begins at an offset of its file.
func newDecoder(in io.Reader, e Encoding, offset int) *decoder {
	return &decoder{in: in, encoding: e, raw: make([]byte, 64<<10), offset: int64(offset), line: 1}
}

func (d *decoder) Read(p []byte) (int, error) {
	for len(d.text) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		n, err := d.in.Read(d.raw[d.kept:])
		n += d.kept
		text, rest, bad := d.encoding.decode(d.buf, d.raw[:n])
		if bad < 0 && rest > 0 && errors.Is(err, io.EOF) {
			bad = n - rest
		}
		d.line += bytes.Count(text, []byte("\n"))
		d.buf, d.text, d.err = text, text, err
		if bad >= 0 {
			d.offset, d.bad = d.offset+int64(bad), d.raw[bad]
			d.err = settled(PartEncoding, d.line, "the byte 0x%02X at offset %d of the file is not %s; save it as UTF-8, or name its encoding", d.bad, d.offset, d.encoding.Title())
			continue
		}
		d.offset += int64(n - rest)
		d.kept = copy(d.raw, d.raw[n-rest:n])
	}
	n := copy(p, d.text)
	d.text = d.text[n:]
	return n, nil
}

// DetectEncoding reads a file through. Its encoding is that of the byte order mark, else the first of UTF-8, GBK, GB18030 and
// Big5 that fits.
func DetectEncoding(r io.ReadSeeker) (Encoding, error) {
	start, err := bufio.NewReader(r).Peek(3)
	if e := marked(start); e != "" || err != nil && !errors.Is(err, io.EOF) {
		return e, err
	}
	var wrong error
	for _, e := range []Encoding{UTF8, GBK, GB18030, Big5} {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		d := newDecoder(r, e, 0)
		_, err := io.Copy(io.Discard, d)
		var bad *Error
		if !errors.As(err, &bad) {
			return e, err
		}
		if wrong == nil {
			wrong = settled(PartEncoding, d.line, "the byte 0x%02X at offset %d of the file is neither UTF-8 nor GB18030 nor Big5; save it as UTF-8, or name its encoding", d.bad, d.offset)
		}
	}
	return "", wrong
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
	mark := marked(start)
	if mark != "" && named != "" && named != mark {
		return nil, settled(PartEncoding, 0, "it begins with the byte order mark of %s, and %s is named", mark.Title(), named.Title())
	}
	found := cmp.Or(named, startEncoding(start))
	*c = coding{in: found, inMarked: mark != "", out: out, outMarked: out == UTF8BOM || out.width() > 1}
	if out == "" {
		c.out, c.outMarked = c.in, c.inMarked
	}
	skipped, _ := in.Discard(len(codings[mark].mark)) // it was peeked
	return bufio.NewReaderSize(newDecoder(in, found, skipped), 64<<10), nil
}

// placed adds a place to an error of reading a record.
func placed(line int, err error) error {
	var wrong *Error
	if errors.As(err, &wrong) || errors.Is(err, io.EOF) {
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
	missing := rune(0)
	c.out.encode(rec.Raw, func(r rune) string { missing = cmp.Or(missing, r); return "" })
	if missing == 0 {
		return nil
	}
	return settled(PartOutput, rec.Line, "%s has no character U+%04X; write GB18030 or UTF-8", c.out.Title(), missing)
}

// encode encodes text for the output. Read has checked that the encoding has every character of the input. In appended
// text, it replaces a missing character by its code point.
func (c coding) encode(text []byte) []byte {
	return c.out.encode(text, func(r rune) string { return fmt.Sprintf(`\u{%X}`, r) })
}
