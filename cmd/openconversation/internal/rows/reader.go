package rows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Row is one chat of a file.
type Row struct {
	Line    int    // where it begins, from 1
	ChatID  string // without blanks around it
	Start   []byte // how its record in the output begins: everything that the input holds
	Problem string // why it holds no chat id, if it does not
}

// Reader reads rows.
type Reader struct {
	records *Records
	format  Format
	name    string // of the column or field
	first   *Record

	mark    bool // the file begins with a byte order mark
	lineEnd string
	header  []byte // raw; tables only
	column  int
	width   int

	Skipped int // blank lines and comments so far
}

const byteOrderMark = "\uFEFF"

// NewReader reads a file's header, if it has one. name is the column or field that holds the chat ids; if it is empty,
// that is the only one with a usual name. The error of an empty file is io.EOF.
func NewReader(r io.Reader, format Format, name string) (*Reader, error) {
	in := &Reader{records: NewRecords(r, format, MaxRecord), format: format, name: name, lineEnd: "\n"}
	start, _ := in.records.in.Peek(len(byteOrderMark))
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, broken(0, "it is UTF-16; save it as UTF-8")
	case string(start) == byteOrderMark:
		in.mark = true
		_, _ = in.records.in.Discard(len(start)) // they are in the buffer
	}
	switch format {
	case CSV, TSV:
		return in, in.readHeader()
	case JSONLines:
		return in, in.readFirst()
	default:
		return in, nil
	}
}

// Name is the column or field that holds the chat ids; empty for plain lines.
func (r *Reader) Name() string { return r.name }

func (r *Reader) readHeader() error {
	rec, err := r.record()
	if err != nil {
		return err
	}
	if rec.TooLong {
		return broken(rec.Line, "the header is longer than 1 MiB")
	}
	names, err := r.cells(rec)
	if err != nil {
		return err
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
		if slices.Contains(appendedColumns, names[i]) {
			return broken(rec.Line, "it has a column %s already; rename or remove it", names[i])
		}
	}
	r.column, err = pick(names, r.name, "column", "--column")
	switch {
	case err != nil && bytes.IndexByte(rec.Raw, '\r') >= 0:
		return broken(rec.Line, "its lines end in CR alone; save it with LF or CRLF")
	case err != nil:
		return broken(rec.Line, "%v", err)
	}
	if rec.CRLF {
		r.lineEnd = "\r\n"
	}
	r.name, r.width, r.header = names[r.column], len(names), bytes.Clone(rec.Raw)
	return nil
}

// readFirst looks at the first object of JSON Lines, which decides what its fields are called.
func (r *Reader) readFirst() error {
	rec, err := r.record()
	if err != nil {
		return err
	}
	rec.Raw = bytes.Clone(rec.Raw)
	r.first = &rec
	if r.name != "" {
		return nil
	}
	fields, err := object(rec)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	at, err := pick(names, "", "field", "--field")
	if err != nil {
		return broken(rec.Line, "%v", err)
	}
	r.name = names[at]
	return nil
}

// record reads a record that is not blank.
func (r *Reader) record() (Record, error) {
	if r.first != nil {
		rec := *r.first
		r.first = nil
		return rec, nil
	}
	for {
		rec, err := r.records.Next()
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return rec, fmt.Errorf("line %d: %w", rec.Line, err)
		case err != nil:
			return rec, io.EOF
		case rec.Open:
			return rec, broken(rec.Line, "a quote that is opened here is never closed")
		case bytes.IndexByte(rec.Raw, 0) >= 0:
			return rec, broken(rec.Line, "it holds a NUL byte, so this is no plain text; if it is UTF-16, save it as UTF-8")
		case !utf8.Valid(rec.Raw):
			return rec, broken(rec.Line, "it is not UTF-8; save it as UTF-8")
		}
		if !rec.TooLong && r.blank(rec.Raw) {
			r.Skipped++
			continue
		}
		return rec, nil
	}
}

func (r *Reader) blank(raw []byte) bool {
	switch r.format {
	case Lines:
		raw = bytes.TrimSpace(raw)
		return len(raw) == 0 || raw[0] == '#'
	case JSONLines:
		return len(bytes.TrimSpace(raw)) == 0
	default:
		return len(bytes.Trim(raw, " ")) == 0
	}
}

// Read reads a row. The error after the last is io.EOF.
func (r *Reader) Read() (Row, error) {
	rec, err := r.record()
	if err != nil {
		return Row{}, err
	}
	row := Row{Line: rec.Line}
	if rec.TooLong {
		row.Problem = fmt.Sprintf("line %d is longer than 1 MiB", rec.Line)
	}
	switch {
	case r.format == Lines:
		row.ChatID = strings.TrimSpace(string(rec.Raw))
	case r.format == JSONLines && !rec.TooLong:
		row.ChatID, row.Problem, err = r.field(rec)
	case !rec.TooLong:
		row.ChatID, err = r.cell(rec)
	}
	row.Start = r.start(rec)
	return row, err
}

// cell is the chat id of a table's record.
func (r *Reader) cell(rec Record) (string, error) {
	comma := r.format.comma()
	if bytes.IndexByte(rec.Raw, '"') < 0 {
		if got := bytes.Count(rec.Raw, []byte{comma}) + 1; got != r.width {
			return "", r.ragged(rec, got)
		}
		rest := rec.Raw
		for range r.column {
			rest = rest[bytes.IndexByte(rest, comma)+1:]
		}
		cell, _, _ := bytes.Cut(rest, []byte{comma})
		return string(bytes.TrimSpace(cell)), nil
	}
	cells, err := r.cells(rec)
	if err != nil {
		return "", err
	}
	if len(cells) != r.width {
		return "", r.ragged(rec, len(cells))
	}
	return strings.TrimSpace(cells[r.column]), nil
}

func (r *Reader) ragged(rec Record, got int) error {
	return broken(rec.Line, "it has %d columns, and the header has %d", got, r.width)
}

func (r *Reader) cells(rec Record) ([]string, error) {
	table := csv.NewReader(bytes.NewReader(rec.Raw))
	table.Comma, table.FieldsPerRecord = rune(r.format.comma()), -1
	cells, err := table.Read()
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return nil, broken(rec.Line+wrong.Line-1, "column %d: %v", wrong.Column, wrong.Err)
	}
	return cells, err
}

// field is the chat id of a JSON object.
func (r *Reader) field(rec Record) (id, problem string, err error) {
	fields, err := object(rec)
	if err != nil {
		return "", "", err
	}
	for _, name := range appendedFields {
		if _, has := fields[name]; has {
			return "", "", broken(rec.Line, "it has a field %s already; rename or remove it", name)
		}
	}
	raw, has := fields[r.name]
	if !has {
		return "", "there is no field " + r.name, nil
	}
	var value any
	_ = json.Unmarshal(raw, &value) // it has been parsed before
	id, is := value.(string)
	if !is {
		return "", "the field " + r.name + " is no string", nil
	}
	return strings.TrimSpace(id), "", nil
}

func object(rec Record) (fields map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(rec.Raw, &fields); err != nil || fields == nil {
		if err == nil {
			err = errors.New("it is null")
		}
		return nil, broken(rec.Line, "it is no JSON object: %v", err)
	}
	return fields, nil
}
