package xlsx

import (
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
	textsInMemory = 4 << 20  // bytes; what is before goes to a temporary file
	maxTexts      = 16 << 20 // distinct texts, of 4 bytes each
)

// texts are a workbook's shared strings, which cells reference by number.
type texts struct {
	ends   []uint32 // end of each text
	memory []byte   // the last ones
	file   *os.File // those before
	size   int64    // of the file
	window []byte   // of the file, read ahead: cells mostly name texts in their order
	from   int64    // offset of the window
}

// readTexts reads the shared strings.
func readTexts(r io.Reader) (*texts, error) {
	t, in := &texts{}, newMarkup(r)
	var text []byte
	inText, phonetic := false, false // phonetic text is for the characters before it
	for {
		tok, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return t, nil
		case err != nil:
			return t, err
		case tok.kind == other:
			continue
		case tok.kind == content || tok.kind == literal:
			if inText && !phonetic {
				text = appendText(text, tok)
			}
			if len(text) > maxToken {
				return t, fault("a text is longer than %d bytes", maxToken)
			}
			continue
		}
		switch tok.name() {
		case "t":
			inText = tok.kind == opening
		case "rPh":
			phonetic = tok.kind == opening
		case "si":
			if tok.kind != opening {
				err = t.add(text)
			}
			text = text[:0]
		}
		if err != nil {
			return t, err
		}
	}
}

func (t *texts) add(text []byte) (err error) {
	end := t.size + int64(len(t.memory)+len(text))
	if len(t.ends) == maxTexts || end > math.MaxUint32 {
		return fault("it holds more texts than can be read")
	}
	t.ends = append(t.ends, uint32(end))
	if t.memory = append(t.memory, text...); len(t.memory) < textsInMemory {
		return nil
	}
	if t.file == nil {
		if t.file, err = os.CreateTemp("", "openconversation-*"); err != nil {
			return err
		}
		_ = os.Remove(t.file.Name()) // removed while open, if the system can: a killed run then leaves no file
	}
	_, err = t.file.Write(t.memory)
	t.size, t.memory = end, t.memory[:0]
	return err
}

// at returns the text of a number, valid until the next one.
func (t *texts) at(n int) ([]byte, error) {
	if n < 0 || n >= len(t.ends) {
		return nil, fault("a cell names the text %d, and there are %d", n, len(t.ends))
	}
	from, to := int64(0), int64(t.ends[n])
	if n > 0 {
		from = int64(t.ends[n-1])
	}
	if from >= t.size {
		return t.memory[from-t.size : to-t.size], nil
	}
	if from < t.from || to > t.from+int64(len(t.window)) {
		t.from, t.window = from, append(t.window[:0], make([]byte, min(max(to-from, 64<<10), t.size-from))...)
		if _, err := t.file.ReadAt(t.window, from); err != nil {
			t.window = nil
			return nil, err
		}
	}
	return t.window[from-t.from : to-t.from], nil
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
