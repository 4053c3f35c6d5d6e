package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build generates a language's client and builds its program, unless neither contract nor program nor versions have
// changed since. It returns the program's path: whatever the language, an executable called client. What the language needs
// must be there.
func (s *settings) build(ctx context.Context, l language) (string, error) {
	source := filepath.Join(s.root, "interop", l.folder)
	stamp, err := s.stamp(source, l)
	if err != nil {
		return "", err
	}
	dir := s.buildDir(l.folder)
	program, stampFile := filepath.Join(dir, cmp.Or(l.program, "client")), filepath.Join(dir, "stamp")
	if old, err := os.ReadFile(stampFile); err == nil && string(old) == stamp && !l.fresh && !s.rebuild {
		return program, nil
	}
	if _, err := s.emptyBuild(l.folder); err != nil {
		return "", err
	}
	if err := s.script(ctx, filepath.Join(source, "build.sh"), dir); err != nil {
		return "", err
	}
	return program, os.WriteFile(stampFile, []byte(stamp), 0o644)
}

func (s *settings) buildDir(name string) string {
	return filepath.Join(s.cache, "build", strings.ReplaceAll(name, "/", "-"))
}

// emptyBuild empties the folder for what a language or a check builds.
func (s *settings) emptyBuild(name string) (string, error) {
	dir := s.buildDir(name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// script runs one of the shell scripts with what they all expect. Its output is kept, and shown if it fails.
func (s *settings) script(ctx context.Context, path, dir string, extra ...string) error {
	log, err := os.Create(filepath.Join(dir, filepath.Base(path)+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // What is missing from a log is no failure.
	command := exec.CommandContext(ctx, "bash", path)
	command.Dir = filepath.Dir(path)
	command.Stdout, command.Stderr = log, log
	command.Env = environment(append(extra,
		"CONTRACT="+s.contract,
		"ROOT="+s.root,
		"SOURCE="+filepath.Dir(path),
		"BUILD="+dir,
		"TOOLS="+filepath.Join(s.cache, "tools"),
	)...)
	if err := command.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%s: %w: %s", strings.TrimPrefix(path, s.root+"/"), err, tail(string(text)))
	}
	return nil
}

func (s *settings) checkScript(name string) string {
	return filepath.Join(s.root, "interop", "checks", name+".sh")
}

// stamp is a hash of everything that a build depends on.
func (s *settings) stamp(source string, l language) (string, error) {
	hash := sha256.New()
	add := func(path string) error {
		data, err := os.ReadFile(path)
		if err == nil {
			fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(path), len(data), data)
		}
		return err
	}
	shared := []string{filepath.Join(s.root, "interop", "versions.env"), filepath.Join(s.root, "interop", "tools.sh")}
	if !l.official {
		shared = append(shared, s.contract)
	}
	if l.page != "" {
		readme, err := os.ReadFile(filepath.Join(s.root, "interop", "README.md"))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(hash, pageCommands(string(readme), l.page))
	}
	for _, path := range shared {
		if err := add(path); err != nil {
			return "", err
		}
	}
	err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), "defects") {
			return err
		}
		return add(path)
	})
	return hex.EncodeToString(hash.Sum(nil)), err
}

// pageCommands are the commands of a page of README.md, as page of tools.sh finds them.
func pageCommands(readme, heading string) []string {
	_, page, _ := strings.Cut(readme, "\n### "+heading+"\n")
	page, _, _ = strings.Cut(page, "\n##")
	var commands []string
	for {
		_, rest, found := strings.Cut(page, "\n```sh\n")
		if !found {
			return commands
		}
		block, after, _ := strings.Cut(rest, "```")
		commands, page = append(commands, strings.Split(strings.TrimSpace(block), "\n")...), after
	}
}

// provide installs what is missing with Debian's packages where that is possible, and names it where it is not.
func provide(ctx context.Context, needs []need) error {
	var missing, packages []string
	for _, n := range needs {
		if exec.CommandContext(ctx, n.probe[0], n.probe[1:]...).Run() != nil {
			missing = append(missing, n.what)
			packages = append(packages, n.debian...)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	problem := fmt.Errorf("missing: %s", strings.Join(missing, "; "))
	if len(packages) == 0 {
		return problem
	}
	install := "apt-get install -y --no-install-recommends " + strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("%w (as root on Debian: %s)", problem, install)
	}
	for _, line := range []string{"apt-get update -q", install + " -q"} {
		fmt.Fprintln(os.Stderr, "$", line)
		words := strings.Fields(line)
		command := exec.CommandContext(ctx, words[0], words[1:]...)
		command.Env = environment("DEBIAN_FRONTEND=noninteractive")
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%w; %s: %w: %s", problem, line, err, tail(string(output)))
		}
	}
	for _, n := range needs {
		if exec.CommandContext(ctx, n.probe[0], n.probe[1:]...).Run() != nil {
			return fmt.Errorf("still missing after %s: %s", install, n.what)
		}
	}
	return nil
}
