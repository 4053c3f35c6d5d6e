package xlsx

import (
	"bufio"
	"bytes"
	"errors"
	"html"
	"io"
	"strings"
)

// maxToken is far more than a workbook's longest cell (32,767 characters) or formula (8,192), in bytes.
const maxToken = 1 << 20

type kind int

const (
	content kind = iota // text between tags
	literal             // <![CDATA[…]]>
	opening             // <c r="A1">
	closing             // </c>
	empty               // <c r="A1"/>
	other               // comments and the like
)

// token is a piece of XML. raw holds the file's bytes, valid until the next token.
type token struct {
	kind kind
	raw  []byte
}

// markup splits XML into tokens that together are the file, byte by byte. encoding/xml would read a token of any length
// into memory, and allocate many pieces per row.
type markup struct {
	in  *bufio.Reader
	buf []byte
}

func newMarkup(r io.Reader) *markup { return &markup{in: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next token. The error after the last is io.EOF.
func (m *markup) next() (token, error) {
	start, err := m.in.Peek(1)
	if err != nil {
		return token{}, err
	}
	m.buf = m.buf[:0]
	if start[0] != '<' {
		raw, err := m.until('<', func([]byte) bool { return true })
		if n := len(raw); err == nil && raw[n-1] == '<' {
			_ = m.in.UnreadByte() // it was just read
			raw = raw[:n-1]
		}
		return token{content, raw}, err
	}
	start, err = m.in.Peek(9)
	if err != nil && !errors.Is(err, io.EOF) {
		return token{}, err
	}
	t := token{kind: other}
	ends := func(end string) func([]byte) bool {
		return func(raw []byte) bool { return bytes.HasSuffix(raw, []byte(end)) && len(raw) >= 3+len(end) }
	}
	whole := complete
	switch {
	case bytes.HasPrefix(start, []byte("<!--")):
		whole = ends("-->")
	case string(start) == "<![CDATA[":
		t.kind, whole = literal, ends("]]>")
	case bytes.HasPrefix(start, []byte("<?")):
		whole = ends("?>")
	case bytes.HasPrefix(start, []byte("<!")):
	case bytes.HasPrefix(start, []byte("</")):
		t.kind = closing
	default:
		t.kind = opening
	}
	t.raw, err = m.until('>', whole)
	if err == nil && t.raw[len(t.raw)-1] != '>' {
		return t, fault("its XML ends within a tag")
	}
	if t.kind == opening && bytes.HasSuffix(t.raw, []byte("/>")) {
		t.kind = empty
	}
	return t, err
}

// complete reports whether a tag is complete: a > within quotes does not end it.
func complete(raw []byte) bool {
	var quote byte
	for _, b := range raw {
		switch {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		}
	}
	return quote == 0
}

// until reads up to a byte for which whole is true, or to the end.
func (m *markup) until(end byte, whole func([]byte) bool) ([]byte, error) {
	for {
		part, err := m.in.ReadSlice(end)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(m.buf) == 0 && err == nil && whole(part) {
			return part, nil
		}
		if m.buf = append(m.buf, part...); len(m.buf) > maxToken {
			return nil, fault("a piece of its XML is longer than %d bytes", maxToken)
		}
		if errors.Is(err, io.EOF) || err == nil && whole(m.buf) {
			return m.buf, nil
		}
	}
}

// tag splits a tag's name from its prefix, which has the colon.
func (t token) tag() (prefix, name string) {
	raw := bytes.TrimLeft(t.raw, "</")
	if end := bytes.IndexAny(raw, " \t\r\n/>"); end >= 0 {
		raw = raw[:end]
	}
	colon := bytes.IndexByte(raw, ':') + 1
	return string(raw[:colon]), string(raw[colon:])
}

// name returns a tag's name without its prefix.
func (t token) name() string {
	_, name := t.tag()
	return name
}

// attribute finds an attribute without a prefix. from and to are its bounds in raw, with the blank before it.
func (t token) attribute(name string) (value []byte, from, to int, has bool) {
	raw := t.raw
	at := bytes.IndexAny(raw, " \t\r\n")
	for at >= 0 && at < len(raw) {
		from = at
		for at < len(raw) && (raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\r' || raw[at] == '\n') {
			at++
		}
		equals := bytes.IndexByte(raw[at:], '=')
		if equals < 0 {
			return nil, 0, 0, false
		}
		key := bytes.TrimSpace(raw[at : at+equals])
		at += equals + 1
		for at < len(raw) && raw[at] != '"' && raw[at] != '\'' {
			at++
		}
		if at == len(raw) {
			return nil, 0, 0, false
		}
		length := bytes.IndexByte(raw[at+1:], raw[at])
		if length < 0 {
			return nil, 0, 0, false
		}
		value, at = raw[at+1:at+1+length], at+length+2
		if string(key) == name {
			return value, from, at, true
		}
	}
	return nil, 0, 0, false
}

// appendText appends the text of a token. XML's entities are among those of HTML, and its line ends are read as LF.
func appendText(dst []byte, t token) []byte {
	if t.kind == literal {
		return append(dst, t.raw[len("<![CDATA["):len(t.raw)-len("]]>")]...)
	}
	if !bytes.ContainsAny(t.raw, "&\r") {
		return append(dst, t.raw...)
	}
	return append(dst, html.UnescapeString(lineEnds.Replace(string(t.raw)))...)
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")
