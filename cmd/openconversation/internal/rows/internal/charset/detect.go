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

// Detect reads a file through and detects its encoding: by its byte order mark, else the first of UTF-8,
// GBK, GB18030 and Big5 that fits. If
// none fits, it returns a *PlaceError for the first byte that is not UTF-8.
func Detect(r io.ReadSeeker) (e Encoding, marked bool, err error) {
	start := make([]byte, 3)
	n, err := io.ReadFull(r, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", false, err
	}
	if e, marked := Marked(start[:n]); marked {
		return e, true, nil
	}
	var first error
	for _, e := range []Encoding{UTF8, GBK, GB18030, Big5} {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return "", false, err
		}
		err := check(r, e)
		var place *PlaceError
		if err == nil || !errors.As(err, &place) {
			return e, false, err
		}
		if first == nil {
			first = err
		}
	}
	return "", false, first
}

// check reads a file through in one encoding.
func check(r io.Reader, e Encoding) error {
	buf, text := make([]byte, 256<<10), []byte(nil)
	kept, at, line := 0, int64(0), 1
	for {
		n, err := r.Read(buf[kept:])
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		n += kept
		decoded, rest, wrong := Decode(e, text[:0], buf[:n])
		if wrong == nil && rest > 0 && errors.Is(err, io.EOF) {
			wrong = &Error{e, n - rest, buf[n-rest]}
		}
		var bad *Error
		if errors.As(wrong, &bad) {
			line += bytes.Count(buf[:bad.Offset], []byte("\n"))
			return &PlaceError{e, line, at + int64(bad.Offset), bad.Byte}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		text = decoded
		line += bytes.Count(buf[:n-rest], []byte("\n"))
		at += int64(n - rest)
		kept = copy(buf, buf[n-rest:n])
	}
}
