package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// runner holds the settings that all languages share.
type runner struct {
	root    string // the repository
	cache   string // downloads and builds
	command string // the built command, whose emulator answers
	codes   string // the file of the error codes, as a release has it
	cases   []testCase
	verbose bool
}

// buildCommand builds the command and writes the error codes.
func (r *runner) buildCommand(ctx context.Context) error {
	if err := os.MkdirAll(r.cache, 0o755); err != nil {
		return err
	}
	r.command, r.codes = filepath.Join(r.cache, "openconversation"), filepath.Join(r.cache, "codes.json")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", r.command, "./cmd/openconversation").CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w: %s", err, tail(string(output)))
	}
	codes, err := exec.CommandContext(ctx, r.command, "codes", "--json").Output()
	if err != nil {
		return fmt.Errorf("openconversation codes: %w", err)
	}
	return os.WriteFile(r.codes, codes, 0o644)
}

func (r *runner) buildDir(l language) string {
	return filepath.Join(r.cache, "build", strings.ReplaceAll(l.folder, "/", "-"))
}

// build generates a language's client and builds its program, unless nothing of theirs has changed. Go has a cache of its own.
func (r *runner) build(ctx context.Context, l language) error {
	if l.built != "" {
		return nil
	}
	source, dir := filepath.Join(r.root, "interop", l.folder), r.buildDir(l)
	page, err := r.commands(l)
	if err != nil {
		return err
	}
	script, run := "source ./build.sh", strings.ReplaceAll(l.run, "$BUILD", dir)
	if run != "" {
		script = `page; launcher "exec $RUN \"\$@\""`
	}
	stamp, err := r.stamp(source, page+run)
	if err != nil {
		return err
	}
	stampFile := filepath.Join(dir, "stamp")
	if old, err := os.ReadFile(stampFile); err == nil && string(old) == stamp && filepath.Base(l.folder) != "go" {
		return nil
	}
	err = errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "page.sh"), []byte(page), 0o644))
	if err != nil {
		return err
	}
	log := filepath.Join(dir, "build.log") // no pipe: servers that a build leaves behind would hold it open
	output, err := os.Create(log)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }() // What is missing from a log is no failure.
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", `source "$ROOT/interop/tools.sh"; `+script)
	command.Dir, command.Stdout, command.Stderr = source, output, output
	command.Env = environment("CONTRACT="+filepath.Join(r.root, "openapi.yaml"), "ROOT="+r.root, "SOURCE="+source, "BUILD="+dir, "RUN="+run, "TOOLS="+filepath.Join(r.cache, "tools"))
	if err := command.Run(); err != nil {
		text, _ := os.ReadFile(log)
		return fmt.Errorf("building interop/%s: %w: %s", l.folder, err, tail(string(text)))
	}
	return os.WriteFile(stampFile, []byte(stamp), 0o644)
}

var shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?)```")

// commands are those of a language's README.md: what its readers paste. Without a page, build.sh has them all.
func (r *runner) commands(l language) (string, error) {
	page, err := os.ReadFile(filepath.Join(r.root, "interop", l.folder, "README.md"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var commands strings.Builder
	for _, block := range shellBlock.FindAllSubmatch(page, -1) {
		commands.Write(block[1])
	}
	return commands.String(), nil
}

// stamp is a hash of everything that a build depends on.
func (r *runner) stamp(source, page string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, page)
	own, err := filepath.Glob(filepath.Join(source, "*"))
	shared := filepath.Join(r.root, "interop")
	own = slices.DeleteFunc(own, func(file string) bool { return filepath.Base(file) == "README.md" })
	for _, file := range append([]string{filepath.Join(r.root, "openapi.yaml"), filepath.Join(shared, "versions.env"), filepath.Join(shared, "tools.sh")}, own...) {
		data, readErr := os.ReadFile(file)
		err = cmp.Or(err, readErr)
		fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(file), len(data), data)
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

// environment is this process's, in UTF-8. Its proxy, if any, is not for the emulators on the loopback interface.
func environment(extra ...string) []string {
	env := os.Environ()
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		env = append(env, name+"="+strings.TrimPrefix(os.Getenv(name)+",127.0.0.1", ","))
	}
	return append(append(env, "LANG=C.UTF-8", "LC_ALL=C.UTF-8"), extra...)
}
