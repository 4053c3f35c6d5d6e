package run

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name, input string
		want        []string
		err         string
	}{
		{"empty", "", nil, ""},
		{"only a byte order mark", "\uFEFF", nil, ""},
		{"only line ends", "\n\r\n\n", nil, ""},
		{"no last line end", "a\nb", []string{"a", "b"}, ""},
		{"CRLF", "a\r\nb\r\n", []string{"a", "b"}, ""},
		{"byte order mark", "\uFEFFa\nb\n", []string{"a", "b"}, ""},
		{"byte order mark before a comment", "\uFEFF# a\nb\n", []string{"b"}, ""},
		{"blanks", " a\t\n\t \n  b  \n", []string{"a", "b"}, ""},
		{"blanks within", "a b\n", []string{"a b"}, ""},
		{"comments", "#a\n  # b\nc#d\n", []string{"c#d"}, ""},
		{"the same again", "a\na\n", []string{"a", "a"}, ""},
		{"lone CR stays, to be refused as an id", "a\rb\n", []string{"a\rb"}, ""},
		{"no UTF-8", "a\n\xff\xff\xff\n", []string{"a"}, "standard input: line 2: the byte 0xFF at offset 2 of the file is not UTF-8; save it as UTF-8, or name its encoding"},
		{"longest line", long + "\nb\n", []string{long, "b"}, ""},
		{"line that is cut", long + "yz\nb\n", []string{long, "b"}, ""},
		{"line larger than any buffer", "a\n" + strings.Repeat("x", 3<<20) + "\nb\n", []string{"a"}, "standard input: line 2: it is longer than 1 MiB"},
		{"id behind many blanks", strings.Repeat(" ", 2*maxLine) + "a\n", []string{"a"}, ""},
		{"UTF-16, little end first", "\xff\xfea\x00\n\x00", []string{"a"}, ""},
		{"UTF-16, big end first", "\xfe\xff\x00a\x00\n", []string{"a"}, ""},
		{"NUL", "a\nb\x00\nc\n", []string{"a"}, "standard input: line 2: it holds a NUL byte, so this is no plain text; if it is UTF-16 without a byte order mark, name its encoding"},
	}
	for _, tt := range tests {
		for name, reader := range map[string]io.Reader{
			"":             strings.NewReader(tt.input),
			" byte-wise":   iotest.OneByteReader(strings.NewReader(tt.input)),
			" with an end": iotest.DataErrReader(strings.NewReader(tt.input)),
		} {
			t.Run(tt.name+name, func(t *testing.T) {
				ids := linesOf(t.Context(), &term.World{In: reader})
				if got := collect(ids); !slices.Equal(got, tt.want) {
					t.Errorf("got %.200q, want %.200q", got, tt.want)
				}
				if err := ids.failure(); err == nil && tt.err != "" || err != nil && (err.Error() != tt.err || explain.ExitCode(err) != explain.UsageExit) {
					t.Errorf("failure %v, want %q", err, tt.err)
				}
			})
		}
	}
}

func collect(ids *chatIDs) []string {
	var all []string
	for {
		it, err := ids.next(context.Background())
		if err != nil {
			return all
		}
		all = append(all, it.id)
	}
}
