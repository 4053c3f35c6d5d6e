// Command mutants checks the tests of the wrapper: it breaks one safety of the code at a time, in a copy of the module,
// and requires that a test fails. Run it from the module's root with go run ./internal/mutants;
// arguments select mutants whose names contain one of them.
//
// It fails if a mutant survives, and also if the function that it changes, or what it changes there, is gone: then it is
// to be brought up to date.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// copied is what the wrapper's tests need of the module.
var copied = []string{"go.mod", "go.sum", "generated", "wrapper"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, os.Stdout, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// run tries the mutants and prints a line for each. It says false if one is not caught.
func run(ctx context.Context, out io.Writer, only []string) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return false, err
	}
	defer func() {
		if removal := os.RemoveAll(dir); err == nil {
			err = removal
		}
	}()
	for _, name := range copied {
		if err := copyTree(name, filepath.Join(dir, name)); err != nil {
			return false, err
		}
	}
	if verdict, _ := test(ctx, dir, "."); verdict != survived {
		return false, fmt.Errorf("the tests must pass before anything is broken: %s", verdict)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	ok = true
	for _, m := range mutants {
		if len(only) > 0 && !slices.ContainsFunc(only, func(part string) bool { return strings.Contains(m.name, part) }) {
			continue
		}
		begun := time.Now()
		verdict, caught := m.try(ctx, dir)
		if err := ctx.Err(); err != nil {
			return false, err
		}
		ok = ok && caught
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.name, verdict, time.Since(begun).Round(time.Second/10))
		if err := table.Flush(); err != nil {
			return false, err
		}
	}
	return ok, nil
}

// try applies the mutant to the copy in dir, runs the tests and takes it back.
func (m mutant) try(ctx context.Context, dir string) (verdict string, caught bool) {
	at, err := m.find(dir)
	if err != nil {
		return "STALE: " + err.Error(), false
	}
	file := filepath.Join(dir, at.file)
	changed := slices.Concat(at.source[:at.start], []byte(m.to), at.source[at.end:])
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		return err.Error(), false
	}
	defer func() {
		if err := os.WriteFile(file, at.source, 0o600); err != nil {
			verdict, caught = err.Error(), false
		}
	}()
	// The tests that are meant to catch it come first, and the rest only if they do not.
	for _, pattern := range []string{m.tests, "."} {
		if verdict, caught = test(ctx, dir, pattern); verdict != survived {
			return verdict, caught
		}
	}
	return verdict, false
}

const survived = "SURVIVED"

// failure is the line of a failed test, of which the most nested one comes last.
var failure = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// test runs tests and names one that failed.
func test(ctx context.Context, dir, pattern string) (verdict string, caught bool) {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-failfast", "-timeout=90s", "-run="+pattern, "./wrapper", "./wrapper/internal/...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	failed := failure.FindAllSubmatch(out, -1)
	switch {
	case err == nil:
		return survived, false
	case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return "BROKEN: it does not compile: " + firstLine(out), false
	case len(failed) > 0:
		longest := slices.MaxFunc(failed, func(a, b [][]byte) int { return len(a[1]) - len(b[1]) })
		return "caught by " + string(longest[1]), true
	case bytes.Contains(out, []byte("panic: test timed out")):
		return "caught: the tests hang", true
	case bytes.Contains(out, []byte("panic: ")):
		return "caught: the tests panic", true
	}
	return "BROKEN: go test failed without a failed test: " + firstLine(out), false
}

func firstLine(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// copyTree copies a file or folder.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	})
}
