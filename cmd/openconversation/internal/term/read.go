package term

import (
	"bytes"
	"context"
	"io"
	"os"
)

// Open opens a file, and stops waiting when ctx ends: a named pipe opens only when the other end does.
func Open(ctx context.Context, name string, flag int, mode os.FileMode) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := os.OpenFile(name, flag, mode)
		select {
		case done <- opened{file, err}:
		case <-ctx.Done():
			if err == nil {
				_ = file.Close() // the caller has left
			}
		}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// UntilDone reads r until ctx ends, even while a read of a terminal or pipe blocks. Its error is then ctx's cause.
func UntilDone(ctx context.Context, r io.Reader) io.Reader {
	s := &stream{ctx: ctx, parts: make(chan []byte)}
	go func() {
		defer close(s.parts)
		buf := make([]byte, 32<<10)
		for {
			n, err := r.Read(buf)
			if n > 0 {
				select {
				case s.parts <- bytes.Clone(buf[:n]): // a line from a terminal does not need the whole buffer
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				s.err = err
				return
			}
		}
	}()
	return s
}

type stream struct {
	ctx   context.Context
	parts chan []byte
	rest  []byte
	err   error // set before parts is closed
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		select {
		case part, more := <-s.parts:
			if !more && s.err == nil {
				return 0, context.Cause(s.ctx)
			}
			if !more {
				return 0, s.err
			}
			s.rest = part
		case <-s.ctx.Done():
			return 0, context.Cause(s.ctx)
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
