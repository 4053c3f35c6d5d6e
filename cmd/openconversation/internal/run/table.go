package run

import (
	"bufio"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/journal"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

const standardInput lang.Format = "standard input"

// table is an input of rows.
type table struct {
	name    lang.Said
	file    *os.File // nil for a stream, which can be read once
	spooled bool     // file is a copy of a stream
	size    int64    // of file, at the start: rows that are appended meanwhile are the next run's
	stream  *bufio.Reader
	options rows.Options
	why     lang.Text // what it looks like, in a sentence
}

func nameOf(path string) lang.Said {
	if path == "-" {
		return lang.T(standardInput)
	}
	return lang.Literal(path)
}

// openTable opens the flags' input. whole means that it is read more than once: then a stream is copied to a file, and so is a workbook.
func openTable(ctx context.Context, w *term.World, o *options, whole bool) (*table, error) {
	in := &table{name: nameOf(o.input), options: o.reading()}
	name, stream := "", w.In
	if o.input != "-" {
		file, err := openNamed(ctx, o.input, os.O_RDONLY)
		if err != nil {
			return nil, err
		}
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			in.file, name = file, o.input
		}
		stream = file
	}
	err := error(nil)
	if in.file == nil {
		in.from(ctx, stream)
		if whole {
			err = in.spool()
		}
	}
	if err == nil {
		err = in.detect(name)
	}
	if err == nil && in.file == nil && in.options.Format == rows.XLSX {
		err = in.spool()
	}
	if err == nil {
		err = in.fits(o)
	}
	if err != nil {
		in.close()
		return nil, contextCause(ctx, err)
	}
	return in, nil
}

// from makes a stream the input.
func (in *table) from(ctx context.Context, stream io.Reader) {
	in.stream = bufio.NewReaderSize(term.UntilDone(ctx, stream), startSize)
}

// openNamed opens a file, or the pipe or device of a name: a pipe opens only with its other end.
func openNamed(ctx context.Context, name string, flag int) (*os.File, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, explain.Usage("%s is a folder", name)
	}
	file, err := term.Open(ctx, name, flag, 0)
	if err != nil && ctx.Err() == nil {
		err = explain.Usage("%w", err)
	}
	return file, err
}

// spool copies a stream to a temporary file.
func (in *table) spool() (err error) {
	in.spooled = true
	if in.file, err = os.CreateTemp("", "openconversation-*"); err != nil {
		return err
	}
	_ = os.Remove(in.file.Name()) // removed while open, if the system can: a killed run then leaves no file
	in.size, err = io.Copy(in.file, in.stream)
	return err
}

// startSize is how much of an input tells its format, in bytes.
const startSize = 64 << 10

