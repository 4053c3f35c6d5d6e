//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
)

// elision stands for text that is not shown: within a line for any, as a line of its own for any lines.
const elision = "…"

// command is one of a console or an sh block.
type command struct {
	text  string
	shown []string // the output that the page shows; none is not compared
}

// commands are those of a block. In a console block each follows a prompt, and what the page shows of its output follows
// it. An sh block is for pasting: each line is a command, and none of their output is shown.
func (b block) commands() (list []command) {
	for _, line := range b.body {
		if text, prompted := strings.CutPrefix(line, prompt); prompted || b.language == "sh" {
			list = append(list, command{text: text})
		} else {
			last := &list[len(list)-1]
			last.shown = append(last.shown, line)
		}
	}
	return list
}

// console runs the commands of a block in a shell, one after the other. Each must succeed, unless the next one shows its exit code.
func (u *user) console(t *testing.T, b block) {
	commands := b.commands()
	var texts []string
	for _, c := range commands {
		texts = append(texts, c.runs())
	}
	until := ""
	if _, ok := b.marks["interrupt"]; ok {
		until = pattern(commands[len(commands)-1].shown)
	}
	for i, got := range u.shell(t, u.folder(t, b), texts, until) {
		c := commands[i]
		if told := i+1 < len(commands) && strings.HasPrefix(commands[i+1].text, "echo $?"); got.code != 0 && !told {
			t.Errorf("$ %s\nexit code %d\n%s", c.text, got.code, got.output)
		}
		if len(c.shown) > 0 && !regexp.MustCompile("^"+pattern(c.shown)+"$").MatchString(strings.TrimRight(got.output, "\n")) {
			t.Errorf("$ %s\nthe page shows\n%s\nbut it printed\n%s", c.text, strings.Join(c.shown, "\n"), got.output)
		}
	}
}

// runs returns the shell's text for a command, or nothing for a make target whose output the page does not show: it
// may take minutes, and is a step of its own.
func (c command) runs() string {
	if strings.HasPrefix(c.text, "make ") && len(c.shown) == 0 {
		return ""
	}
	return c.text
}

// pattern is a regular expression of the output that a page shows.
func pattern(shown []string) string {
	lines := slices.Clone(shown)
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	var b strings.Builder
	for i, line := range lines {
		if line == elision {
			b.WriteString(`(?s:.*?)`)
			continue
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), elision, ".*"))
		if i < len(lines)-1 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// result is the output of a command, standard error included, and its exit code.
type result struct {
	output string
	code   int
}

// exported is the file of the exported variables, which carry over from one block to the next, as in one terminal.
func (u *user) exported() string { return filepath.Join(u.Home, "exported") }

var placeholder = regexp.MustCompile(`\b([A-Z_]+)=` + elision)

// shell runs commands in one bash, in which folder and variables carry over from one to the next. until is a regular
// expression: once the last command has printed it, it is interrupted.
func (u *user) shell(t *testing.T, folder string, commands []string, until string) []result {
	t.Helper()
	const end = "\x01end "
	script := strings.Builder{}
	fmt.Fprintf(&script, ". %[1]s 2>/dev/null\ncd %[2]s\ntrap 'export -p > %[1]s' EXIT\n", u.exported(), folder)
	for _, c := range commands {
		c = placeholder.ReplaceAllStringFunc(c, func(s string) string {
			name := strings.TrimSuffix(s, "="+elision)
			value, ok := u.fill[name]
			if !ok {
				t.Fatalf("$ %s\nnothing is known that %s=%s stands for", c, name, elision)
			}
			return name + "=" + value
		})
		if strings.HasPrefix(c, "openconversation ") || c == "go run ." { // other programs get modules from where the go command does
			c = strings.Join(u.online, " ") + " " + c
		}
		c = strings.Replace(c, "$(openconversation ", "$("+strings.Join(u.online, " ")+" openconversation ", 1)
		// A command finds in $? how the one before it ended, as in a terminal.
		fmt.Fprintf(&script, "(exit ${code:-0})\n%s\ncode=$?; printf '\\001end %%d\\n' $code\n", c)
	}
	cmd := exec.CommandContext(newcomer.Context(t), "bash", "-c", script.String())
	cmd.Dir, cmd.Env = folder, u.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Cancel() }() // what a block that fails leaves running
	go func() { writer.CloseWithError(cmd.Wait()) }()

	var output bytes.Buffer
	stop := regexp.MustCompile(until)
	for chunk := make([]byte, 4096); ; {
		n, err := reader.Read(chunk)
		output.Write(chunk[:n])
		if until != "" && stop.Match(output.Bytes()) {
			until = ""
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		}
		if err != nil {
			break
		}
	}
	var results []result
	rest := output.String()
	for range commands {
		text, after, found := strings.Cut(rest, end)
		number, remaining, _ := strings.Cut(after, "\n")
		code, err := strconv.Atoi(number)
		if !found || err != nil {
			t.Fatalf("%q did not end in time, or ended the shell; it printed\n%s", commands, rest)
		}
		results, rest = append(results, result{text, code}), remaining
	}
	return results
}
