package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// decodeError is an undecodable byte.
type decodeError struct {
	offset int64 // in the file
	bad    byte
}

func (e *decodeError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e *decodeError) Say(l lang.Language) string {
	return l.Sprintf("the byte 0x%02X at offset %d cannot be decoded", e.bad, e.offset)
}

// padding is what some programs write behind the end of a text: the end of file of DOS, and the rest of a block.
const padding = "\x1a\x00"

// text reads a file's text in parts that end at a line end or before. Parts of UTF-8 are unchecked slices of the
// reader's buffer.
type text struct {
	in       *bufio.Reader
	encoding Encoding
	offset   int64  // after the last part, in bytes of the file
	raw      []byte // start of a character that the next part completes
	buf      []byte
}

func newText(r io.Reader) *text { return &text{in: bufio.NewReaderSize(r, 64<<10), encoding: UTF8} }

// start returns the available start of the file; it waits for a few bytes at most.
func (t *text) start() []byte {
	_, _ = t.in.Peek(4) // the error comes again when the file is read
	start, _ := t.in.Peek(t.in.Buffered())
	return start
}

// ahead returns the upcoming text. It reads until enough is true, the buffer is full or the file ends.
func (t *text) ahead(enough func(text []byte) bool) []byte {
	for {
		raw, _ := t.in.Peek(max(1, t.in.Buffered()))
		decoded, _, _ := charset.Decode(t.encoding, nil, raw) // the error comes again when the text is read
		if enough(decoded) || len(raw) == t.in.Size() {
			return decoded
		}
		if _, err := t.in.Peek(len(raw) + 1); err != nil {
			return decoded
		}
	}
}

// skip passes over the first n bytes.
func (t *text) skip(n int) {
	n, _ = t.in.Discard(n) // they were peeked before
	t.offset += int64(n)
}

// part returns the next part; ended means that it has a line end. io.EOF may come with the last part.
func (t *text) part() (part []byte, ended bool, err error) {
	var raw []byte
	if t.encoding.Width() == 1 {
		raw, err = t.in.ReadSlice('\n')
		ended = err == nil
		if errors.Is(err, bufio.ErrBufferFull) {
			err = nil
		}
	} else {
		raw, ended, err = t.units()
	}
	t.offset += int64(len(raw))
	if t.encoding.Width() == 1 && errors.Is(err, io.EOF) {
		raw = bytes.TrimRight(raw, padding)
	}
	if t.encoding.Plain() || err != nil && !errors.Is(err, io.EOF) {
		return raw, ended, err
	}
	t.raw = append(t.raw, raw...)
	decoded, rest, wrong := charset.Decode(t.encoding, t.buf[:0], t.raw)
	t.buf = decoded
	var bad *charset.Error
	if wrong == nil && rest > 0 && (ended || err != nil) {
		wrong = &charset.Error{Encoding: t.encoding, Offset: len(t.raw) - rest, Byte: t.raw[len(t.raw)-rest]}
	}
	if errors.As(wrong, &bad) {
		return nil, false, &decodeError{t.offset - int64(len(t.raw)-bad.Offset), bad.Byte}
	}
	t.raw = append(t.raw[:0], t.raw[len(t.raw)-rest:]...)
	if errors.Is(err, io.EOF) {
		decoded = bytes.TrimRight(decoded, padding)
	}
	return decoded, ended, err
}

// units reads two-byte units, up to a line end.
func (t *text) units() (raw []byte, ended bool, err error) {
	if raw, err = t.in.Peek(2); err != nil {
		_, _ = t.in.Discard(len(raw)) // half a unit, at the end
		return raw, false, err
	}
	raw, _ = t.in.Peek(t.in.Buffered() &^ 1) // they are buffered
	low, high := 0, 1
	if t.encoding == UTF16BE {
		low, high = 1, 0
	}
	for i := 0; i < len(raw) && !ended; i += 2 {
		if raw[i+low] == '\n' && raw[i+high] == 0 {
			raw, ended = raw[:i+2], true
		}
	}
	_, _ = t.in.Discard(len(raw))
	return raw, ended, nil
}
