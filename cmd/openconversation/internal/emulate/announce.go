package emulate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The environment variables that --print-env and --ready-file set beside the credentials'.
const (
	envBaseURL = "DINGTALK_BASE_URL"
	envSocket  = "DINGTALK_EMULATOR_SOCKET"
	envAdmin   = "DINGTALK_EMULATOR_ADMIN"
	envCAFile  = "DINGTALK_EMULATOR_CA_FILE"
	envPID     = "DINGTALK_EMULATOR_PID"
)

// variable is one of them.
type variable struct{ name, value string }

func (o *options) variables(s *Server) []variable {
	key, secret := s.emulator.Credentials()
	list := []variable{{envBaseURL, s.URL}, {EnvAppKey, key}, {EnvAppSecret, secret}, {envPID, fmt.Sprint(os.Getpid())}}
	if path, ok := strings.CutPrefix(s.URL, unixPrefix); ok {
		scheme := "http"
		if o.tls {
			scheme = "https"
		}
		list[0].value = scheme + "://localhost"
		list = append(list, variable{envSocket, path})
	}
	if s.admin != "" {
		list = append(list, variable{envAdmin, s.admin})
	}
	if o.tlsCAFile != "" {
		list = append(list, variable{envCAFile, o.tlsCAFile})
	}
	return list
}

// announce says where the emulator is: to people, or to a shell.
func (o *options) announce(w *term.World, s *Server, c *certificate) error {
	list := o.variables(s)
	if o.allowRemote && !strings.HasPrefix(o.listen, unixPrefix) {
		w.Note("emulator: --allow-remote: whoever reaches this machine can use it and control it, and its credentials are public; it holds nothing of worth")
	}
	if o.readyFile != "" {
		var b strings.Builder
		for _, v := range list {
			fmt.Fprintf(&b, "%s=%s\n", v.name, v.value)
		}
		if err := writeWhole(o.readyFile, b.String()); err != nil {
			return explain.Usage("--ready-file: %v", err)
		}
	}
	if o.printEnv {
		var b strings.Builder
		for _, v := range list {
			fmt.Fprintf(&b, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, "'", `'\''`))
		}
		if err := w.Print(b.String()); err != nil {
			return err
		}
		// A shell that evaluates this reads until the end.
		if closer, ok := w.Out.(io.Closer); ok {
			return closer.Close()
		}
		return nil
	}
	text := w.Lang.Sprintf("listening on %s with %s=%s %s=%s", s.URL, list[1].name, list[1].value, list[2].name, list[2].value) + "\n"
	if s.admin != "" {
		text += w.Lang.Sprintf("admin API on %s, which GET /openapi.yaml describes", s.admin) + "\n"
	}
	if c != nil && o.tlsCAFile == "" {
		text += string(c.authority)
	}
	return w.Print(text)
}

// writeWhole writes a file so that nobody finds half of it.
func writeWhole(name, content string) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(file.Name(), 0o644) //nolint:gosec // what is in it is no secret
	}
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

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
