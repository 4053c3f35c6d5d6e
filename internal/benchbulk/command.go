package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// build builds the command, unless -command names one that is built.
func (b *bench) build(ctx context.Context) (string, error) {
	if b.commandPath != "" {
		return filepath.Abs(b.commandPath)
	}
	path := filepath.Join(b.dir, "openconversation.exe") // the suffix does no harm elsewhere
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/openconversation")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// start starts the command as a process that knows the emulator at url.
func (b *bench) start(ctx context.Context, url string, args ...string) (*process, error) {
	path, err := b.command()
	if err != nil {
		return nil, err
	}
	p := &process{Cmd: exec.CommandContext(ctx, path, args...), ended: make(chan struct{})}
	p.Env = append(os.Environ(),
		"DINGTALK_APP_KEY="+dingtalktest.AppKey, "DINGTALK_APP_SECRET="+dingtalktest.AppSecret, "DINGTALK_BASE_URL="+url)
	p.Stderr = &p.stderr
	stdout, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	first := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			select {
			case first <- lines.Text():
			default:
			}
		}
		close(first)
		_ = p.Wait() // what it ended with is in ProcessState
		close(p.ended)
	}()
	p.first = first
	return p, nil
}

// process is a command that runs or has ended.
type process struct {
	*exec.Cmd
	first  <-chan string // its first line of standard output, or closed
	stderr bytes.Buffer  // to be read when it has ended
	ended  chan struct{}
}

// exits waits for the process to end and checks its exit code.
func (p *process) exits(code int) error {
	<-p.ended
	if got := p.ProcessState.ExitCode(); got != code {
		return fmt.Errorf("%s ended with exit code %d, wanted %d:\n%s", strings.Join(p.Args[1:], " "), got, code, tail(p.stderr.String()))
	}
	return nil
}

// tail is the end of a text that may be long.
func tail(s string) string {
	const most = 1000
	return s[max(0, len(s)-most):]
}

// kill ends the process as a crash of the machine would: it cannot clean up.
func (p *process) kill() {
	_ = p.Process.Kill() // it may have ended
	<-p.ended
}

// emulator starts one in another process, and returns its address.
func (b *bench) emulator(ctx context.Context) (*process, string, error) {
	p, err := b.start(ctx, "", "emulator", "--any-chat")
	if err != nil {
		return nil, "", err
	}
	line, ok := <-p.first
	fields := strings.Fields(line) // listening on URL with KEY SECRET
	if !ok || len(fields) < 3 {
		p.kill()
		return nil, "", fmt.Errorf("the emulator did not start: %q\n%s", line, p.stderr.String())
	}
	return p, fields[2], nil
}

// conversion is a run of the command over a file, as its arguments.
type conversion struct {
	input, output string
	concurrency   int
}

// newConversion names files in a folder of their own.
func (b *bench) newConversion(name string) (conversion, error) {
	dir := filepath.Join(b.dir, name)
	out := filepath.Join(dir, "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return conversion{}, err
	}
	return conversion{filepath.Join(dir, "chats.csv"), filepath.Join(out, "converted.csv"), b.concurrency}, nil
}

func (c conversion) args(more ...string) []string {
	return append([]string{
		"convert", "--input", c.input, "--column", column, "--output", c.output,
		"--qps", "0", "--concurrency", strconv.Itoa(c.concurrency),
	}, more...)
}

// memory is a process's peak of resident memory after each tenth of its output, in bytes.
type memory struct{ tenth, peak int64 }

// errNoMemory is where /proc has no such file.
var errNoMemory = errors.New("memory is measured on Linux only")

// watch samples a process until it ends. Progress is what it has written to the folder of its output.
func (p *process) watch(dir string) (memory, error) {
	type sample struct{ written, peak int64 }
	var samples []sample
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-tick.C:
			if peak, ok := peakMemory(p.Process.Pid); ok {
				samples = append(samples, sample{written(dir), peak})
			}
		case <-p.ended:
			running = false
		}
	}
	if len(samples) == 0 {
		return memory{}, errNoMemory
	}
	last := samples[len(samples)-1]
	m := memory{peak: last.peak}
	for _, s := range samples {
		if m.tenth = s.peak; s.written*10 >= last.written {
			break
		}
	}
	return m, nil
}

// written is the size of a folder's files in bytes.
func written(dir string) (total int64) {
	entries, _ := os.ReadDir(dir) // files that come and go have no size
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			total += info.Size()
		}
	}
	return total
}

// peakMemory reads VmHWM. A process that has ended, and waits to be collected, has none.
func peakMemory(pid int) (bytes int64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		return 0, false
	}
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kilobytes << 10, err == nil
}
