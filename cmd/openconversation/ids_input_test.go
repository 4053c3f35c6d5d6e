package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
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
		{"line larger than any buffer", "a\n" + strings.Repeat("x", 3<<20) + "\nb\n", []string{"a"}, "standard input: line 2 is longer than 1 MiB"},
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
				ids := linesOf(t.Context(), reader)
				if got := collect(ids.all()); !slices.Equal(got, tt.want) {
					t.Errorf("got %.200q, want %.200q", got, tt.want)
				}
				if err := ids.failure(); err == nil && tt.err != "" || err != nil && (err.Error() != tt.err || exitCode(err) != exitUsage) {
					t.Errorf("failure %v, want %q", err, tt.err)
				}
			})
		}
	}
}

func TestAtLeast(t *testing.T) {
	for n, ids := range map[int]*chatIDs{0: linesOf(t.Context(), strings.NewReader("")), 2: givenIDs([]string{"a", "b"}), 3: linesOf(t.Context(), strings.NewReader("a\nb\nc"))} {
		for want := range 5 {
			if got := ids.atLeast(want); got != (want <= n) {
				t.Errorf("%d ids: atLeast(%d) = %t", n, want, got)
			}
		}
		if got := collect(ids.all()); len(got) != n {
			t.Errorf("%q after looking ahead, want %d", got, n)
		}
	}
}

func TestInputThatFails(t *testing.T) {
	broken := errors.New("input/output error")
	input := io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken))
	got := call{args: []string{"convert", "-"}, stdin: input, convert: failing(nil)}.run()
	got.check(t, result{5, "a\tcid-a\nb\tcid-b\n", "openconversation: stopped: 2 converted, 0 failed, the rest not converted\nopenconversation: standard input: line 3: input/output error\n"})

	// What fails before a call is needed costs none.
	got = call{args: []string{"convert", "-"}, stdin: io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken)), convert: failing(nil)}.run()
	got.check(t, result{5, "", "openconversation: standard input: line 2: input/output error\n"})
}

// A read from a terminal or a pipe cannot be interrupted; a signal ends the run all the same.
func TestSignalWhileReading(t *testing.T) {
	for _, lines := range []string{"", "a\n", "a\nb\n"} {
		reader, writer := io.Pipe()
		defer func() { _ = writer.Close() }()
		ctx, cancel := context.WithCancelCause(t.Context())
		input := io.MultiReader(strings.NewReader(lines), readerFunc(func(p []byte) (int, error) {
			cancel(signalError{syscall.SIGTERM}) // everything before has been read
			return reader.Read(p)
		}))
		got := call{ctx: ctx, args: []string{"convert", "-"}, stdin: input, convert: failing(nil)}.run()
		if got.code != exitTerminated || !strings.HasSuffix(got.stderr, "openconversation: stopped by a signal (terminated)\n") {
			t.Errorf("%q: %+v", lines, got)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
