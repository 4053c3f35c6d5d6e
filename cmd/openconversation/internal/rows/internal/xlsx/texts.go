package xlsx

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	textsInMemory = 16 << 20 // bytes; the rest goes to a temporary file
	maxTexts      = 16 << 20 // distinct texts, of 4 bytes each
)

// texts are a workbook's shared strings, which cells reference by number.
type texts struct {
	ends   []uint32 // end of each text
	memory []byte
	file   *os.File // the texts that do not fit into memory
	spill  *bufio.Writer
	buf    []byte
}

// readTexts reads the shared strings.
func readTexts(r io.Reader) (*texts, error) {
	t := &texts{}
	in := newMarkup(r)
	var text []byte
	inText, phonetic := false, false
	for {
		tok, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t, err
		}
		switch tok.kind {
		case content, literal:
			if inText && !phonetic {
				text = appendText(text, tok)
			}
			if len(text) > maxToken {
				return t, fault("a text is longer than %d bytes", maxToken)
			}
		case opening:
			switch tok.name() {
			case "si":
				text = text[:0]
			case "t":
				inText = true
			case "rPh": // phonetic text for the characters before it
				phonetic = true
			}
		case closing:
			switch tok.name() {
			case "t":
				inText = false
			case "rPh":
				phonetic = false
			case "si":
				if err := t.add(text); err != nil {
					return t, err
				}
			}
		case empty:
			if tok.name() == "si" {
				if err := t.add(nil); err != nil {
					return t, err
				}
			}
		}
	}
	if t.spill != nil {
		return t, t.spill.Flush()
	}
	return t, nil
}

func (t *texts) end() int64 {
	if len(t.ends) == 0 {
		return 0
	}
	return int64(t.ends[len(t.ends)-1])
}

func (t *texts) add(text []byte) error {
	end := t.end() + int64(len(text))
	if len(t.ends) == maxTexts || end > math.MaxUint32 {
		return fault("it holds more texts than can be read")
	}
	t.ends = append(t.ends, uint32(end))
	if t.file == nil && len(t.memory)+len(text) <= textsInMemory {
		t.memory = append(t.memory, text...)
		return nil
	}
	if t.file == nil {
		var err error
		if t.file, err = os.CreateTemp("", "openconversation-*"); err != nil {
			return err
		}
		_ = os.Remove(t.file.Name()) // removed while open, if the system can: a killed run then leaves no file
		t.spill = bufio.NewWriterSize(t.file, 256<<10)
	}
	_, err := t.spill.Write(text)
	return err
}

// at returns the text of a number.
func (t *texts) at(n int) ([]byte, error) {
	if n < 0 || n >= len(t.ends) {
		return nil, fault("a cell names the text %d, and there are %d", n, len(t.ends))
	}
	from, to := int64(0), int64(t.ends[n])
	if n > 0 {
		from = int64(t.ends[n-1])
	}
	if inMemory := int64(len(t.memory)); t.file == nil || to <= inMemory {
		return t.memory[from:to], nil
	} else if t.buf = append(t.buf[:0], make([]byte, to-from)...); true {
		_, err := t.file.ReadAt(t.buf, from-inMemory)
		return t.buf, err
	}
	return nil, nil
}

func (t *texts) close() error {
	if t == nil || t.file == nil {
		return nil
	}
	err := t.file.Close()
	_ = os.Remove(t.file.Name()) // unless removed before
	return err
}

var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescape reads characters that XML cannot hold, which a workbook writes as _x000D_.
func unescape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	return escaped.ReplaceAllStringFunc(text, func(code string) string {
		n, _ := strconv.ParseUint(code[2:6], 16, 16)
		if n >= 0xD800 && n < 0xE000 {
			return code
		}
		return string(rune(n))
	})
}

// appendEscaped appends text as the content of a cell.
func appendEscaped(dst []byte, text string) []byte {
	text = escaped.ReplaceAllString(text, "_x005F$0")
	for _, r := range text {
		switch {
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r < ' ' && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			dst = fmt.Appendf(dst, "_x%04X_", r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
