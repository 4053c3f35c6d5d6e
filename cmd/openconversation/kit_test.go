package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

// binary is the command: this test's own program, which is the command where it is called so.
var binary string

func TestMain(m *testing.M) { testscript.Main(tests{m}, map[string]func(){term.CommandName: main}) }

type tests struct{ *testing.M }

func (m tests) Run() int {
	flag.Parse()
	_ = os.Setenv("LC_ALL", "C")   // processes that get this machine's environment speak English all the same
	if testing.CoverMode() != "" { // what processes cover counts
		_ = os.Setenv("GOCOVERDIR", flag.Lookup("test.gocoverdir").Value.String())
	}
	var err error
	if binary, err = exec.LookPath(term.CommandName); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.M.Run()
}

const (
	chat    = dingtalktest.ChatID
	openID  = dingtalktest.OpenConversationID
	unknown = "chat00000000000000000000000000000000"
)

var conversion = generated.OperationChatIDToOpenConversationID

// result is what a command left behind.
type result struct {
	code           int
	stdout, stderr string
}

var requestID = regexp.MustCompile(`[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}`)

// without is a result without what differs from time to time: request ids read ID, and texts as the ones behind them.
func (r result) without(pairs ...string) result {
	clean := func(said string) string {
		return requestID.ReplaceAllString(strings.NewReplacer(pairs...).Replace(said), "ID")
	}
	return result{r.code, clean(r.stdout), clean(r.stderr)}
}

// check compares a result, in which request ids read ID.
func (r result) check(t *testing.T, want result) {
	t.Helper()
	if got := r.without(); got != want {
		t.Errorf("exit code %d, want %d; standard output\n%s\nwant\n%s\nstandard error\n%s\nwant\n%s", got.code, want.code, got.stdout, want.stdout, got.stderr, want.stderr)
	}
}

// said reports whether a command printed a text. Lines end where there is room, so that blanks and line ends are alike.
func (r result) said(text string) bool {
	return strings.Contains(strings.Join(strings.Fields(r.stdout+r.stderr), " "), strings.Join(strings.Fields(text), " "))
}

// holds checks a result's code and what it holds.
func (r result) holds(t *testing.T, code int, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !r.said(part) {
			t.Errorf("%q is not in %+v", part, r)
		}
	}
	if r.code != code {
		t.Errorf("exit code %d, want %d: %+v", r.code, code, r)
	}
}

// call is the command in this process. What it has of the outside world can be changed before it runs.
type call struct {
	ctx    context.Context
	args   []string
	stdin  io.Reader
	env    map[string]string
	stdout io.Writer // instead of what is in the result
}

func (c call) run() result {
	var stdout, stderr bytes.Buffer
	w := &term.World{In: c.stdin, Out: &stdout, Err: &stderr, Getenv: func(name string) string { return c.env[name] }}
	w.Environ = func() (all []string) {
		for name, value := range c.env {
			all = append(all, name+"="+value)
		}
		return all
	}
	if w.In == nil {
		w.In = strings.NewReader("")
	}
	if c.stdout != nil {
		w.Out = c.stdout
	}
	if c.ctx == nil {
		c.ctx = context.Background()
	}
	code := execute(c.ctx, w, c.args)
	return result{code, stdout.String(), stderr.String()}
}

// runArgs is the command with nothing but arguments.
func runArgs(args ...string) result { return call{args: args}.run() }

// serverEnv is the environment of a command that calls an emulator.
func serverEnv(server *dingtalktest.Server) map[string]string {
	return map[string]string{connect.EnvAppKey: dingtalktest.AppKey, connect.EnvAppSecret: dingtalktest.AppSecret, connect.EnvBaseURL: server.URL}
}

// bench is an emulator, an input and a place for the output.
type bench struct {
	t       *testing.T
	server  *dingtalktest.Server
	in, out string
}

