package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Nothing that has the name of a side file, or nearly, is touched: only those with the run's own mark are.
func TestNothingOfTheUsersIsTouched(t *testing.T) {
	mine := []string{".new", ".before", ".journal.new", ".journal.bak", ".0123456789abcdef.new", ".0123456789abcdef.before", ".state", ".bak"}
	for name, steps := range map[string][][]string{
		"new":          {nil},
		"force":        {nil, {"--again=all"}},
		"resume":       {{"--max-calls", "5"}, nil},
		"retry":        {{"--max-calls", "5"}, nil, {"--again=failed"}},
		"retry of one": {nil, {"--again=failed"}},
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
				if entries, _ := os.ReadDir(filepath.Dir(b.out)); len(entries) != len(mine)+3 {
					t.Errorf("files %s", b.files())
				}
			})
		}
	}
}

// A journal that is not this command's is refused, whatever the flags, and stays.
func TestForeignJournalStays(t *testing.T) {
	for _, content := range []string{"precious\n", "precious", `{"openconversation":"journal","version":1,"mark":"../x"}` + "\n", "[]\n"} {
		for _, flag := range []string{"--progress=none", "--again=all", "--again=failed", "--dry-run"} {
			b := newBench(t, "in.txt", chats(3, 3))
			b.write(b.out+".journal", content)
			b.want(2, "out.journal is no journal of this command's", flag)
			if b.read(b.out+".journal") != content || b.files() != "in.txt out.journal" || b.server.Count(conversion) != 0 {
				t.Errorf("%s: files %s", flag, b.files())
			}
		}
	}
}

// An input that a run may change is refused.
func TestInputThatIsASideFile(t *testing.T) {
	b := newBench(t, "in.txt", chats(20, 20))
	b.want(0, "20 converted")
	b.in = b.out + ".journal"
	before := b.read(b.in)
	b.want(2, "is a file of a run that writes "+b.out, "--format", "lines")
	b.want(2, "is a file of a run that writes "+b.out, "--format", "lines", "--dry-run")
	if b.read(b.in) != before {
		t.Error("the journal has changed")
	}
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
			if b.read(target) != partlyConverted(8, 20) {
				t.Errorf("%q", b.read(target))
			}
			b.server.Configure(dingtalktest.WithMonthlyQuota(-1))
			b.want(0, "20 converted, 0 failed; 12 calls")
			b.want(0, "20 converted, 0 failed; 20 calls", "--again=all")
			info, err := os.Lstat(b.out)
			if err != nil || info.Mode()&os.ModeSymlink == 0 || b.read(target) != convertedChats(20, 20) || b.files() != "in.txt out target" {
				t.Errorf("%v, files %s", err, b.files())
			}
			if entries, _ := os.ReadDir(folder); len(entries) != 2 {
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
	b := newBench(t, "in.txt", "unknown1\n"+chats(10, 10))
	if err := os.WriteFile(b.out, nil, 0o600); err != nil { // as mktemp does
		t.Fatal(err)
	}
	modes := func(out, journal os.FileMode) {
		t.Helper()
		for path, want := range map[string]os.FileMode{b.out: out, b.out + ".journal": journal} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, want %v", path, info.Mode(), want)
			}
		}
	}
	b.want(1, "10 converted, 1 failed")
	modes(0o600, 0o600)
	if err := os.Chmod(b.out, 0o640); err != nil {
		t.Fatal(err)
	}
	b.write(b.in, "unknown1\n"+chats(12, 12))
	b.want(1, "12 converted, 1 failed")
	modes(0o640, 0o600)
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

// An output that could not be put together, for want of room, is so when the command is given again, without a call.
func TestFullDiskWhileAnOutputIsMade(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("a file's size cannot be limited here")
	}
	const rows = 1000
	b := newBench(t, "in.csv", "chat_id,note\n"+strings.ReplaceAll(chats(rows, rows), "\n", ","+strings.Repeat("x", 300)+"\n"))
	cmd := b.process()
	cmd.Args = append([]string{shell, "-c", `ulimit -f 300 && exec "$0" "$@"`}, cmd.Args...) // more than the journal takes, and less than the output
	cmd.Path = shell
	got := finish(t, cmd)
	if got.code != explain.Unavailable || !strings.Contains(got.stderr, "file too large") || !strings.Contains(got.stderr, "the same command makes the output") || b.files() != "in.csv out.journal" {
		t.Fatalf("%+v, files %s", got, b.files())
	}
	b.want(0, "1000 converted, 0 failed; 0 calls")
	if n := b.server.Count(conversion); n != rows || strings.Count(b.read(b.out), ",cid") != rows || b.files() != "in.csv out out.journal" {
		t.Errorf("%d calls for %d chats, files %s", n, rows, b.files())
	}
}
