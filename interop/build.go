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

// tail is the end of a text, in one line.
func tail(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[max(0, len(text)-400):], "")
}
