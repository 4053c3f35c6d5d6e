package xlsx

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// maxToken is far more than a workbook's longest cell (32,767 characters) or formula (8,192), in bytes.
const maxToken = 1 << 20

// ErrNotWorkbook is the error of a file that is not an xlsx workbook.
var ErrNotWorkbook = lang.Errorf("it is no xlsx workbook, or a damaged one")

func damaged(text lang.Format, args ...any) error {
	return lang.Errorf("%w: %w", ErrNotWorkbook, lang.Errorf(text, args...))
}

// markup reads XML, and can keep its bytes as they are in the file.
type markup struct {
	xml   *xml.Decoder
	in    *bufio.Reader
	raw   []byte // read, and not yet a token; the first taken bytes are the last token
	taken int
	keeps bool
	kept  []byte // all tokens since the caller emptied it
}

func newMarkup(r io.Reader) *markup {
	m := &markup{in: bufio.NewReaderSize(r, 64<<10)}
	m.xml = xml.NewDecoder(m)
	m.xml.Strict = false // what a program reads that makes workbooks is read here
	return m
}

// ReadByte implements io.ByteReader, so that the decoder reads no further than its token, and no token that is endless.
func (m *markup) ReadByte() (byte, error) {
	if len(m.raw) > maxToken {
		return 0, lang.Errorf("a piece of its XML is longer than %d bytes", maxToken)
	}
	b, err := m.in.ReadByte()
	if err == nil {
		m.raw = append(m.raw, b)
	}
	return b, err
}

// Read is not called, as there is ReadByte.
func (m *markup) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// next returns the next token, and its bytes until the one after. One that ends itself is two, the second without bytes. The
// error after the last is io.EOF.
func (m *markup) next() (t xml.Token, raw []byte, err error) {
	m.raw = m.raw[:copy(m.raw, m.raw[m.taken:])]
	before := m.xml.InputOffset()
	t, err = m.xml.RawToken()
	m.taken = int(m.xml.InputOffset() - before)
	if raw = m.raw[:m.taken]; m.keeps {
		m.kept = append(m.kept, raw...)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged("%w", err)
	}
	return t, raw, err
}

// within is next within an element.
func (m *markup) within() (t xml.Token, raw []byte, err error) {
	if t, raw, err = m.next(); errors.Is(err, io.EOF) {
		err = damaged("its XML ends too early")
	}
	return t, raw, err
}

// text appends what the element that has begun shows: the text of v and t, but not that of phonetic hints. A little more than
// maxToken is the most that it appends.
func (m *markup) text(name string, dst []byte) (text []byte, formula bool, err error) {
	for inside, phonetic := false, false; ; {
		t, _, err := m.within()
		if err != nil {
			return dst, formula, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "f":
				formula = true
			case "rPh":
				phonetic = true
			case "v", "t":
				inside = true
			}
		case xml.EndElement:
			switch t.Name.Local {
			case name:
				return dst, formula, nil
			case "rPh":
				phonetic = false
			case "v", "t":
				inside = false
			}
		case xml.CharData:
			if inside && !phonetic && len(dst) <= maxToken {
				dst = append(dst, t...)
			}
		}
	}
}

// attribute returns an attribute without a prefix.
func attribute(t xml.StartElement, name string) (value string, has bool) {
	for _, a := range t.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value, true
		}
	}
	return "", false
}
