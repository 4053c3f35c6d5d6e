package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Nothing that has the name of a side file, or nearly, is touched: only those with the run's own mark are.
func TestNothingOfTheUsersIsTouched(t *testing.T) {
	mine := []string{".retry", ".force", ".state.new", ".rows", ".new", ".state.0123456789abcdef", ".0123456789abcdef.retry", ".0123456789abcdef.force", ".0123456789abcdef.rows", ".force.state", ".bak"}
	for name, steps := range map[string][][]string{
		"new":          {nil},
		"force":        {nil, {"--force"}},
		"resume":       {{"--max-calls", "5"}, {"--resume"}},
		"retry":        {{"--max-calls", "5"}, {"--resume"}, {"--retry-failed"}},
		"retry of one": {nil, {"--retry-failed"}},
	} {
		for _, file := range []string{"in.txt", "in.csv", "in.xlsx"} {
			t.Run(name+" "+file, func(t *testing.T) {
				b := newBench(t, file, "unknown1\n"+chats(10, 10))
				switch file {
				case "in.csv":
					b.write(b.in, "chat_id\nunknown1\n"+chats(10, 10))
				case "in.xlsx":
					book(t, b.in, "unknown1\n"+chats(10, 10))
				}
				for _, end := range mine {
					b.write(b.out+end, "precious "+end)
				}
				for _, flags := range steps {
					if got := finish(t, start(t, serverEnv(b.server), b.args(flags...)...)); got.code != 1 && got.code != explain.Limited {
						t.Fatalf("%q: %+v", flags, got)
					}
				}
				for _, end := range mine {
					if got := b.read(b.out + end); got != "precious "+end {
						t.Errorf("out%s holds %q", end, got)
					}
				}
				if entries, _ := os.ReadDir(filepath.Dir(b.out)); len(entries) != len(mine)+2 {
					t.Errorf("files %s", b.files())
				}
			})
		}
	}
}

// A state that is not this command's is refused, with --force as well, and stays.
func TestForeignStateStays(t *testing.T) {
	for _, content := range []string{"precious\n", "", `{"mark":"../x","schema":2}`, "[]"} {
		for _, flag := range []string{"--progress=none", "--resume", "--force", "--retry-failed"} {
			b := newBench(t, "in.txt", chats(3, 3))
			b.write(b.out+".state", content)
			b.want(2, "out.state is corrupt, or no state of this command's", flag)
			if b.read(b.out+".state") != content || b.files() != "in.txt out.state" || b.server.Count(conversion) != 0 {
				t.Errorf("%s: files %s", flag, b.files())
			}
		}
	}
}

