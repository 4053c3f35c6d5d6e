package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// inFile is the input of a run.
type inFile struct {
	name   string
	file   *os.File // nil for a stream
	reader io.Reader
	format rows.Format
	column string
	scan   *scan // nil for a stream, which can be read only once
}

func (a *app) openInput(ctx context.Context, o convertOptions) (*inFile, error) {
	in := &inFile{name: o.input, format: rows.Format(o.format), column: o.column + o.field}
	if o.input == "-" {
		in.name, in.reader = "standard input", untilDone(ctx, a.stdin)
	} else {
		file, err := os.Open(o.input)
		if err != nil {
			return nil, usageError("%w", err)
		}
		in.reader = file
		switch info, err := file.Stat(); {
		case err != nil:
			return nil, errors.Join(err, file.Close())
		case info.IsDir():
			_ = file.Close() // it was only read
			return nil, usageError("%s is a folder", o.input)
		case info.Mode().IsRegular():
			in.file = file
		default:
			in.reader = untilDone(ctx, file)
		}
	}
	if err := in.chooseFormat(o); err != nil {
		in.close()
		return nil, err
	}
	if in.file == nil && !o.dryRun {
		return in, nil
	}
	var err error
	if in.scan, err = scanRows(ctx, in.reader, in.format, in.column); err != nil {
		in.close()
		return nil, in.describe(err)
	}
	in.column = in.scan.name
	return in, nil
}

func (in *inFile) chooseFormat(o convertOptions) error {
	if in.format == "" {
		var known bool
		if in.format, known = rows.FormatOf(o.input); !known && o.input != "-" {
			return usageError("%s: what is in it? say so with --format lines, csv, tsv or jsonl", in.name)
		} else if !known {
			in.format = rows.Lines
		}
	}
	switch {
	case in.format.Journaled():
		return usageError("%s: %s cannot be converted; save it as CSV or JSON Lines", in.name, in.format.Title())
	case o.column != "" && in.format != rows.CSV && in.format != rows.TSV:
		return usageError("--column is for CSV and TSV, and the input is %s", in.format)
	case o.field != "" && in.format != rows.JSONLines:
		return usageError("--field is for JSON Lines, and the input is %s", in.format)
	}
	return nil
}

func (in *inFile) close() {
	if in.file != nil {
		_ = in.file.Close() // it was only read
	}
}

// rows reads the rows from the beginning; those of a stream, once.
func (in *inFile) rows() (*rows.Reader, error) {
	if in.file != nil {
		if _, err := in.file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	reader, err := rows.NewReader(in.reader, rows.Options{Format: in.format, ID: in.column})
	if err != nil {
		return nil, in.describe(err)
	}
	return reader, nil
}

// describe names the input in an error of reading it.
func (in *inFile) describe(err error) error {
	var wrong *rows.Error
	switch {
	case errors.Is(err, io.EOF):
		return err
	case errors.As(err, &wrong) && wrong.Part == rows.PartColumn:
		return usageError("%s: %w; name it with --column", in.name, err)
	case errors.As(err, &wrong) && wrong.Part == rows.PartField:
		return usageError("%s: %w; name it with --field", in.name, err)
	case errors.As(err, &wrong):
		return usageError("%s: %w", in.name, err)
	default:
		return fmt.Errorf("%s: %w", in.name, err)
	}
}

// untilDone reads r until ctx ends, also while a read of a terminal or a pipe waits, which nothing can interrupt.
func untilDone(ctx context.Context, r io.Reader) io.Reader {
	s := &stream{ctx: ctx, parts: make(chan []byte)}
	go func() {
		defer close(s.parts)
		buf := make([]byte, 32<<10)
		for {
			n, err := r.Read(buf)
			if n > 0 {
				select {
				case s.parts <- bytes.Clone(buf[:n]): // a line of a terminal need not cost the whole buffer
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
