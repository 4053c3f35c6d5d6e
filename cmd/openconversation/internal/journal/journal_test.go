package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// open opens a journal of an app.
func open(path, app string) (*Journal, error) {
	return Open(strings.TrimSuffix(path, ".journal"), nil, Wanted{App: app, Room: 4, Settles: func(code string) bool { return code == "unknown" }})
}

func opened(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := open(path, "app")
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func put(t *testing.T, j *Journal, id string, r rows.Result) {
	t.Helper()
	if err := j.Put(id, r); err != nil {
		t.Fatal(err)
	}
}

func closed(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// want checks an id's result and whether it is settled.
func want(t *testing.T, j *Journal, id string, r rows.Result, settled bool) {
	t.Helper()
	got, err := j.Get(id)
	if err != nil || got.Result != r || got.Settled != settled {
		t.Errorf("%s: %+v, %v; want %+v, %t", id, got, err, r, settled)
	}
}

func to(id string) rows.Result { return rows.Result{OpenConversationID: "cid" + id} }

// A journal holds what a map would, however often it is opened, its index grows and its process is killed.
func TestJournalIsAMap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.journal")
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // chance, not secrecy
	model := map[string]rows.Result{}
	j := opened(t, path)
	for n := range 6_000 {
		id := fmt.Sprintf("chat%d", random.IntN(2500))
		if n%7 == 0 {
			id = "群\"" + id + "\\\n"
		}
		r := to(fmt.Sprint(random.IntN(1e6)))
		switch random.IntN(4) {
		case 0:
			r = rows.Result{Code: "unknown", Error: strings.Repeat("x", random.IntN(3000)) + "<&>\x00"}
		case 1:
			r.Name, r.Status = "名\"", "normal"
		}
		put(t, j, id, r)
		model[id] = r
		if random.IntN(20) == 0 {
			want(t, j, id, r, true)
		}
		switch random.IntN(600) {
		case 0:
			closed(t, j)
			j = opened(t, path)
		case 1: // killed: the blank space stays, and nothing else is written
			_ = j.file.Close()
			j = opened(t, path)
		}
	}
	closed(t, j)
	j = opened(t, path)
	defer closed(t, j)
	for id, r := range model {
		want(t, j, id, r, true)
	}
	want(t, j, "none", rows.Result{}, false)
	if j.index.used != len(model) || j.Skipped != 0 {
		t.Errorf("%d ids, want %d; %d lines skipped", j.index.used, len(model), j.Skipped)
	}
}

// sample writes a journal of a few results, and returns its bytes.
func sample(t *testing.T, path string) string {
	t.Helper()
	j := opened(t, path)
	for n := range 3 {
		put(t, j, fmt.Sprint("chat", n), to(fmt.Sprint(n)))
	}
	if err := j.wrote("digest", true, false); err != nil {
		t.Fatal(err)
	}
	closed(t, j)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Whatever a crash or a disk makes of a journal, no chat gets a result that is not its own, what is whole is known, and
// new results can be added. Only a damaged first line is refused, and then nothing is changed.
func TestDamagedAtEveryByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.journal")
	whole := sample(t, path)
	head := strings.IndexByte(whole, '\n')
	damages := map[string]func(at int) string{
		"cut":         func(at int) string { return whole[:at] },
		"cut, blanks": func(at int) string { return whole[:at] + strings.Repeat("\n", 5000) },
		"cut, NULs":   func(at int) string { return whole[:at] + strings.Repeat("\x00", 3000) },
		"other byte":  func(at int) string { return whole[:at] + string(whole[at]^1) + whole[at+1:] },
		"NUL":         func(at int) string { return whole[:at] + "\x00" + whole[at+1:] },
		"line end":    func(at int) string { return whole[:at] + "\n" + whole[at+1:] },
		"gap":         func(at int) string { return whole[:at] + whole[at+1:] },
	}
	for name, damage := range damages {
		for at := range len(whole) {
			if at%5 > 0 && name != "cut" && name != "other byte" {
				continue
			}
			damaged := damage(at)
			if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := open(path, "app")
			if err != nil {
				now, _ := os.ReadFile(path)
				if at > head || string(now) != damaged {
					t.Fatalf("%s at %d: %v", name, at, err)
				}
				continue
			}
			if at < head && name == "other byte" {
				t.Errorf("%s at %d: the first line is taken", name, at)
			}
			known := 0
			for n := range 3 {
				id := fmt.Sprint("chat", n)
				switch got, err := j.Get(id); {
				case err != nil || got.Result != to(fmt.Sprint(n)) && got != (Entry{}):
					t.Fatalf("%s at %d: %s is %+v, %v", name, at, id, got, err)
				case got.Settled:
					known++
				}
			}
			if strings.HasPrefix(name, "cut") {
				if lines := strings.Count(damaged[:at], `"to"`) - 1; known < lines {
					t.Fatalf("%s at %d: %d are known of %d", name, at, known, lines)
				}
			} else if known < 1 && at > head {
				t.Fatalf("%s at %d: %d are known", name, at, known)
			}
			if at%16 > 0 {
				_ = j.file.Close()
				continue
			}
			put(t, j, "new", to("new"))
			closed(t, j)
			j = opened(t, path)
			want(t, j, "new", to("new"), true)
			closed(t, j)
		}
	}
}

// A journal of no app is the first one's that puts a result into it, and then no other's.
func TestWhoseItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.journal")
	for _, step := range []struct {
		app    string
		result bool
		err    bool
	}{{"", false, false}, {"a", false, false}, {"b", true, false}, {"a", false, true}, {"", false, false}, {"b", false, false}} {
		j, err := open(path, step.app)
		if (err != nil) != step.err {
			t.Fatalf("%+v: %v", step, err)
		}
		if err != nil {
			continue
		}
		if step.result {
			put(t, j, "x", to("x"))
		}
		if err := j.wrote("digest", true, false); err != nil {
			t.Fatal(err)
		}
		closed(t, j)
	}
}