func newBench(t *testing.T, name, content string, opts ...dingtalktest.Option) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{
		t: t, server: dingtalktest.NewServer(t, append([]dingtalktest.Option{dingtalktest.WithAnyChat()}, opts...)...),
		in: filepath.Join(dir, name), out: filepath.Join(dir, "out"),
	}
	b.write(b.in, content)
	return b
}

// args are those of a conversion from input to output.
func (b *bench) args(flags ...string) []string {
	return append([]string{"convert", "--input", b.in, "--output", b.out, "--qps", "0"}, flags...)
}

func (b *bench) run(flags ...string) result {
	return call{args: b.args(flags...), env: serverEnv(b.server)}.run()
}

// want runs and compares exit code and what standard error holds.
func (b *bench) want(code int, stderr string, flags ...string) {
	b.t.Helper()
	b.wantWith(serverEnv(b.server), code, stderr, flags...)
}

// wantWith is the same in an environment of the test's own.
func (b *bench) wantWith(env map[string]string, code int, stderr string, flags ...string) {
	b.t.Helper()
	call{args: b.args(flags...), env: env}.run().holds(b.t, code, stderr)
}

func (b *bench) read(path string) string {
	b.t.Helper()
	return newcomer.Read(b.t, path)
}

func (b *bench) write(path, content string) {
	b.t.Helper()
	write(b.t, path, content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// marks are those of runs, in the names of side files.
var marks = regexp.MustCompile(`\.[0-9a-f]{16}\b`)

// files are the names in the folder.
func (b *bench) files() string {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Dir(b.out))
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return marks.ReplaceAllString(strings.Join(names, " "), ".MARK")
}

// journal are the conversions in the journal of the output.
func (b *bench) journal() map[string]string {
	raw, _ := os.ReadFile(b.out + ".journal") // or there is none
	known := map[string]string{}
	for text := range strings.Lines(string(raw)) {
		var line struct{ ID, To string }
		if json.Unmarshal([]byte(text), &line) == nil && line.To != "" {
			known[line.ID] = line.To
		}
	}
	return known
}

// behind is the environment of a command that reaches the emulator through a handler.
func (b *bench) behind(handler http.HandlerFunc) map[string]string {
	front := httptest.NewServer(handler)
	b.t.Cleanup(front.Close)
	env := serverEnv(b.server)
	env[connect.EnvBaseURL] = front.URL
	return env
}

// converts is the chat of a request, if it is one for a conversion.
func converts(r *http.Request) (id string, is bool) {
	_, id, is = strings.Cut(strings.TrimSuffix(r.URL.Path, "/convertToOpenConversationId"), "/im/chat/")
	return id, is
}

func exhausted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, `{"code":%q}`, generated.CodeOrgQuotaExhausted)
}

// grants counts conversions that were granted, until most have been asked for.
type grants struct {
	atomic.Int64
	most atomic.Int64
}

// granting is the environment of a command whose conversions are granted after a while that differs from call to call,
// and the count of those granted. Beyond most the quota is used up.
func (b *bench) granting(most int64, slowest time.Duration) (env map[string]string, granted *grants) {
	granted = new(grants)
	granted.most.Store(most)
	var asked atomic.Int64
	return b.behind(func(w http.ResponseWriter, r *http.Request) {
		if _, is := converts(r); !is {
			b.server.ServeHTTP(w, r)
			return
		}
		if asked.Add(1) > granted.most.Load() {
			exhausted(w)
			return
		}
		time.Sleep(rand.N(slowest)) //nolint:gosec // chance, not secrecy
		b.server.ServeHTTP(w, r)
		granted.Add(1)
	}), granted
}

// ids are n chat ids.
func ids(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("chat%032x", i))
	}
	return list
}

// chats are n lines, of which every id comes once in distinct lines.
func chats(n, distinct int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "chat%032x\n", i%distinct)
	}
	return b.String()
}

