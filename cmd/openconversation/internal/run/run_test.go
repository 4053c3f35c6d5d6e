package run

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, tt := range []struct {
		input string
		want  string // ids, or before a ! the reason why the rest is refused
	}{
		{"", ""},
		{"\uFEFF\n\r\n\n", ""},
		{"\uFEFFa\r\nb", "a b"},
		{"\uFEFF# a\nb\n", "b"},
		{" a\t\n\t \n  b  \n", "a b"},
		{"#a\n  # b\nc#d\nc#d\n", "c#d c#d"},
		{"a\rb\n", "a\rb"},
		{"a\n\xff\xff\xff\n", "a!standard input: line 2: the byte 0xFF at offset 2 of the file is not UTF-8; save it as UTF-8, or name its encoding"},
		{long + "yz\nb\n", long + " b"},
		{"a\n" + strings.Repeat("x", 3<<20) + "\nb\n", "a!standard input: line 2: it is longer than 1 MiB"},
		{strings.Repeat(" ", 2*maxLine) + "a\n", "a"},
		{"\xff\xfea\x00\n\x00", "a"},
		{"\xfe\xff\x00a\x00\n", "a"},
		{"a\nb\x00\nc\n", "a!standard input: line 2: it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding"},
	} {
		for name, reader := range map[string]io.Reader{
			"whole": strings.NewReader(tt.input), "byte-wise": iotest.OneByteReader(strings.NewReader(tt.input)), "with an end": iotest.DataErrReader(strings.NewReader(tt.input)),
		} {
			ids := &rowSource{read: linesOf(t.Context(), &term.World{In: reader})}
			want, reason, _ := strings.Cut(tt.want, "!")
			var got []string
			for it, err := ids.next(t.Context()); err == nil; it, err = ids.next(t.Context()) {
				got = append(got, it.id)
			}
			if !slices.Equal(got, slices.DeleteFunc(strings.Split(want, " "), func(id string) bool { return id == "" })) {
				t.Errorf("%s: got %.200q, want %.200q", name, got, want)
			}
			if err := ids.err; errors.Is(err, io.EOF) == (reason != "") || reason != "" && (err.Error() != reason || explain.ExitCode(err) != explain.UsageExit) {
				t.Errorf("%s: failure %v, want %q", name, err, reason)
			}
		}
	}
}

func TestProgressLine(t *testing.T) {
	p := progress{what: explain.Rows[int64], done: 300, before: 100, total: 1000, took: 10 * time.Second, throttled: 2, calls: 210}
	for total, want := range map[int64]string{1000: "300 of 1000 rows, 20.0/s, about 35s left, 2 throttled, 210 calls", -1: "300 rows, 20.0/s, 2 throttled, 210 calls"} {
		if p.total = total; p.text().Say(lang.English) != want {
			t.Errorf("%s", p.text().Say(lang.English))
		}
	}
}

// A continued run is given every flag again, but for those that there are to leave out.
func TestFlagsLeftOutExist(t *testing.T) {
	cmd := Command(&term.World{Getenv: func(string) string { return "" }})
	for _, name := range apart {
		if cmd.Flags().Lookup(name) == nil {
			t.Errorf("there is no flag --%s", name)
		}
	}
}
