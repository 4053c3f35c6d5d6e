package charset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

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
