package main

import (
	"errors"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// takeUp goes to where the output ends. complete is whether nothing is left to do.
func (r *fileRun) takeUp() (complete bool, err error) {
	for id, conversion := range r.out.state.Converted {
		r.known[id] = rows.Result{OpenConversationID: conversion}
		r.late[id] = conversion // until they are in the output
	}
	switch {
	case r.out.path == "" || r.out.fresh || r.out.overwrites():
		return false, nil
	case r.o.retryFailed:
		return r.takeUpRetry()
	}
	stateless := !r.out.begun
	if err := r.readFinished(); err != nil {
		return false, err
	}
	all := int(r.done.Load()) == r.in.scan.rows
	switch {
	case all:
		r.app.note("%s is complete; nothing was called", r.out.name)
	case stateless:
		return false, usageError("%s is not complete, and there is no %s that says what it belongs to", r.out.name, statePath(r.out.path))
	default:
		r.app.note("%d of %d rows are done; going on", r.done.Load(), r.in.scan.rows)
	}
	return all, nil
}

// takeUpRetry opens what the failed rows are looked for in, and checks that it is complete before a call is spent.
func (r *fileRun) takeUpRetry() (complete bool, err error) {
	check, err := r.openOld()
	if err != nil {
		return false, err
	}
	in := r.rows
	converted, failed := 0, 0
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, r.in.describe(err)
		}
		result, err := check.next(row.Start)
		if err != nil {
			return false, err
		}
		if result.OpenConversationID == "" {
			failed++
		} else {
			converted++
		}
	}
	if err := check.records.Next(); !errors.Is(err, io.EOF) {
		return false, usageError("%s holds more rows than the input", r.out.name)
	}
	if r.rows, err = r.in.rows(); err != nil {
		return false, err
	}
	if r.old, err = r.openOld(); err != nil {
		return false, err
	}
	if failed == 0 {
		r.app.note("%s holds no failed row", r.out.name)
		r.converted = converted
		r.done.Store(int64(converted))
		return true, r.out.dropSide()
	}
	return false, r.readFinished()
}

// readFinished reads what is in the output file along with the input, and learns from it.
func (r *fileRun) readFinished() error {
	repeats := r.in.scan.repeats()
	return r.out.finished(r.rows, func(done *rows.Written) error {
		row, err := r.rows.Read()
		if errors.Is(err, io.EOF) {
			return usageError("%s holds more rows than the input", r.out.name)
		}
		if err != nil {
			return r.in.describe(err)
		}
		if r.old != nil {
			if _, err := r.old.next(row.Start); err != nil {
				return err
			}
		}
		result, ok := done.Result(row.Start)
		if !ok {
			return usageError("%s cannot be continued: row %d is not what the input's line %d gives", r.out.name, r.done.Load()+1, row.Line)
		}
		if repeats {
			r.known[row.ChatID] = result
		}
		delete(r.late, row.ChatID)
		if result.OpenConversationID == "" {
			r.failed++
		} else {
			r.converted++
		}
		r.done.Add(1)
		return nil
	})
}

// oldRows are the rows of a complete output.
type oldRows struct {
	name    string
	records *rows.Written
}

func (r *fileRun) openOld() (*oldRows, error) {
	if _, err := r.out.lock.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	records, err := r.rows.Written(r.out.lock)
	var other *rows.Error
	if errors.As(err, &other) {
		return nil, usageError("%s is not an output for this input: its header is another", r.out.name)
	}
	return &oldRows{name: r.out.name, records: records}, err
}

// next is the result of the next row, whose record begins with start.
func (o *oldRows) next(start []byte) (rows.Result, error) {
	err := o.records.Next()
	if errors.Is(err, io.EOF) {
		return rows.Result{}, usageError("%s is not complete; finish it with --resume first", o.name)
	}
	if err != nil {
		return rows.Result{}, err
	}
	result, ok := o.records.Result(start)
	if !ok {
		return result, usageError("%s is not an output for this input: line %d is of another row", o.name, o.records.Line())
	}
	return result, nil
}

// copyRest appends the old rows behind the first n to what is written, and what was converted of them meanwhile.
func (r *fileRun) copyRest(n int) error {
	var err error
	if r.rows, err = r.in.rows(); err != nil {
		return err
	}
	old, err := r.openOld()
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		row, err := r.rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.in.describe(err)
		}
		result, err := old.next(row.Start)
		if err != nil {
			return err
		}
		if i < n {
			continue
		}
		if id := r.late[row.ChatID]; id != "" {
			result = rows.Result{OpenConversationID: printable(id)}
		}
		if err := r.out.write(r.rows.Finish(row.Start, result)); err != nil {
			return err
		}
	}
}
