package output

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const mark = "0123456789abcdef"

func TestIsSide(t *testing.T) {
	const out = "/x/out.csv"
	for name, want := range map[string]bool{
		out:                                       false,
		out + ".state":                            true,
		out + ".state." + mark:                    true,
		out + "." + mark + ".retry":               true,
		out + "." + mark + ".force":               true,
		out + "." + mark + ".force.state":         true,
		out + "." + mark + ".force.state." + mark: true,
		out + "." + mark + ".rows":                true,
		out + "." + mark + ".new":                 true,
		out + ".retry":                            false,
		out + ".state.new":                        false,
		out + ".state.0123456789abcdeg":           false,
		out + "." + mark:                          false,
		out + "." + mark + ".retry.bak":           false,
		"/x/../x/out.csv.state":                   true,
		"/y/out.csv.state":                        false,
		"/x/other.csv.state":                      false,
	} {
		if got := IsSide(name, out); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// A side file is a run's only if it begins as this command writes it.
func TestLeftoversAreKnownByTheirMark(t *testing.T) {
	name := "out[1]*.csv"
	if runtime.GOOS == "windows" {
		name = "out[1].csv" // a name cannot hold a star there
	}
	for content, removed := range map[string]bool{
		"":                                 true, // a run was killed before it wrote
		`{"mark":"0123`:                    true,
		`{"mark":"` + mark + `","schema":`: true,
		"precious":                         false,
		`{"mark":"fedcba9876543210"}`:      false,
	} {
		out := filepath.Join(t.TempDir(), name)
		spare, force := spareStatePath(out, mark), sidePath(out, mark, forceSide)
		for path, text := range map[string]string{spare: content, statePath(force): content, force: "rows"} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := removeLeftovers(out, ""); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{spare, statePath(force), force} {
			if exists(path) == removed {
				t.Errorf("%q: %s", content, filepath.Base(path))
			}
		}
	}
}

// A state takes the room that was set aside for it.
func TestStateIsWrittenIntoItsRoom(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	s := State{Mark: mark, Schema: stateSchema, Input: "x"}
	if err := s.save(out, 0o600, 10); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(spareStatePath(out, mark))
	if err != nil || before.Size() < 10*roomFor || !os.SameFile(before, before) { // Windows looks at the file only now
		t.Fatalf("%v %v", before, err)
	}
	s.Converted = map[string]string{}
	for range 10 {
		s.Converted[strings.Repeat("x", 256)] = strings.Repeat("y", 100)
	}
	if err := s.save(out, 0o600, 0); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(statePath(out))
	if err != nil || !os.SameFile(before, after) || exists(spareStatePath(out, mark)) {
		t.Errorf("the room was not used: %v", err)
	}
	got, err := load(out)
	if err != nil || len(got.Converted) != len(s.Converted) {
		t.Errorf("%+v %v", got, err)
	}
	if err := s.remove(out); err != nil || exists(statePath(out)) {
		t.Error(err)
	}
}

func TestResolve(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := func(name, target string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	link("a", "b")
	link("b", filepath.Join(dir, "c"))
	link("loop", "loop")
	for _, name := range []string{"a", "b", "c"} {
		if got, err := resolve(filepath.Join(dir, name)); err != nil || got != filepath.Join(dir, "c") {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	for _, name := range []string{"loop", "none/out"} {
		if got, err := resolve(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}
