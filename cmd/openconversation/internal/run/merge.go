package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// part is the output of a shard.
type part struct {
	name    string // empty: not given
	file    *os.File
	shard   rows.Shard
	missing missing
	old     *rows.Old // during a walk
	ended   bool      // during a walk: no more rows
}

// missing describes the rows that a part lacks.
type missing struct {
	Shard string `json:"shard"`
	File  string `json:"file,omitempty"`
	Rows  int    `json:"rows"`
	Line  int    `json:"line"` // of the first missing row, in the input
}

// merge merges parts.
func merge(ctx context.Context, w *term.World, o *options, names []string, of int) error {
	in, err := openTable(ctx, w, o)
	if errors.Is(err, io.EOF) {
		return explain.Usage("%s holds no chat id", nameOf(o.input.path))
	}
	if err != nil {
		return err
	}
	defer in.close()
	if in.file == nil {
		return explain.Usage("the input is read more than once: name a file with --input")
	}
	m := &merger{ctx: ctx, in: in, parts: make([]*part, of)}
	defer m.close()
	if err := m.find(names); err != nil {
		return err
	}
	reader, err := in.reader()
	if err != nil {
		return err
	}
	err = m.walk(reader, nil) // first a check: a wrong part must leave no output
	if err = errors.Join(err, reader.Close()); err != nil {
		return err
	}
	r := &fileRun{world: w, o: o, in: in}
	if err := r.begin(ctx); err != nil {
		return err
	}
	if err := m.write(r); err != nil {
		if r.file != nil {
			err = errors.Join(err, r.file.out.Discard())
		}
		return explain.InFile(r.outputName(), err)
	}
	if r.file != nil {
		if err := r.file.end(true, true); err != nil {
			return explain.InFile(r.outputName(), err)
		}
	}
	return m.report(r)
}

// merger reads the parts of an input.
type merger struct {
	ctx   context.Context
	in    *table
	parts []*part // by shard number
}

func (m *merger) close() {
	for _, p := range m.parts {
		if p != nil && p.file != nil {
			_ = p.file.Close() // read-only
		}
	}
}

// find finds each file's shard.
func (m *merger) find(names []string) error {
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return explain.UsageHint("if there is no such part yet, leave it out and say with --of how many there are", "%w", err)
		}
		number, err := m.number(file)
		if err != nil || number == 0 { // a part without rows may be any shard
			_ = file.Close() // read-only
			if err != nil {
				return m.notAPart(name, err)
			}
			continue
		}
		if other := m.parts[number-1]; other != nil {
			_ = file.Close() // read-only
			return explain.UsageHint(ofHint, "%s and %s are both shard %d of %d", other.name, name, number, len(m.parts))
		}
		m.parts[number-1] = &part{name: name, file: file}
	}
	for i, p := range m.parts {
		if p == nil {
			p = &part{}
			m.parts[i] = p
		}
		p.shard = rows.Shard{Number: i + 1, Of: len(m.parts)}
	}
	return nil
}

func (m *merger) number(file *os.File) (int, error) {
	reader, err := m.in.reader()
	if err != nil {
		return 0, err
	}
	number, err := reader.FindShard(file, len(m.parts))
	return number, errors.Join(err, reader.Close())
}

const ofHint lang.Format = "if some parts are not given, say with --of how many there are"

// notAPart makes the error of a file that is not the output of a shard of this input.
func (m *merger) notAPart(name string, err error) error {
	var wrong *rows.Error
	if errors.As(err, &wrong) {
		return explain.UsageHint(ofHint, "%s is no part of this input: %w", name, err)
	}
	return explain.InFile(name, err)
}

