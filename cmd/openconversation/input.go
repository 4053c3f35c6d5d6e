package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// maxLine is how many bytes of a line are read; the rest is skipped. It is far more than a chat id may have, so that
// what is cut is refused as an id, and so small that no input can fill the memory.
const maxLine = 1 << 10

// chatIDs is where a run's chat ids come from, in their order.
type chatIDs struct {
	read  func() (string, error) // io.EOF after the last
	ahead []string               // read, and not yet passed on
	err   error                  // why read gave no more; io.EOF is the ordinary end
}

// givenIDs are chat ids from the command line.
func givenIDs(ids []string) *chatIDs { return &chatIDs{ahead: ids, err: io.EOF} }

// linesOf reads one chat id a line. Blanks around an id, blank lines and lines that begin with # do not count. The
// reading itself is done by a goroutine, since a read from a terminal or a pipe cannot be interrupted, and a signal must
// end the run all the same.
func linesOf(ctx context.Context, r io.Reader) *chatIDs {
	lines := make(chan string, 64)
	var failed error
	go func() {
		defer close(lines)
		failed = feed(ctx, r, lines)
	}()
	return &chatIDs{read: func() (string, error) {
		select {
		case line, more := <-lines:
			if more {
				return line, nil
			}
			return "", failed
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}}
}

// atLeast says whether there are n chat ids more, for which it may have to wait.
func (c *chatIDs) atLeast(n int) bool {
	for len(c.ahead) < n && c.err == nil {
		id, err := c.read()
		if err != nil {
			c.err = err
			break
		}
		c.ahead = append(c.ahead, id)
	}
	return len(c.ahead) >= n
}

// all yields the chat ids. failure says afterwards whether there would have been more.
func (c *chatIDs) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		for c.atLeast(1) {
			id := c.ahead[0]
			c.ahead = c.ahead[1:]
			if !yield(id) {
				return
			}
		}
	}
}

// failure is what cut the input short, or nil.
func (c *chatIDs) failure() error {
	if errors.Is(c.err, io.EOF) {
		return nil
	}
	return c.err
}

// feed sends the ids of r's lines until r ends, which is io.EOF, or ctx does.
func feed(ctx context.Context, r io.Reader, ids chan<- string) error {
	reader := bufio.NewReaderSize(r, 64<<10)
	switch mark, _ := reader.Peek(3); {
	case bytes.Equal(mark, []byte("\uFEFF")):
		_, _ = reader.Discard(len(mark)) // they are in the buffer
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return usageError("standard input is UTF-16; save it as UTF-8")
	}
	for n := 1; ; n++ {
		line, err := readLine(reader)
		if bytes.IndexByte(line, 0) >= 0 {
			return usageError("standard input, line %d: it holds a NUL byte, so this is no plain text", n)
		}
		if id := idOf(line); id != "" {
			select {
			case ids <- id:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return fmt.Errorf("standard input, line %d: %w", n, err)
		}
	}
}

// readLine reads a line without its end, and keeps no more than maxLine bytes and one of it.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		part = bytes.TrimSuffix(part, []byte("\n"))
		line = append(line, part[:min(len(part), maxLine+1-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// idOf is the chat id of a line; empty if it has none. A line that was cut is left as it is, to be refused as an id.
func idOf(line []byte) string {
	if len(line) > maxLine {
		return string(line)
	}
	id := strings.TrimSpace(string(line))
	if strings.HasPrefix(id, "#") {
		return ""
	}
	return id
}