// detect finds out what the input is. name is that of a file.
func (in *table) detect(name string) (err error) {
	var start []byte
	if in.file == nil {
		_, err = in.stream.Peek(4)
		if start, _ = in.stream.Peek(in.stream.Buffered()); len(start) > 0 {
			err = nil // it comes again
		}
	} else if in.size, err = in.file.Seek(0, io.SeekEnd); err == nil {
		start = make([]byte, min(in.size, startSize))
		_, err = io.ReadFull(in.section(), start)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(start) == 0 && name == "" {
		return io.EOF
	}
	in.options, in.why, err = rows.Detect(start, name, in.options)
	if err == nil && in.file != nil && in.options.Encoding == "" && in.options.Format != rows.XLSX {
		in.options.Encoding, err = rows.DetectEncoding(in.section())
	}
	return in.describe(err)
}

func (in *table) section() *io.SectionReader { return io.NewSectionReader(in.file, 0, in.size) }

// fits refuses flags that do not fit the input, and an output that cannot hold its rows.
func (in *table) fits(o *options) (err error) {
	format := in.options.Format
	switch {
	case o.column != "" && !format.Columns() && !format.Fields():
		return explain.Usage("--column is for tables and JSON, and the input is %s", format.Title())
	case o.headerRow != foundHeader && !format.Columns():
		return explain.Usage("--header-row is for tables, and the input is %s", format.Title())
	case o.sheet != "" && format != rows.XLSX:
		return explain.Usage("--sheet is for workbooks, and the input is %s", format.Title())
	case o.delimiter != "" && format != rows.CSV && format != rows.TSV:
		return explain.Usage("--delimiter is for CSV and TSV, and the input is %s", format.Title())
	case o.encoding != "" && format == rows.XLSX:
		return explain.Usage("--encoding is for text, and the input is %s", format.Title())
	}
	if in.options.Output, err = format.OutputFor(o.output, o.input); err != nil {
		return explain.Usage("%w", err)
	}
	if o.outputEncoding != "" && in.options.Output == rows.XLSX {
		return explain.Usage("--output-encoding is for text, and the output is %s", in.options.Output.Title())
	}
	if in.options.Output.Whole() && o.output == "" && !o.dryRun {
		return explain.Usage("%s cannot be written to standard output row by row: add --output", in.options.Output.Title())
	}
	return nil
}

func (in *table) close() {
	if in.file != nil {
		_ = in.file.Close() // nothing is written to it any more
	}
	if in.spooled && in.file != nil {
		_ = os.Remove(in.file.Name()) // unless removed before
	}
}

// reader reads the rows from the start; a stream only once.
func (in *table) reader() (*rows.Reader, error) {
	from := io.Reader(in.stream)
	if in.file != nil {
		from = in.section()
	}
	reader, err := rows.NewReader(from, in.options)
	return reader, in.describe(err)
}

// each passes the rows of a file to do, and returns the reader for what it has found. An empty file has none.
func (in *table) each(ctx context.Context, do func(rows.Row) error) (*rows.Reader, error) {
	reader, err := in.reader()
	if err != nil {
		return reader, err
	}
	defer func() { _ = reader.Close() }() // read-only
	for {
		row, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return reader, nil
		case err != nil:
			return nil, contextCause(ctx, in.describe(err))
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		if err := do(row); err != nil {
			return nil, err
		}
	}
}

// describe adds the input's name, and the flag that helps, to an error of reading.
func (in *table) describe(err error) error {
	var wrong *rows.Error
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
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
	rows.PartHeader:   "if there is no header, add --header-row 0; if it is in another row, its number: --header-row N",
	rows.PartColumn:   "name the column, its number or letter with --column; if the header is in another row, add --header-row N, or 0 if there is none",
	rows.PartField:    "name the field with --column",
}

// scan is the result of reading an input through.
type scan struct {
	rows, distinct, invalid, skipped int

	done     int // rows whose chat needs no call
	calls    int // distinct chats to convert
	describe int // distinct chats to describe that are converted
	earlier  int // rows with a result in the input
	none     int // rows that are no chat's
	hidden   int

	trims trims
	found rows.Found
}

// saw counts a row, and reports whether it is a chat's.
func (s *scan) saw(row rows.Row) bool {
	if row.None {
		s.none++
		return false
	}
	s.rows++
	if row.Hidden {
		s.hidden++
	}
	s.trims.add(row.Trimmed, row.Line)
	return true
}

// report prints what people should know of the rows.
func (s *scan) report(w *term.World) {
	s.trims.report(w)
	if s.hidden > 0 {
		w.Note("%s", lang.N(s.hidden, "%d row is hidden in the sheet, and is converted as well", "%d rows are hidden in the sheet, and are converted as well", s.hidden))
	}
	if s.none > 0 {
		w.Note("%s", lang.N(s.none, "%d row is no chat's, such as a total, and stays as it is", "%d rows are no chats', such as a total, and stay as they are", s.none))
	}
}

// described reports whether a chat needs no description any more, in this run.
func described(e journal.Entry) bool {
	return e.OpenConversationID == "" || e.Status != "" && (e.Fresh || !strings.HasPrefix(e.Status, notDescribed))
}

// What a run does with a chat.
const (
	toKeep = iota
	toDescribe
	toCall
)

// counter counts distinct ids by 62 bits of a hash, and by what is done with each. The chance of a collision among a million
// ids is 1 in 9 million; it would make a count wrong, but no result.
type counter struct {
	seed   maphash.Seed
	hashes [256][]uint64 // by first byte: a single list would be copied whole when it grows
}

func newCounter() *counter { return &counter{seed: maphash.MakeSeed()} }

func (c *counter) add(id string, what uint64) {
	hash := maphash.String(c.seed, id)
	c.hashes[hash>>56] = append(c.hashes[hash>>56], hash&^3|what)
}

// count returns how many ids are called, described only, and there are.
func (c *counter) count() (calls, describe, all int) {
	for _, hashes := range c.hashes {
		slices.Sort(hashes)
		for i, hash := range hashes {
			if i+1 < len(hashes) && hashes[i+1]&^3 == hash&^3 {
				continue // the last of an id has most to do
			}
			switch all++; hash & 3 {
			case toCall:
				calls++
			case toDescribe:
				describe++
			}
		}
	}
	return calls, describe, all
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
