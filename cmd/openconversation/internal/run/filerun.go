package run

import (
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/output"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// rowSink is a sink of rows.
type rowSink interface {
	sink
	writeHeader() error
}

// fileRun is a run over rows.
type fileRun struct {
	world   *term.World
	o       *options
	in      *table
	taken   *taken
	file    *fileSink   // file or stream is nil
	stream  *streamSink // see file
	started time.Time
}

// stateOf makes the state that identifies a run's output.
func stateOf(w *term.World, o *options, in *table, t *taken) output.State {
	reader := t.source.rows
	s := output.State{
		App: o.connect.Identity(w), Format: string(in.options.Format), Column: reader.Name(),
		Shape: reader.Found().String() + "; " + string(in.options.Output) + "; " + string(in.options.OutputEncoding),
	}
	if o.groups {
		s.Shape += "; with --check"
	}
	if in.scan != nil {
		s.Input = in.scan.digest
	}
	return s
}

func (r *fileRun) sink() rowSink {
	if r.stream != nil {
		return r.stream
	}
	return r.file
}

func (r *fileRun) tally() *tally {
	if r.stream != nil {
		return &r.stream.tally
	}
	return &r.file.tally
}

func (r *fileRun) outputName() lang.Said {
	if r.file != nil {
		return lang.Literal(r.file.out.Name)
	}
	return r.stream.name
}
