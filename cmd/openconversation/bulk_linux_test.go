package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// idsVariable is how many chats BenchmarkBulk converts.
const idsVariable = "OPENCONVERSATION_IDS"

// BenchmarkBulk converts a list into CSV and into a workbook, and a workbook into another, each from nothing and once more with
// all known, in a process against an emulator in another. It reports the peak of resident memory.
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
	in, sheet := lists(b, dir, ids)
	for _, files := range [][2]string{{in, "out.csv"}, {in, "out.xlsx"}, {sheet, "again.xlsx"}} {
		in, name := files[0], files[1]
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

// lists writes a list as CSV and as a workbook, of which this process keeps nothing: the peak of a process is at least that of
// the one that starts it.
func lists(b *testing.B, dir string, ids int) (in, sheet string) {
	in, sheet = filepath.Join(dir, "in.csv"), filepath.Join(dir, "in.xlsx")
	text, err := os.Create(in)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(text)
	fmt.Fprintln(out, "chat_id")
	for i := range ids {
		fmt.Fprintf(out, "chat%032x\n", i)
	}
	book, err := os.Create(sheet)
	if err = errors.Join(err, out.Flush()); err == nil {
		_, err = text.Seek(0, io.SeekStart)
	}
	if err != nil {
		b.Fatal(err)
	}
	reader, err := rows.NewReader(text, rows.Options{Format: rows.CSV, Output: rows.XLSX})
	if err == nil {
		err = reader.Assemble(book, func(rows.Row) (rows.Result, error) { return rows.Result{}, nil })
	}
	if err = errors.Join(err, text.Close(), book.Close()); err != nil {
		b.Fatal(err)
	}
	return in, sheet
}