// walk reads the input and the parts row by row. put may be nil.
func (m *merger) walk(reader *rows.Reader, put func(rows.Row, rows.Result) error) (err error) {
	defer func() {
		for _, p := range m.parts {
			if p.old != nil {
				err = errors.Join(err, p.old.Close())
				p.old = nil
			}
		}
	}()
	for _, p := range m.parts {
		p.missing, p.ended = missing{Shard: p.shard.String(), File: p.name}, p.file == nil
		if p.file == nil {
			continue
		}
		if _, err := p.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if p.old, err = reader.Old(p.file, p.shard); err != nil {
			return m.notAPart(p.name, err)
		}
	}
	for n := 0; ; n++ {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m.in.describe(err)
		}
		result, err := m.result(row)
		if err == nil && put != nil {
			err = put(row, result)
		}
		if err != nil {
			return err
		}
		if n%4096 == 0 && m.ctx.Err() != nil {
			return context.Cause(m.ctx)
		}
	}
	for _, p := range m.parts {
		if p.old == nil {
			continue
		}
		if err := p.old.End(); err != nil {
			return m.notAPart(p.name, err)
		}
	}
	return nil
}

// result returns a row's result in its part.
func (m *merger) result(row rows.Row) (result rows.Result, err error) {
	p := m.parts[rows.ShardOf(row.ChatID, len(m.parts))-1]
	if !p.ended {
		result, err = p.old.Next(row)
		if p.ended = errors.Is(err, io.EOF); err != nil && !p.ended {
			return result, m.notAPart(p.name, err)
		}
	}
	if result != (rows.Result{}) {
		return result, nil
	}
	if p.missing.Rows++; p.missing.Rows == 1 {
		p.missing.Line = row.Line
	}
	return rows.Result{Code: explain.Kind(dingtalk.ErrNotTried), Error: "no part has this row"}, nil
}

// write writes all rows.
func (m *merger) write(r *fileRun) error {
	if err := r.sink().writeHeader(); err != nil {
		return err
	}
	reader := r.taken.source.rows
	put := r.tally().add
	return m.walk(reader, func(row rows.Row, result rows.Result) error {
		var err error
		if record := reader.Finish(row.Start, result); r.stream != nil {
			err = r.stream.record(record)
		} else {
			err = r.file.out.Write(record)
		}
		put(result, 1)
		return err
	})
}

// mergeSummary is the output of --json.
type mergeSummary struct {
	Parts     int       `json:"parts"`
	Rows      int       `json:"rows"`
	Converted int       `json:"converted"`
	Failed    int       `json:"failed"`
	Missing   []missing `json:"missing"`
	Output    string    `json:"output"`
	ExitCode  int       `json:"exitCode"`
}

// report prints the number of rows in the output, and the missing ones.
func (m *merger) report(r *fileRun) error {
	s := mergeSummary{
		Parts: len(m.parts), Rows: m.in.scan.rows, Converted: r.tally().converted, Missing: []missing{}, Output: fmt.Sprint(r.outputName()),
	}
	lacks := 0
	for _, p := range m.parts {
		if p.missing.Rows > 0 {
			s.Missing = append(s.Missing, p.missing)
			lacks += p.missing.Rows
		}
	}
	s.Failed = r.tally().failed - lacks
	r.world.Note("%s: %d converted, %d failed, %d missing; in %s", explain.Rows(s.Rows), s.Converted, s.Failed, lacks, s.Output)
	for _, lack := range s.Missing {
		if lack.File == "" {
			r.world.Note("shard %s, a file that was not given, lacks %s, the first in line %d of the input", lack.Shard, explain.Rows(lack.Rows), lack.Line)
		} else {
			r.world.Note("shard %s, %s, lacks %s, the first in line %d of the input", lack.Shard, lack.File, explain.Rows(lack.Rows), lack.Line)
		}
	}
	var failure error
	if lacks > 0 {
		if r.file != nil {
			r.world.Note("finish a part with --resume and merge again, or convert what is missing with: %s", r.o.againWith("--retry-failed"))
		}
		failure = &explain.Error{Code: explain.SomeFailed, Err: lang.Errorf("some rows are missing"), Reported: true}
	}
	if s.ExitCode = explain.ExitCode(failure); r.o.json {
		return errors.Join(r.world.PrintJSON(s), failure)
	}
	return failure
}
