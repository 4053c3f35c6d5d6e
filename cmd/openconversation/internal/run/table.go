package run

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

const standardInput lang.Format = "standard input"

// table is an input of rows.
type table struct {
	name    lang.Said
	file    *os.File  // nil for a stream, which can be read once
	stream  io.Reader // nil for a file
	options rows.Options
	why     lang.Text // why a stream's format was assumed, in a sentence
	scan    *scan     // nil for a stream
}

// openTable opens the flags' input. A file is read through before any call.
func openTable(ctx context.Context, w *term.World, o *options) (*table, error) {
	reading, err := o.input.reading()
	if err != nil {
		return nil, err
	}
	reading.Details = o.groups
	in := &table{name: lang.Literal(o.input.path)}
	if o.input.path == "-" {
		in, err = openStream(lang.T(standardInput), term.UntilDone(ctx, w.In), reading)
		if err != nil {
			return nil, contextCause(ctx, err)
		}
	} else if in, err = openFile(ctx, o.input.path, reading); err != nil {
		return nil, err
	}
	if err := in.fits(o); err != nil {
		in.close()
		return nil, err
	}
	if in.file == nil && !o.output.dryRun {
		return in, nil
	}
	if in.scan, err = in.readThrough(ctx); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// openFile opens a file, or the pipe or device of a name.
func openFile(ctx context.Context, name string, reading rows.Options) (*table, error) {
	file, err := term.Open(ctx, name, os.O_RDONLY, 0)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, explain.Usage("%w", err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, errors.Join(err, file.Close())
	case info.IsDir():
		_ = file.Close() // read-only
		return nil, explain.Usage("%s is a folder", name)
	case !info.Mode().IsRegular():
		in, err := openStream(lang.Literal(name), term.UntilDone(ctx, file), reading)
		return in, contextCause(ctx, err)
	}
	in := &table{name: lang.Literal(name), file: file}
	if in.options, err = rows.Detect(file, name, reading); err != nil {
		in.close()
		return nil, in.describe(err)
	}
	return in, nil
}

// openStream detects a stream's format from its start.
func openStream(name lang.Said, stream io.Reader, reading rows.Options) (*table, error) {
	in := &table{name: name}
	start := make([]byte, 64<<10)
	n, err := io.ReadAtLeast(stream, start, 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	start = start[:n]
	if in.options = reading; reading.Format == "" {
		guess := rows.Sniff(start)
		in.options.Format, in.why = guess.Format, guess.Why
	}
	in.stream = io.MultiReader(bytes.NewReader(start), stream)
	return in, nil
}

// fits refuses flags that do not fit the input, and an output that cannot hold its rows.
func (in *table) fits(o *options) (err error) {
	format := in.options.Format
	if in.file != nil && o.output.path != "" && !o.output.dryRun {
		mine, err := in.file.Stat()
		if there, err2 := os.Stat(o.output.path); err == nil && err2 == nil && os.SameFile(mine, there) {
			return explain.Usage("%s is the input", o.output.path)
		}
	}
	switch {
	case o.input.column != "" && !format.Columns():
		return explain.Usage("--column is for tables, and the input is %s", format.Title())
	case o.input.field != "" && !format.Fields():
		return explain.Usage("--field is for JSON, and the input is %s", format.Title())
	case o.input.sheet != "" && format != rows.XLSX:
		return explain.Usage("--sheet is for workbooks, and the input is %s", format.Title())
	case o.input.delimiter != "" && format != rows.CSV && format != rows.TSV:
		return explain.Usage("--delimiter is for CSV and TSV, and the input is %s", format.Title())
	case o.input.encoding != "" && format == rows.XLSX:
		return explain.Usage("--encoding is for text, and the input is %s", format.Title())
	}
	if in.options.Output, err = format.OutputFor(o.output.path); err != nil {
		return explain.Usage("%w", err)
	}
	if o.input.outputEncoding != "" && in.options.Output == rows.XLSX {
		return explain.Usage("--output-encoding is for text, and the output is %s", in.options.Output.Title())
	}
	if in.options.Output.Journaled() && o.output.path == "" && !o.output.dryRun {
		return explain.Usage("%s cannot be written to standard output row by row: add --output", in.options.Output.Title())
	}
	return nil
}

func (in *table) close() {
	if in.file != nil {
		_ = in.file.Close() // read-only
	}
}

// reader reads the rows from the start; a stream only once.
func (in *table) reader() (*rows.Reader, error) {
	if in.file == nil {
		reader, err := rows.NewReader(in.stream, in.options)
		return reader, in.describe(err)
	}
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	reader, err := rows.NewReader(in.file, in.options)
	return reader, in.describe(err)
}

// describe adds the input's name, and the flag that helps, to an error of reading.
func (in *table) describe(err error) error {
	var wrong *rows.Error
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.As(err, &wrong) && strings.HasPrefix(wrong.Text.String(), fmt.Sprint(in.name)):
		return explain.UsageHint(partHints[wrong.Part], "%w", err)
	case errors.As(err, &wrong):
		return explain.UsageHint(partHints[wrong.Part], "%s: %w", in.name, err)
	default:
		return lang.Errorf("%s: %w", in.name, err)
	}
}

// partHints name the flag for each fault of an input.
var partHints = map[rows.Part]lang.Format{
	rows.PartFormat:   "if it is something else, say what with --format",
	rows.PartEncoding: "say its encoding with --encoding",
	rows.PartOutput:   "name another with --output-encoding, such as utf-8",
	rows.PartSheet:    "name one with --sheet",
	rows.PartColumn:   "name the column with --column, or its number",
	rows.PartField:    "name the field with --field",
}

// scan is the result of reading an input through.
type scan struct {
	rows, distinct, invalid, skipped int
	digest                           string
	trims                            trims
	column                           string // or field
	found                            rows.Found
}

// repeats reports whether a chat occurs more than once.
func (s *scan) repeats() bool { return s.rows-s.invalid > s.distinct }

// readThrough reads an input to its end.
func (in *table) readThrough(ctx context.Context) (*scan, error) {
	s := &scan{}
	if in.file != nil {
		sum := sha256.New()
		if _, err := in.file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		if _, err := io.Copy(sum, in.file); err != nil {
			return nil, in.describe(err)
		}
		s.digest = hex.EncodeToString(sum.Sum(nil))
	}
	reader, err := in.reader()
	if errors.Is(err, io.EOF) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }() // read-only
	ids := newCounter()
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, contextCause(ctx, in.describe(err))
		}
		s.rows++
		s.trims.add(row.Trimmed, row.Line)
		if problem(row.ChatID, row.Problem) != nil {
			s.invalid++
		} else {
			ids.add(row.ChatID)
		}
		if s.rows%4096 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	s.distinct = ids.distinct()
	s.skipped, s.column, s.found = reader.Skipped, reader.Name(), reader.Found()
	return s, nil
}

// counter counts distinct ids by a hash of 8 bytes each. The chance of a collision among a million ids is 1 in 30
// million; it would make a count wrong, but no result.
type counter struct {
	seed   maphash.Seed
	hashes [256][]uint64 // by first byte: a single list would be copied whole when it grows
}

func newCounter() *counter { return &counter{seed: maphash.MakeSeed()} }

func (c *counter) add(id string) {
	hash := maphash.String(c.seed, id)
	c.hashes[hash>>56] = append(c.hashes[hash>>56], hash)
}

func (c *counter) distinct() (n int) {
	for _, hashes := range c.hashes {
		slices.Sort(hashes)
		n += len(slices.Compact(hashes))
	}
	return n
}

// problem returns why a chat is refused without a call, or nil.
func problem(id string, why lang.Text) *rows.Result {
	refused := (*dingtalk.Error)(nil)
	text := ""
	switch {
	case !why.Empty():
		text = "not sent: " + why.String()
	case errors.As(dingtalk.CheckChatID(id), &refused):
		text = refused.Message
	default:
		not := rows.NotAnID(id)
		if not == "" {
			return nil
		}
		text = "not sent: " + string(not)
	}
	return &rows.Result{Code: explain.NotSent, Error: term.Printable(text)}
}
