package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// idsVariable is how many chats BenchmarkBulk converts.
const idsVariable = "OPENCONVERSATION_IDS"

// BenchmarkBulk converts a list into CSV and into a workbook, each from nothing and once more with all known, in a process
// against an emulator in another. It reports the peak of resident memory.
//
//	OPENCONVERSATION_IDS=1000000 go test ./cmd/openconversation -run '^$' -bench Bulk -benchtime 1x -timeout 1h
func BenchmarkBulk(b *testing.B) {
	ids, err := strconv.Atoi(os.Getenv(idsVariable))
	if err != nil {
		ids = 10_000
	}
	emulator := startService(b, "--any-chat")
	defer func() { _ = emulator.cmd.Process.Kill() }()
	dir := b.TempDir()
	in := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(in, []byte("chat_id\n"+chats(ids, ids)), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"out.csv", "out.xlsx"} {
		for _, what := range []string{"called", "known"} {
			b.Run(name+"/"+what, func(b *testing.B) {
				for b.Loop() {
					out := filepath.Join(dir, name)
					_ = os.Remove(out)
					if what == "called" {
						_ = os.Remove(out + ".journal")
					}
					cmd := command(b, emulator.env, "convert", "--input", in, "--output", out, "--qps", "0", "--concurrency", "32", "--progress", "none")
					start := time.Now()
					if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), fmt.Sprintf("%d converted, 0 failed", ids)) {
						b.Fatalf("%v\n%s", err, text)
					}
					b.ReportMetric(float64(ids)/time.Since(start).Seconds(), "rows/s")
					if used, is := cmd.ProcessState.SysUsage().(*syscall.Rusage); is {
						b.ReportMetric(float64(used.Maxrss)/1024, "MB-peak")
					}
				}
			})
		}
	}
}
