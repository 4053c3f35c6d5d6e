package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// shards converts an input in so many parts, each by a process of its own, all at once. skip are not converted.
func (b *bench) shards(of int, flags []string, skip ...int) (parts []string) {
	b.t.Helper()
	var wait sync.WaitGroup
	var env []string
	for name, value := range serverEnv(b.server) {
		env = append(env, name+"="+value)
	}
	for n := 1; n <= of; n++ {
		if slices.Contains(skip, n) {
			continue
		}
		name := filepath.Join(filepath.Dir(b.in), fmt.Sprintf("part-%d%s", n, filepath.Ext(b.out)))
		parts = append(parts, name)
		cmd := command(b.t, append([]string{"convert", "--input", b.in, "--output", name, "--qps", "0", "--shard", fmt.Sprintf("%d/%d", n, of)}, flags...)...)
		cmd.Env = append(cmd.Env, env...)
		wait.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				b.t.Errorf("shard %d: %v\n%s", n, err, out)
			}
		})
	}
	wait.Wait()
	return parts
}

// Processes that convert the shards of a file give, merged, the bytes that one process gives, and call each chat once.
func TestShardsMerged(t *testing.T) {
	const rows, distinct = 400, 350
	for name, form := range forms(t, rows, distinct) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newFormBench(t, form, rows, distinct)
			b.want(0, "400 converted", form.flags...)
			whole := b.read(b.out)
			b.server.ResetRequests()
			parts := b.shards(3, form.flags)
			if calls := b.server.Count(conversion); calls != distinct {
				t.Errorf("%d calls for %d chats", calls, distinct)
			}
			slices.Reverse(parts)
			args := append([]string{"merge", "--input", b.in, "--output", b.out, "--force"}, form.flags...)
			got := runArgs(t, "", append(args, parts...)...)
			if want := "400 rows: 400 converted, 0 failed, 0 missing; in " + b.out + "\n"; got.code != 0 || !strings.HasSuffix(got.stderr, want) {
				t.Errorf("merge: %+v", got)
			}
			if b.read(b.out) != whole {
				t.Error("the merged output is not what one process gives")
			}
		})
	}
}

// Rows that no part has are listed, and converted by a later run; nothing that a part has is asked for again.
func TestMergeWithMissingRows(t *testing.T) {
	b := newBench(t, "in.csv", "chat_id,n\n"+strings.Join(func() (lines []string) {
		for i, id := range strings.Fields(chats(100, 100)) {
			lines = append(lines, fmt.Sprintf("%s,%d\n", id, i))
		}
		return lines
	}(), ""))
	b.out = filepath.Join(filepath.Dir(b.in), "out.csv")
	parts := b.shards(4, nil, 2)
	content := b.read(parts[0])
	last := strings.LastIndex(strings.TrimSpace(content), "\n") + 1
	b.write(parts[0], content[:last]) // as a run that was stopped leaves it
	done := strings.Count(b.read(parts[0])+b.read(parts[1])+b.read(parts[2]), "\n") - 3

	args := append([]string{"merge", "--input", b.in, "--output", b.out, "--of", "4", "--json"}, parts...)
	got := runArgs(t, "", args...)
	var summary struct {
		Rows, Converted, Failed, Parts, ExitCode int
		Missing                                  []struct {
			Shard, File string
			Rows, Line  int
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &summary); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	if got.code != 1 || summary.ExitCode != 1 || summary.Parts != 4 || summary.Rows != 100 || summary.Converted != done || summary.Failed != 0 ||
		len(summary.Missing) != 2 || summary.Missing[0].Shard != "1/4" || summary.Missing[0].Rows != 1 || summary.Missing[0].File != parts[0] ||
		summary.Missing[1].Shard != "2/4" || summary.Missing[1].Rows != 100-done-1 || summary.Missing[1].File != "" || summary.Missing[1].Line < 2 {
		t.Errorf("%+v", got)
	}
	if n := strings.Count(b.read(b.out), ",not-tried,no part has this row\n"); n != 100-done {
		t.Errorf("%d rows are said to be missing, and %d are", n, 100-done)
	}
	b.server.ResetRequests()
	b.want(0, "100 converted", "--retry-failed")
	if calls := b.server.Count(conversion); calls != 100-done {
		t.Errorf("%d calls for %d missing rows", calls, 100-done)
	}
}

// What is no part of the input, or would be taken for one, is refused before anything is written.
func TestMergeRefuses(t *testing.T) {
	b := newBench(t, "in.csv", "chat_id\n"+chats(40, 40), dingtalktest.WithAnyChat())
	b.out = filepath.Join(filepath.Dir(b.in), "out.csv")
	parts := b.shards(2, nil)
	other := filepath.Join(filepath.Dir(b.in), "other.csv")
	b.write(other, "chat_id,open_conversation_id,error_code,error\nchatOfSomethingElse,x,,\n")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"another table":       {[]string{parts[0], other}, "is no part of this input: "},
		"the same part":       {[]string{parts[0], parts[0]}, "are both shard 1 of 2"},
		"one of more":         {[]string{parts[0]}, "hint: if some parts are not given, say with --of how many there are\n"},
		"the input":           {[]string{parts[0], b.in}, "is no part of this input: "},
		"no such file":        {[]string{parts[0], b.in + ".none"}, "hint: if there is no such part yet, leave it out and say with --of how many there are\n"},
		"fewer than given":    {append([]string{"--of", "1"}, parts...), "--of: 1 is less than the 2 parts that are given\n"},
		"no part":             {nil, "openconversation: no part is given; name the outputs of convert --shard\n"},
		"JSON without a file": {append([]string{"--json", "--output", "-"}, parts...), "add --output\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := runArgs(t, "", append([]string{"merge", "--input", b.in, "--output", b.out}, c.args...)...)
			if got.code != 2 || !strings.Contains(got.stderr, c.want) || got.stdout != "" {
				t.Errorf("%+v", got)
			}
			if _, err := os.Stat(b.out); err == nil {
				t.Error("there is an output")
			}
		})
	}
	got := runArgs(t, "", append([]string{"merge", "--input", b.in}, parts...)...)
	if got.code != 0 || strings.Count(got.stdout, "\n") != 41 {
		t.Errorf("to standard output: %+v", got)
	}
}

