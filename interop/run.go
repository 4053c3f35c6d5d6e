package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// caseLimit is how long a program may take for one case. Each needs a fraction of a second on an idle machine.
const caseLimit = 2 * time.Minute

// column is what came out of one language.
type column struct {
	language language
	problem  string // why it did not run
	short    string // the same for a cell
	program  string // what was built; empty if nothing is to be run
	defects  map[string]defect
	cells    map[string]cell
	building time.Duration
	running  time.Duration
}

// cell is what came out of one case.
type cell struct {
	text   string // ok, a defect's name, or FAILED
	failed bool
	notes  []string // what to print below the table
}

func (c column) failed() bool {
	if c.problem != "" {
		return true
	}
	for _, cell := range c.cells {
		if cell.failed {
			return true
		}
	}
	return false
}

// buildLanguage builds a language's program.
func (s *settings) buildLanguage(ctx context.Context, l language, cases []testCase) column {
	c := column{language: l, cells: map[string]cell{}}
	fmt.Fprintf(os.Stderr, "== %s\n", l.name)
	var err error
	if c.defects, err = loadDefects(filepath.Join(s.root, "interop", l.folder, l.defects())); err != nil {
		c.problem, c.short = err.Error(), "NOT RUN"
		return c
	}
	started := time.Now()
	if err := provide(ctx, l.needs); err != nil {
		c.problem, c.short = err.Error(), "NO TOOLS"
		return c
	}
	path, err := s.build(ctx, l)
	c.building = time.Since(started)
	switch {
	case err != nil:
		c.problem, c.short = err.Error(), "NO BUILD"
	case l.unrun != "":
		for _, test := range cases {
			if test.Official {
				c.cells[test.Name] = cell{text: "generated", notes: []string{l.unrun}}
			}
		}
	default:
		c.program = path
	}
	return c
}

// runLanguage runs what was built once per case, against emulators of its own.
func (s *settings) runLanguage(ctx context.Context, c *column, cases []testCase) {
	l := c.language
	emulators, err := s.startPair(ctx)
	if err != nil {
		c.problem, c.short = err.Error(), "NOT RUN"
		return
	}
	defer emulators.stop()
	started := time.Now()
	p := &program{path: c.program, sample: l.sample(), codes: s.codes, ca: emulators.secure.ca}
	defer func() { _ = p.stop() }() // How it ends is told where a case fails.
	for _, test := range cases {
		if l.sample() && !test.Official {
			continue
		}
		e := emulators.plain
		if test.HTTPS {
			e = emulators.secure
		}
		o := runCase(ctx, p, test, e)
		if s.verbose {
			fmt.Fprintf(os.Stderr, "%s %s: sent %s, printed %s%s %s\n", l.name, test.Name, encode(o.requests), encode(o.got), o.crash, o.log)
		}
		c.cells[test.Name] = judge(l, test, o, c.defects)
	}
	c.running = time.Since(started)
}

// judge compares an outcome with what the case wants and with what is known to be wrong.
func judge(l language, test testCase, o outcome, defects map[string]defect) cell {
	differences := o.differences(test, l.sample())
	known, listed := defects[test.Name]
	reproduce := fmt.Sprintf("go run ./interop -%s %s -case %s -v", cmp.Or(l.flag, "lang"), l.name, test.Name)
	switch {
	case len(differences) == 0 && !listed:
		return cell{text: "ok"}
	case len(differences) == 0:
		return cell{text: "FIXED?", failed: true, notes: []string{
			fmt.Sprintf("passes although interop/%s/%s names a defect (%s): take it out", l.folder, l.defects(), known.Name)}}
	case listed && known.is(o):
		notes := []string{known.Says}
		if known.Link != "" {
			notes = append(notes, known.Link)
		}
		return cell{text: known.Name, notes: append(notes, reproduce)}
	default:
		notes := append(differences, "path: "+o.last().Path, reproduce)
		if o.log != "" {
			notes = append(notes, "log: "+tail(o.log))
		}
		return cell{text: "FAILED", failed: true, notes: notes}
	}
}

// runCase runs a case against an emulator that was made what it wants.
func runCase(ctx context.Context, p *program, test testCase, e *emulator) (o outcome) {
	if err := e.prepare(ctx, test); err != nil {
		return outcome{crash: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	if p.sample {
		o = runSample(ctx, p.path, test, e)
	} else {
		o = p.run(ctx, test, e)
	}
	var err error
	if o.requests, err = e.requests(ctx); err != nil {
		o.crash = cmp.Or(o.crash, err.Error())
	}
	return o
}

// runSample runs a sample of DingTalk's page, or the like. It makes one conversion, takes the address as its SDK does, and prints one
// JSON object on its last line.
func runSample(ctx context.Context, program string, test testCase, e *emulator) (o outcome) {
	token := test.Token
	if token == "" {
		var err error
		if token, err = e.token(ctx); err != nil {
			return outcome{crash: err.Error()}
		}
	}
	scheme, host, _ := strings.Cut(e.url, "://")
	command := exec.CommandContext(ctx, program, scheme, host, token, cmp.Or(test.ChatID, referenceChat))
	command.Env = environment()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.WaitDelay = time.Second
	err := command.Run()
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	last := lines[len(lines)-1]
	o.log = strings.TrimSpace(strings.Join(lines[:len(lines)-1], "\n") + "\n" + stderr.String())
	var got map[string]any
	switch {
	case err != nil:
		o.crash = fmt.Sprintf("%v: %s", err, tail(stderr.String()+stdout.String()))
	case json.Unmarshal([]byte(last), &got) != nil:
		o.crash = fmt.Sprintf("printed no JSON: %q", last)
	default:
		o.got = append(o.got, got)
	}
	return o
}
