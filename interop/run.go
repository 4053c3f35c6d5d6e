package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// caseLimit is how long a program may take for one case. Each needs a fraction of a second on an idle machine.
const caseLimit = 2 * time.Minute

// column is what came out of one language.
type column struct {
	language language
	problem  string // why it did not run
	short    string // the same for a cell
	cells    map[string]cell
	building time.Duration
	running  time.Duration
}

// cell is what came out of one case.
type cell struct {
	text   string // ok, a defect's name, or FAILED
	failed bool
	notes  []string // what to print below the table
}

func (c column) failed() bool {
	if c.problem != "" {
		return true
	}
	for _, cell := range c.cells {
		if cell.failed {
			return true
		}
	}
	return false
}

// runLanguage builds a language's program and runs it once per case.
func (s *settings) runLanguage(ctx context.Context, l language, cases []testCase) column {
	c := column{language: l, cells: map[string]cell{}}
	fmt.Fprintf(os.Stderr, "== %s\n", l.name)
	defects, err := loadDefects(filepath.Join(s.root, "interop", l.folder, "defects.json"))
	if err != nil {
		c.problem, c.short = err.Error(), "NOT RUN"
		return c
	}
	started := time.Now()
	if err := provide(ctx, l.needs); err != nil {
		c.problem, c.short = err.Error(), "NO TOOLS"
		return c
	}
	program, err := s.build(ctx, l)
	c.building = time.Since(started)
	if err != nil {
		c.problem, c.short = err.Error(), "NO BUILD"
		return c
	}
	server, err := serve(ctx)
	if err != nil {
		c.problem, c.short = err.Error(), "NOT RUN"
		return c
	}
	defer server.close()
	server.official = l.official
	started = time.Now()
	for _, test := range cases {
		if l.official && !test.Official {
			continue
		}
		o := runCase(ctx, program, test, server)
		if s.verbose {
			fmt.Fprintf(os.Stderr, "%s %s: sent %q, printed %s%s %s\n", l.name, test.Name, o.path, encode(o.got), o.crash, o.log)
		}
		c.cells[test.Name] = judge(l, test, o, defects)
	}
	c.running = time.Since(started)
	return c
}

// judge compares an outcome with what the case wants and with what is known to be wrong.
func judge(l language, test testCase, o outcome, defects map[string]defect) cell {
	differences := o.differences(test.Want, l.official)
	known, listed := defects[test.Name]
	reproduce := fmt.Sprintf("go run ./interop -%s %s -case %s -v", cmp.Or(l.flag, "lang"), l.name, test.Name)
	switch {
	case len(differences) == 0 && !listed:
		return cell{text: "ok"}
	case len(differences) == 0:
		return cell{text: "FIXED?", failed: true, notes: []string{
			fmt.Sprintf("passes although interop/%s/defects.json names a defect (%s): take it out", l.folder, known.Name)}}
	case listed && known.is(o):
		notes := []string{known.Says}
		if known.Link != "" {
			notes = append(notes, known.Link)
		}
		return cell{text: known.Name, notes: append(notes, reproduce)}
	default:
		notes := append(differences, "path: "+o.path, reproduce)
		if o.log != "" {
			notes = append(notes, "log: "+tail(o.log))
		}
		return cell{text: "FAILED", failed: true, notes: notes}
	}
}

// runCase runs a program in its own process against a server, which has an emulator of its own for the case.
func runCase(ctx context.Context, program string, test testCase, server *listening) outcome {
	emulator := test.Emulator.emulator()
	defer emulator.Close()
	server.emulator.Store(emulator)

	var o outcome
	o.token = emulator.IssueToken()
	args := []string{"convert", server.url, o.token, test.ChatID}
	if test.Token != "" {
		args[2] = test.Token
	}
	if test.Operation == "token" {
		args = []string{"token", server.url, dingtalktest.AppKey, dingtalktest.AppSecret}
		if test.Secret != "" {
			args[3] = test.Secret
		}
	}
	if server.official {
		// The samples make the conversion only, and take the address as their SDKs do.
		scheme, host, _ := strings.Cut(server.url, "://")
		args = append([]string{scheme, host}, args[2:]...)
	}
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Env = environment()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.WaitDelay = time.Second
	err := command.Run()

	o.requestID = server.requestID()
	if requests := emulator.Requests(); len(requests) > 0 {
		last := requests[len(requests)-1]
		o.path, o.answered = last.Path, last.Status
	}
	// Some generated clients print too; what counts is the last line.
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	last := lines[len(lines)-1]
	o.log = strings.TrimSpace(strings.Join(lines[:len(lines)-1], "\n") + "\n" + stderr.String())
	switch {
	case err != nil:
		o.crash = fmt.Sprintf("%v: %s", err, tail(stderr.String()+stdout.String()))
	case json.Unmarshal([]byte(last), &o.got) != nil:
		o.crash = fmt.Sprintf("printed no JSON: %q", last)
	}
	return o
}

// environment is this process's, in UTF-8. Beside the hosts that a proxy is not for already, it is not for the emulator's,
// on the loopback interface.
func environment(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(strings.ToLower(entry), "=")
		return name == "lang" || strings.HasPrefix(name, "lc_")
	})
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		hosts := append(split(os.Getenv(name)), "127.0.0.1")
		env = append(env, name+"="+strings.Join(hosts, ","))
	}
	return append(append(env, "LANG=C.UTF-8", "LC_ALL=C.UTF-8"), extra...)
}

// listening is a loopback listener in front of an emulator.
type listening struct {
	url      string // for clients: of the listener, or of a proxy before it
	official bool   // whether the clients are official SDKs
	emulator atomic.Pointer[dingtalktest.Emulator]
	close    func()
	mu       sync.Mutex
	last     string
}

// serve listens. An emulator is to be stored before the first request.
func serve(ctx context.Context) (*listening, error) {
	listener, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	l := &listening{url: "http://" + listener.Addr().String()}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l.emulator.Load().ServeHTTP(w, r)
			l.mu.Lock()
			l.last = w.Header().Get(generated.RequestIDHeader)
			l.mu.Unlock()
		}),
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "interop: the emulator stopped:", err)
		}
	}()
	l.close = func() { _ = server.Close() }
	return l, nil
}

// listen takes a free port of the loopback interface.
func listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", "127.0.0.1:0")
}

// requestID is that of the last answer.
func (l *listening) requestID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// tail is the end of a text, in one line.
func tail(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	const limit = 400
	if runes := []rune(text); len(runes) > limit {
		return "…" + string(runes[len(runes)-limit:])
	}
	return text
}
