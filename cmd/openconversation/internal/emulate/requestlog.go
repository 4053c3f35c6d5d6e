package emulate

import (
	"encoding/json"
	"io"
	"os"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// requestLog writes one line of JSON for each request, without header, query and body, and so without secrets.
type requestLog struct {
	mu     sync.Mutex
	out    io.Writer
	file   *os.File // nil for standard error
	failed func(error)
}

// openLog opens the file of --log, to which it adds; "-" is standard error.
func openLog(w *term.World, name string) (*requestLog, error) {
	l := &requestLog{out: w.Err, failed: func(err error) { w.Note("emulator: --log: %v; requests are no longer logged", err) }}
	if name == "-" {
		return l, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, explain.Usage("--log: %v", err)
	}
	l.out, l.file = file, file
	return l, nil
}

func (l *requestLog) write(r dingtalktest.Request) {
	line, err := json.Marshal(r)
	if err != nil { // It holds texts and numbers.
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil {
		return
	}
	if _, err := l.out.Write(append(line, '\n')); err != nil {
		l.out = nil
		l.failed(err)
	}
}

func (l *requestLog) close() {
	if l.file != nil {
		_ = l.file.Close() // each line was written by itself
	}
}
