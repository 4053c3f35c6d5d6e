package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// memoryOf returns the peak growth, in bytes, of a process whose client meets a hostile body.
func memoryOf(ctx context.Context, key, base string) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, "-victim", key, "-base", base)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

// suffer runs in that process: it makes one call and prints the peak growth.
func suffer(ctx context.Context, key, base string) error {
	i := slices.IndexFunc(clients, func(c client) bool { return c.key == key })
	if i < 0 {
		return fmt.Errorf("no client has the key %q", key)
	}
	convert, _, err := clients[i].make(base)
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	idle, err := statusBytes("VmRSS:")
	if err != nil {
		return err
	}
	if id, err := convert(ctx); err == nil && id != "" {
		return fmt.Errorf("a body of spaces gave %q", id)
	}
	peak, err := statusBytes("VmHWM:")
	if err != nil {
		return err
	}
	fmt.Println(max(peak-idle, 0))
	return nil
}

// statusBytes reads a size of this process from Linux's /proc.
func statusBytes(field string) (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(status), field)
	words := strings.Fields(rest)
	if !found || len(words) == 0 {
		return 0, fmt.Errorf("the status has no %s", field)
	}
	kibibytes, err := strconv.ParseInt(words[0], 10, 64)
	return kibibytes << 10, err
}
