package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A run that holds to its limits is told from one that does not.
func TestVerdict(t *testing.T) {
	tests := []struct {
		f    figure
		want string
	}{
		{atMost("calls", 3, 3), "ok"},
		{atMost("calls", 4, 3), "MISSED"},
		{atMost("calls", 4, 3).judged(100, 99), "not judged"},
		{atMost("calls", 4, 3).judged(100, 100), "MISSED"},
		{takes(105e9, 2000, 20, 1.05), "ok"},
		{takes(106e9, 2000, 20, 1.05), "MISSED"},
	}
	for _, tt := range tests {
		if got := tt.f.verdict(); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.f, got, tt.want)
		}
	}
}

func TestGoodRows(t *testing.T) {
	var lines []string
	for _, chat := range []int{5, 6, 5} {
		id := chatID(chat)
		lines = append(lines, "N,"+id+","+dingtalktest.OpenConversationIDOf(id)+",,\n")
	}
	numbered := func(lines ...string) string {
		var b strings.Builder
		b.WriteString(strings.Join(outputHeader, ",") + "\n")
		for i, line := range lines {
			b.WriteString(strings.Replace(line, "N", string(rune('1'+i)), 1))
		}
		return b.String()
	}
	tests := []struct {
		name, content string
		want          int
		fails         bool
	}{
		{"complete", numbered(lines...), 3, false},
		{"one missing", numbered(lines[0], lines[2]), 1, false},
		{"out of order", numbered(lines[1], lines[0], lines[2]), 0, false},
		{"one too many", numbered(append(slices.Clone(lines), lines[0])...), 3, true},
		{"failed row", numbered(lines[0], strings.Replace(lines[1], ",,", ",code,", 1)), 1, false},
		{"torn", numbered(lines...)[:len(numbered(lines...))-8], 2, false},
		{"another header", "x\n", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.csv")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := goodRows(path, slices.Values([]int{5, 6, 5}))
			if got != tt.want || (err != nil) != tt.fails || strings.Contains(fmt.Sprint(err), "%!") {
				t.Errorf("%d rows, error %v", got, err)
			}
		})
	}
}

// The smallest runs that do not need the command.
func TestPacedRuns(t *testing.T) {
	if _, err := run(t.Context(), []string{"-only", "none"}, io.Discard, io.Discard); err == nil {
		t.Error("an unknown scenario is run")
	}
	var table strings.Builder
	if _, err := run(t.Context(), []string{"-only", "known,hidden", "-ids", "10"}, &table, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got := table.String(); !strings.HasPrefix(got, "SCENARIO") || strings.Count(got, "converted, in order  10") != 2 {
		t.Errorf("it printed\n%s", got)
	}
}