// An input that is a side file of the output is refused.
func TestInputThatIsASideFile(t *testing.T) {
	b := newBench(t, "in.txt", chats(20, 20))
	b.server.FailNext(dingtalktest.Pass().For(conversion).Times(5), dingtalktest.Hang().For(conversion).Always())
	b.write(b.out, "old\n")
	cmd := b.process("--force", "--concurrency", "1")
	b.server.FailNext()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "it is at work", func() bool { return b.server.Count(conversion) >= 6 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	b.server.ClearFaults()
	calls := b.server.Count(conversion)
	sides, err := filepath.Glob(b.out + ".*")
	if err != nil || len(sides) < 2 {
		t.Fatalf("files %s", b.files())
	}
	in := b.in
	for _, side := range sides {
		b.in = side
		before := b.read(side)
		b.want(2, "is a side file of "+b.out, "--force", "--format", "lines")
		if b.read(side) != before || b.server.Count(conversion) != calls {
			t.Errorf("%s has changed", side)
		}
	}
	b.in = in
	b.want(0, "20 converted", "--resume")
}

// An output through a link is the file that the link leads to, also if it is not there yet.
func TestOutputThroughALink(t *testing.T) {
	for _, there := range []bool{true, false} {
		t.Run(fmt.Sprint(there), func(t *testing.T) {
			b := newBench(t, "in.txt", chats(20, 20), dingtalktest.WithMonthlyQuota(8))
			folder := filepath.Join(filepath.Dir(b.out), "target")
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			target := filepath.Join(folder, "real.csv")
			if err := os.Symlink(filepath.Join("target", "real.csv"), b.out); err != nil {
				t.Skip("no link can be made here: " + err.Error())
			}
			if there {
				b.write(target, "")
			}
			b.want(4, "monthly quota exhausted", "--concurrency", "1")
			if b.read(target) != convertedChats(8, 20) {
				t.Errorf("%q", b.read(target))
			}
			b.server.Configure(dingtalktest.WithMonthlyQuota(-1))
			b.want(0, "20 converted, 0 failed; 12 calls", "--resume")
			b.want(0, "20 converted, 0 failed; 20 calls", "--force")
			info, err := os.Lstat(b.out)
			if err != nil || info.Mode()&os.ModeSymlink == 0 || b.read(target) != convertedChats(20, 20) || b.files() != "in.txt out target" {
				t.Errorf("%v, files %s", err, b.files())
			}
			if entries, _ := os.ReadDir(folder); len(entries) != 1 {
				t.Errorf("%d files beside the target", len(entries))
			}
		})
	}
}

// Every file beside an output has its mode, and what replaces it as well.
func TestSideFilesTakeTheOutputsMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes there")
	}
	for _, file := range []string{"in.txt", "in.xlsx"} {
		for _, flag := range []string{"--resume", "--force", "--retry-failed"} {
			t.Run(file+" "+flag, func(t *testing.T) {
				b := newBench(t, file, "unknown1\n"+chats(10, 10))
				if file == "in.xlsx" {
					book(t, b.in, "unknown1\n"+chats(10, 10))
				}
				if flag == "--resume" {
					b.want(4, "--max-calls", "--max-calls", "3", "--concurrency", "1")
				} else {
					b.want(1, "10 converted, 1 failed")
				}
				for _, file := range append([]string{b.out}, b.sides()...) {
					if err := os.Chmod(file, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				seen := b.server.Count(conversion)
				b.server.FailNext(dingtalktest.Hang().For(conversion).Always())
				cmd := b.process(flag)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				until(t, "it is at work", func() bool { return b.server.Count(conversion) > seen })
				sides := b.sides()
				for _, side := range sides {
					if info, err := os.Stat(side); err != nil || info.Mode().Perm() != 0o600 {
						t.Errorf("%s: %v %v", side, info.Mode(), err)
					}
				}
				if len(sides) < 2 {
					t.Errorf("files %s", b.files())
				}
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				b.server.ClearFaults()
				b.want(1, "10 converted, 1 failed", flag)
				if info, err := os.Stat(b.out); err != nil || info.Mode().Perm() != 0o600 || b.files() != file+" out" {
					t.Errorf("%v %v, files %s", info.Mode(), err, b.files())
				}
			})
		}
	}
}

// sides are the files beside the output.
func (b *bench) sides() []string {
	b.t.Helper()
	sides, err := filepath.Glob(b.out + ".*")
	if err != nil {
		b.t.Fatal(err)
	}
	return sides
}

// What cannot be read or written is one kind of mistake, whatever is wrong with it.
func TestUnreachableFiles(t *testing.T) {
	b := newBench(t, "in.txt", chats(3, 3))
	dir := filepath.Dir(b.in)
	b.write(filepath.Join(dir, "file"), "x")
	for name, paths := range map[string][2]string{
		"no input":            {filepath.Join(dir, "none"), b.out},
		"folder as input":     {dir, b.out},
		"file as folder":      {filepath.Join(dir, "file", "x"), b.out},
		"no output folder":    {b.in, filepath.Join(dir, "none", "out")},
		"file as such":        {b.in, filepath.Join(dir, "file", "out")},
		"folder as output":    {b.in, dir},
		"long name":           {b.in, filepath.Join(dir, strings.Repeat("x", 300))},
		"file system refuses": {b.in, "/proc/out"},
	} {
		if runtime.GOOS != "linux" && strings.HasPrefix(paths[1], "/proc") {
			continue
		}
		got := finish(t, start(t, serverEnv(b.server), "convert", "--format", "lines", "--input", paths[0], "--output", paths[1]))
		if got.code != 2 || b.server.Count(conversion) != 0 || b.files() != "file in.txt" {
			t.Errorf("%s: %+v, files %s", name, got, b.files())
		}
	}
}

// A workbook that could not be put together, for want of room, is so when the run goes on, without a call.
func TestFullDiskWhileAWorkbookIsMade(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("a file's size cannot be limited here")
	}
	for _, flag := range []string{"--progress=none", "--force", "--retry-failed"} {
		t.Run(flag, func(t *testing.T) {
			b := newBench(t, "in.xlsx", "")
			b.out = filepath.Join(filepath.Dir(b.in), "out.xlsx")
			const rows = 100
			book(t, b.in, chats(rows, rows))
			b.want(0, "100 converted")
			whole := b.read(b.out)
			again := "--resume"
			switch flag {
			case "--progress=none":
				if err := os.Remove(b.out); err != nil {
					t.Fatal(err)
				}
			case "--retry-failed":
				again = flag
				b.server.FailNext(dingtalktest.Code("invalideChatId").For(conversion).Times(rows))
				b.want(1, "100 failed", "--force", "--accept-unknown")
			}
			b.server.ResetRequests()
			env, granted := b.granting(rows, time.Millisecond)
			cmd := start(t, env, b.args("--concurrency", "1", flag)...)
			blocks := len(whole)/1024 - 1 // more than the rows take, and less than the workbook
			cmd.Args = append([]string{shell, "-c", fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, blocks)}, cmd.Args...)
			cmd.Path = shell
			got := finish(t, cmd)
			if granted.Load() != rows || got.code != explain.Unavailable || !strings.Contains(got.stderr, "file too large") {
				t.Fatalf("%d granted, a workbook of %d bytes, %+v", granted.Load(), len(whole), got)
			}
			b.wantWith(env, 0, "100 converted", again)
			if n := b.server.Count(conversion); n != rows || b.read(b.out) != whole || b.files() != "in.xlsx out.xlsx" {
				t.Errorf("%d calls for %d chats, files %s", n, rows, b.files())
			}
		})
	}
}