// convertedChats is the output for chats.
func convertedChats(n, distinct int) string {
	var b strings.Builder
	b.WriteString("chat_id,open_conversation_id,error_code,error\n")
	for i := range n {
		id := fmt.Sprintf("chat%032x", i%distinct)
		fmt.Fprintf(&b, "%s,%s,,\n", id, dingtalktest.OpenConversationIDOf(id))
	}
	return b.String()
}

// partlyConverted is the output for chats of which the first n are called.
func partlyConverted(n, rows int) string {
	text := convertedChats(n, rows)
	for i := n; i < rows; i++ {
		text += fmt.Sprintf("chat%032x,,not-tried,not tried\n", i)
	}
	return text
}

// whatGoesIn are the forms in which ids reach the command, and the flags for them.
func whatGoesIn(ids []string) map[string]struct {
	stdin string
	args  []string
} {
	list := strings.Join(ids, "\n") + "\n"
	return map[string]struct {
		stdin string
		args  []string
	}{
		"arguments":      {"", ids},
		"arguments JSON": {"", append([]string{"--json"}, ids...)},
		"lines":          {list, []string{"-"}},
		"lines as rows":  {list, []string{"--input", "-"}},
		"CSV as rows":    {"chat_id,n\n" + strings.Join(ids, ",1\n") + ",1\n", []string{"--input", "-"}},
		"JSON as rows":   {`{"chatId":"` + strings.Join(ids, "\"}\n{\"chatId\":\"") + "\"}\n", []string{"--input", "-"}},
	}
}

// command is the command as a process, killed at the end of the test, with no environment but the one given.
func command(t testing.TB, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"SystemRoot=" + os.Getenv("SystemRoot"), "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")} // the first for sockets of Windows
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// process is a run of the command as a process of its own.
func (b *bench) process(flags ...string) *exec.Cmd {
	b.t.Helper()
	return command(b.t, serverEnv(b.server), b.args(flags...)...)
}

// limited has a process's files grow no larger than so many blocks of 512 or 1024 bytes.
func limited(t *testing.T, cmd *exec.Cmd, blocks int) *exec.Cmd {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("a file's size cannot be limited here")
	}
	cmd.Args = append([]string{shell, "-c", fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, blocks)}, cmd.Args...)
	cmd.Path = shell
	return cmd
}

// finish runs a process to its end.
func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// started starts a process and returns what tells its end.
func started(t testing.TB, cmd *exec.Cmd) (ended chan struct{}) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	return ended
}

func isClosed(ended chan struct{}) bool {
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

// until waits for a condition that another process brings about.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// killedCode is the exit code of a process that was killed. Windows has no signals, and Go gives it this one there.
var killedCode = map[bool]int{false: -1, true: 1}[runtime.GOOS == "windows"]

// skipWithoutSignals skips where a process cannot be sent this signal, or was told to ignore it.
func skipWithoutSignals(t *testing.T, s os.Signal) {
	t.Helper()
	if runtime.GOOS == "windows" || signal.Ignored(s) {
		t.Skipf("%s is not sent here, or ignored, and so it is in processes that are started from here", s)
	}
}

// book writes a workbook of chats, with a second column, and a second sheet that takes more room than the chats.
func book(t *testing.T, path string, ids ...string) {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	_, err := f.NewSheet("other")
	set := func(sheet string, column, row int, value any) {
		at, _ := excelize.CoordinatesToCellName(column, row)
		err = errors.Join(err, f.SetCellValue(sheet, at, value))
	}
	random := rand.New(rand.NewPCG(4711, 5)) //nolint:gosec // chance, not secrecy
	for i := range 500 {
		set("other", 1, i+1, fmt.Sprintf("%x%x%x%x", random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()))
	}
	set("Sheet1", 1, 1, "n")
	set("Sheet1", 2, 1, "chat_id")
	for i, id := range ids {
		set("Sheet1", 1, i+2, 100_000+i)
		set("Sheet1", 2, i+2, id)
	}
	if err := errors.Join(err, f.SaveAs(path)); err != nil {
		t.Fatal(err)
	}
}