// A round of all holds what was called in it, and one that comes to nothing is as if it had not begun, also when its process is killed.
func TestRounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.journal")
	_ = sample(t, path)
	j := opened(t, path)
	j.Begin(All)
	put(t, j, "chat0", to("other"))
	want(t, j, "chat0", to("other"), true)
	want(t, j, "chat1", rows.Result{}, false)
	closed(t, j)
	j = opened(t, path)
	if want(t, j, "chat1", rows.Result{}, false); j.Round() != All {
		t.Error("the round is over")
	}
	if err := j.wrote("all", true, false); err != nil || j.Round() != "" || !j.outputs["digest"] || j.last != "all" {
		t.Errorf("%q, %v", j.Round(), err)
	}
	closed(t, j)
	for _, end := range []func(){func() { _ = j.file.Close() }, func() { closed(t, j) }} {
		j = opened(t, path)
		j.Begin(All)
		put(t, j, "chat0", rows.Result{Code: "unknown"})
		want(t, j, "chat0", rows.Result{Code: "unknown"}, true)
		end()
		j = opened(t, path)
		if want(t, j, "chat0", to("other"), true); j.Round() != "" || j.Empty() {
			t.Error("the round goes on")
		}
		closed(t, j)
	}
	j = opened(t, path)
	put(t, j, "gone", rows.Result{Code: "unknown"})
	closed(t, j)
	j = opened(t, path)
	j.Begin(Failed)
	want(t, j, "gone", rows.Result{Code: "unknown"}, false)
	want(t, j, "chat0", to("other"), true)
	closed(t, j)
}

// A child process has the files of its parent until it executes its program; this one keeps the journal's.
func TestLockEndsWithTheJournal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no child has another's files")
	}
	path := filepath.Join(t.TempDir(), "out.journal")
	_ = sample(t, path)
	j := opened(t, path)
	child := exec.CommandContext(t.Context(), "sleep", "60")
	if child.ExtraFiles = []*os.File{j.file}; child.Start() != nil {
		t.Skip("there is no program sleep")
	}
	closed(t, j)
	closed(t, opened(t, path))
	_ = child.Process.Kill()
	_ = child.Wait()
}
