package emulate

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// healthTime is how long the answer may take.
const healthTime = 5 * time.Second

// askHealth asks another process's admin API. It is for images without a shell, whose health check has this program alone.
func (o *options) askHealth(ctx context.Context, w *term.World) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	transport, base := &http.Transport{DisableKeepAlives: true}, strings.TrimSuffix(o.health, "/")
	if path, ok := strings.CutPrefix(o.health, unixPrefix); ok {
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil || request.URL.Host == "" {
		return explain.Usage("--health %s: give the URL of an admin API, such as http://127.0.0.1:8081, or unix:PATH", o.health)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("--health: %w", err)}
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("--health %s: answered HTTP %d", o.health, response.StatusCode)}
	}
	return w.Print("ok\n")
}

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
