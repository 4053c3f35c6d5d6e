package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// start starts the emulators.
func (s *settings) start(ctx context.Context) (stop func(), err error) {
	if err := os.MkdirAll(s.cache, 0o755); err != nil {
		return nil, err
	}
	program, codes, err := s.command(ctx)
	if err != nil {
		return nil, err
	}
	s.codes = codes
	if s.plain, err = startEmulator(ctx, program, false); err != nil {
		return nil, err
	}
	if s.secure, err = startEmulator(ctx, program, true); err != nil {
		s.plain.stop()
		return nil, err
	}
	return func() { s.plain.stop(); s.secure.stop() }, nil
}

// command builds the command and writes the error codes as a release has them, once for a run.
func (s *settings) command(ctx context.Context) (program, codes string, err error) {
	program, codes = filepath.Join(s.cache, "openconversation"), filepath.Join(s.cache, "codes.json")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/openconversation")
	build.Dir = s.root
	if output, err := build.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("building the command: %w: %s", err, tail(string(output)))
	}
	rows, err := exec.CommandContext(ctx, program, "codes", "--json").Output()
	if err != nil {
		return "", "", fmt.Errorf("openconversation codes: %w", err)
	}
	return program, codes, os.WriteFile(codes, rows, 0o644)
}
