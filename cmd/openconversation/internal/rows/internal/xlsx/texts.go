package xlsx

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
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
	for {
		tag, _, err := in.next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if begin, is := tag.(xml.StartElement); is && begin.Name.Local == "si" {
			if text, _, err = in.text("si", text[:0]); len(text) > maxToken {
				err = lang.Errorf("a text is longer than %d bytes", maxToken)
			}
			if err == nil {
				err = t.add(text)
			}
		}
		if err != nil {
			return t, err
		}
	}
}

func (t *texts) add(text []byte) (err error) {
	end := t.size + int64(len(t.memory)+len(text))
	if len(t.ends) == maxTexts || end > math.MaxUint32 {
		return lang.Errorf("it holds more texts than can be read")
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
		return nil, lang.Errorf("a cell names the text %d, and there are %d", n, len(t.ends))
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

// unwritable are characters that XML cannot hold, and what looks like one.
var unwritable = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_|[\x00-\x08\x0B-\x1F\x{FFFE}\x{FFFF}]`)

// appendEscaped appends text as the content of a cell.
func appendEscaped(dst []byte, text string) []byte {
	text = unwritable.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] == '_' {
			return "_x005F" + found
		}
		return fmt.Sprintf("_x%04X_", []rune(found)[0])
	})
	out := bytes.NewBuffer(dst)
	_ = xml.EscapeText(out, []byte(text)) // a buffer takes all
	return out.Bytes()
}
