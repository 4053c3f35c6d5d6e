package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"golang.org/x/sys/unix"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// terminal is a pseudo terminal, and what was written to it.
type terminal struct {
	t             *testing.T
	master, slave *os.File
	mu            sync.Mutex
	written       bytes.Buffer
	read          chan struct{} // closed when everything has been
}

func newTerminal(t *testing.T, columns int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo terminals here: " + err.Error())
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, _ := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo terminals here: " + err.Error())
	}
	tty := &terminal{t: t, master: master, slave: slave, read: make(chan struct{})}
	tty.resize(columns)
	go func() {
		defer close(tty.read)
		for buf := make([]byte, 4096); ; {
			n, err := master.Read(buf)
			tty.mu.Lock()
			tty.written.Write(buf[:n])
			tty.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return tty
}

func (tty *terminal) resize(columns int) {
	tty.t.Helper()
	if err := unix.IoctlSetWinsize(int(tty.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		tty.t.Fatal(err)
	}
}

func (tty *terminal) text() string {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.written.String()
}

// all is everything that was written, once no process has the terminal any more.
func (tty *terminal) all() string {
	_ = tty.slave.Close()
	<-tty.read
	_ = tty.master.Close()
	return tty.text()
}

// frames are the pictures of the bar, and what is none.
func frames(written string) (frames []string, rest string) {
	for {
		before, behind, found := strings.Cut(written, "\r\x1b[?7l")
		frame, behind, whole := strings.Cut(behind, "\x1b[K\x1b[?7h")
		if rest += before; !found || !whole {
			return frames, rest
		}
		frames, written = append(frames, frame), behind
	}
}

// A bar is one line at any width, and says less where there is less room.
func TestBarIsOneLine(t *testing.T) {
	for _, columns := range []int{20, 24, 40, 60, 80, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "in.txt", chats(60, 60), dingtalktest.WithLatency(10*time.Millisecond))
			tty := newTerminal(t, columns)
			cmd := b.process("--concurrency", "1")
			cmd.Env, cmd.Stderr = append(cmd.Env, "TERM=xterm"), tty.slave
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			pictures, rest := frames(tty.all())
			if len(pictures) < 3 || strings.Contains(rest, "\r\x1b") {
				t.Fatalf("%q %q", pictures, rest)
			}
			for _, frame := range pictures {
				if uniseg.StringWidth(frame) >= columns || strings.ContainsAny(frame, "\n\r\x1b") {
					t.Errorf("%d columns: %q", uniseg.StringWidth(frame), frame)
				}
			}
			last := pictures[len(pictures)-1]
			for text, from := range map[string]int{"100% [": 20, "60/60": 24, "rows/s": 60, "60 calls, 0 throttled": 80} {
				if columns >= from && !strings.Contains(last, text) {
					t.Errorf("%q does not say %q", last, text)
				}
			}
		})
	}
}

// A terminal may be made narrower while the bar is shown.
func TestBarShrinks(t *testing.T) {
	b := newBench(t, "in.txt", chats(200, 200), dingtalktest.WithLatency(10*time.Millisecond))
	tty := newTerminal(t, 100)
	cmd := b.process("--concurrency", "1")
	cmd.Env, cmd.Stderr = append(cmd.Env, "TERM=xterm"), tty.slave
	ended := started(t, cmd)
	shown := func() int { pictures, _ := frames(tty.text()); return len(pictures) }
	until(t, "the bar is shown", func() bool { return shown() > 2 })
	tty.resize(20)
	before := shown()
	until(t, "it is shown twice more", func() bool { return shown() > before+2 })
	_ = cmd.Process.Kill()
	<-ended
	pictures, _ := frames(tty.all())
	for _, frame := range pictures[before+2:] {
		if uniseg.StringWidth(frame) >= 20 {
			t.Errorf("%q", frame)
		}
	}
}

// What is no terminal, or a dumb one, gets plain lines and no colours; NO_COLOR takes the colours away.
func TestTerminals(t *testing.T) {
	for _, tt := range []struct {
		env               string
		pipe, bar, colour bool
	}{
		{"TERM=xterm", false, true, true},
		{"TERM=xterm NO_COLOR=1", false, true, false},
		{"TERM=dumb", false, false, false},
		{"TERM=xterm", true, false, false},
	} {
		b := newBench(t, "in.txt", chats(3, 3), dingtalktest.WithMonthlyQuota(1))
		tty := newTerminal(t, 80)
		cmd := b.process("--concurrency", "1")
		cmd.Env, cmd.Stderr = append(cmd.Env, strings.Fields(tt.env)...), tty.slave
		var piped bytes.Buffer
		if tt.pipe {
			cmd.Stderr = &piped
		}
		_ = cmd.Run()
		written := tty.all() + piped.String()
		pictures, rest := frames(written)
		if (len(pictures) > 0) != tt.bar || strings.Contains(rest, "\x1b[33mhint:\x1b[0m") != tt.colour || strings.Contains(rest, "\x1b") != tt.colour {
			t.Errorf("%+v: %q", tt, written)
		}
	}
}

// TestCallAsks: what is not safe to repeat is asked for by a terminal before it is sent, and only there.
func TestCallAsks(t *testing.T) {
	const message = `{"msgKey":"sampleText","msgParam":{"content":"hello"},"openConversationId":"` + openID + `","robotCode":"` + dingtalktest.RobotCode + `"}`
	server := dingtalktest.NewServer(t)
	for _, tt := range []struct {
		name, answer, args string
		asked              bool
		code, sent         int
	}{
		{"yes", "y\n", "orgGroupSend --body " + message, true, 0, 1},
		{"Yes", "Yes\n", "orgGroupSend --body " + message, true, 0, 1},
		{"no", "n\n", "orgGroupSend --body " + message, true, 1, 0},
		{"nothing", "\n", "orgGroupSend --body " + message, true, 1, 0},
		{"the end of the input", "\x04", "orgGroupSend --body " + message, true, 1, 0},
		{"another word", "yesterday\n", "orgGroupSend --body " + message, true, 1, 0},
		{"--yes, and the alias", "", "sendGroupMessage --yes --body " + message, false, 0, 1},
		{"safe", "", "getBotListInGroup --body {\"openConversationId\":\"" + openID + "\"}", false, 0, 0},
		{"an emulator", "", "orgGroupSend --emulator --body " + message, false, 0, 0},
		{"a script, whose errors go to a terminal", "", "orgGroupSend --body @-", false, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.ResetRequests()
			env := serverEnv(server)
			env["TERM"] = "xterm"
			tty := newTerminal(t, 200)
			cmd := command(t, env, append([]string{"call"}, strings.Fields(tt.args)...)...)
			var stdout bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = tty.slave, &stdout, tty.slave
			if strings.HasSuffix(tt.args, "@-") {
				cmd.Stdin = strings.NewReader(message)
			}
			if _, err := tty.master.WriteString(tt.answer); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Run()
			shown := tty.all()
			if asked := strings.Contains(shown, "[y/N]"); asked != tt.asked || cmd.ProcessState.ExitCode() != tt.code || server.Count(generated.OperationOrgGroupSend) != tt.sent {
				t.Errorf("exit code %d, want %d; %d were sent: %q %s", cmd.ProcessState.ExitCode(), tt.code, server.Count(generated.OperationOrgGroupSend), shown, &stdout)
			}
		})
	}
}