// A shard that has no rows is a part like others, in every kind of format.
func TestEmptyShard(t *testing.T) {
	id := strings.TrimSpace(chats(1, 1))
	for file, content := range map[string]string{
		"in.csv": "chat_id\n" + id + "\n", "in.txt": id + "\n", "in.jsonl": `{"chatId":"` + id + `"}` + "\n", "in.json": `[{"chatId":"` + id + `"}]`,
	} {
		t.Run(file, func(t *testing.T) {
			b := newBench(t, file, content)
			b.out = filepath.Join(filepath.Dir(b.in), "out"+strings.Replace(filepath.Ext(file), "txt", "csv", 1))
			b.want(0, "1 converted")
			whole := b.read(b.out)
			parts := b.shards(3, nil)
			got := runArgs(t, "", append([]string{"merge", "--input", b.in, "--output", b.out, "--force"}, parts...)...)
			if got.code != 0 || b.read(b.out) != whole {
				t.Errorf("%+v\n%s", got, b.read(b.out))
			}
		})
	}
}

// What belongs to one shard is not continued as another.
func TestShardIsPartOfARun(t *testing.T) {
	b := newBench(t, "in.csv", "chat_id\n"+chats(40, 40))
	b.out = filepath.Join(filepath.Dir(b.in), "out.csv")
	b.want(4, "--resume --shard 1/2 ", "--shard", "1/2", "--max-calls", "5")
	b.want(2, "it was begun with another encoding, separator, sheet or shard", "--shard", "2/2", "--resume")
	b.want(0, "converted, 0 failed", "--shard", "1/2", "--resume")
	b.want(0, "converted, 0 failed", "--shard", "1/2", "--force")
	for _, bad := range []string{"0/2", "3/2", "2", "a/b", "1/0", "-1/2", "1/20000"} {
		b.want(2, "--shard "+bad+": give a part and how many there are", "--shard="+bad)
	}
}

// The ways that the page names for several machines do what it says, with real processes.
func TestShardsAsThePageSays(t *testing.T) {
	page, err := os.ReadFile("../../docs/many-machines.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		_, rest, found := strings.Cut(string(page), "```"+language+"\n")
		text, _, ended := strings.Cut(rest, "```")
		if !found || !ended {
			t.Fatalf("the page has no %s block", language)
		}
		return text
	}
	bin := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(bin, "openconversation")); err != nil {
		t.Skip(err)
	}
	shell := func(dir, script string, env ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
		cmd.Dir = dir
		cmd.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH")}, env...)
		return cmd
	}
	const rows = 200
	for name, convert := range map[string]func(*testing.T, *bench, []string){
		"a loop": func(t *testing.T, b *bench, env []string) {
			if out, err := shell(filepath.Dir(b.in), block("sh"), env...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		},
		"a Job": func(t *testing.T, b *bench, env []string) {
			_, rest, found := strings.Cut(block("yaml"), "args:\n")
			script, _, ended := strings.Cut(rest, "env:")
			_, script, piped := strings.Cut(script, "- |\n")
			if !found || !ended || !piped {
				t.Fatal("the Job has no script")
			}
			var wait sync.WaitGroup
			for index := range 5 {
				cmd := shell(filepath.Dir(b.in), strings.ReplaceAll(script, "/data/", "./"), append(env, fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))...)
				wait.Go(func() {
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("pod %d: %v\n%s", index, err, out)
					}
				})
			}
			wait.Wait()
			if out, err := shell(filepath.Dir(b.in), strings.TrimSpace(strings.ReplaceAll(block("text"), "/data/", "./")), env...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("sh"); err != nil {
				t.Skip("there is no sh")
			}
			b := newBench(t, "chats.csv", "chat_id\n"+chats(rows, rows))
			var env []string
			for name, value := range serverEnv(b.server) {
				env = append(env, name+"="+value)
			}
			convert(t, b, env)
			merged := b.read(filepath.Join(filepath.Dir(b.in), "converted.csv"))
			if got := strings.Count(merged, "\n"); got != rows+1 || strings.Contains(merged, "not-tried") {
				t.Errorf("%d lines:\n%s", got, merged)
			}
			if calls := b.server.Count(conversion); calls != rows {
				t.Errorf("%d calls for %d chats", calls, rows)
			}
		})
	}
}
