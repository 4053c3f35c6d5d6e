package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// pair is what a language's cases are run against: the emulator, and one with TLS.
type pair struct{ plain, secure *emulator }

// startPair starts both.
func (s *settings) startPair(ctx context.Context) (p pair, err error) {
	if p.plain, err = startEmulator(ctx, s.program, false); err != nil {
		return pair{}, err
	}
	if p.secure, err = startEmulator(ctx, s.program, true); err != nil {
		p.plain.stop()
		return pair{}, err
	}
	return p, nil
}

func (p pair) stop() {
	p.plain.stop()
	p.secure.stop()
}

// command builds the command and writes the error codes as a release has them, once for a run.
func (s *settings) command(ctx context.Context) error {
	if err := os.MkdirAll(s.cache, 0o755); err != nil {
		return err
	}
	s.program, s.codes = filepath.Join(s.cache, "openconversation"), filepath.Join(s.cache, "codes.json")
	build := exec.CommandContext(ctx, "go", "build", "-o", s.program, "./cmd/openconversation")
	build.Dir = s.root
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w: %s", err, tail(string(output)))
	}
	rows, err := exec.CommandContext(ctx, s.program, "codes", "--json").Output()
	if err != nil {
		return fmt.Errorf("openconversation codes: %w", err)
	}
	return os.WriteFile(s.codes, rows, 0o644)
}
