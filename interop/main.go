// Command interop proves openapi.yaml in other languages. For each it generates a client, builds the program beside it, and
// runs the program against the emulator once per case of cases.json. It prints one table of what came out.
//
//	go run ./interop                          every model client, and the official Go SDK
//	go run ./interop -lang python,java        some of them; more, official and all are names too
//	go run ./interop -lang c -case slash -v   one case, with what was sent and what came back
//	go run ./interop -program ./client        a program of your own
//
// A case that a generated client cannot pass is named in languages.go: the run fails if that passes, or another fails.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("interop", flag.ContinueOnError)
	langs := flags.String("lang", "", "languages to run, by `name`")
	own := flags.String("program", "", "run this `executable` instead, which is built already")
	only := flags.String("case", "", "run only the case of this `name`")
	verbose := flags.Bool("v", false, "show what each program was sent and printed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*langs)
	if err != nil {
		return err
	}
	if *own != "" {
		chosen = []language{{name: filepath.Base(*own), built: *own}}
	}
	r := &runner{verbose: *verbose}
	if r.root, err = os.Getwd(); err != nil {
		return err
	}
	if r.cases, err = loadCases(filepath.Join(r.root, "interop", "cases.json"), *only); err != nil {
		return err
	}
	r.cache = cmp.Or(os.Getenv("INTEROP_CACHE"), filepath.Join(r.root, ".tools", "interop"))
	if err := r.buildCommand(ctx); err != nil {
		return err
	}
	columns := r.columns(ctx, chosen)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if r.print(columns) {
		return errors.New("not every cell is as expected")
	}
	return nil
}

// column is one language's part of the table.
type column struct {
	language
	mu      sync.Mutex
	problem error           // why it did not run
	cells   map[string]cell // by case
}

// columns builds languages, one after the other since they share downloads, and runs each as soon as it is built.
func (r *runner) columns(ctx context.Context, chosen []language) []*column {
	var columns []*column
	var running sync.WaitGroup
	for _, l := range chosen {
		c := &column{language: l, cells: map[string]cell{}}
		columns = append(columns, c)
		fmt.Fprintf(os.Stderr, "== %s\n", l.name)
		if c.problem = r.build(ctx, l); c.problem != nil {
			continue
		}
		for i, tests := range r.lanes(l) {
			running.Go(func() {
				if err := r.runLane(ctx, c, tests, fmt.Sprintf("%s-%d", l.name, i)); err != nil {
					c.mu.Lock()
					c.problem = err
					c.mu.Unlock()
				}
			})
		}
	}
	running.Wait()
	return columns
}

// lanes are a language's cases, for two processes: those that mostly wait do not hold up the others, and their process trusts no
// other authority than the machine does.
func (r *runner) lanes(l language) (lanes [2][]testCase) {
	for _, test := range r.cases {
		switch {
		case l.sample && !test.Official:
		case test.Foreign || slices.ContainsFunc(test.Steps, func(s step) bool { return s.Pause > 1 }):
			lanes[1] = append(lanes[1], test)
		default:
			lanes[0] = append(lanes[0], test)
		}
	}
	return lanes
}

// runLane runs cases one after the other, against emulators of their own.
func (r *runner) runLane(ctx context.Context, c *column, tests []testCase, name string) error {
	emulators := map[bool]*emulator{} // by whether they speak TLS
	p := &program{language: c.language, path: cmp.Or(c.built, filepath.Join(r.buildDir(c.language), cmp.Or(c.program, "client"))), codes: r.codes}
	for _, test := range tests {
		if emulators[test.HTTPS] != nil {
			continue
		}
		ca := ""
		if test.HTTPS {
			ca = filepath.Join(r.cache, name+".pem")
		}
		e, err := r.startEmulator(ctx, ca)
		if err != nil {
			return err
		}
		defer e.stop()
		if emulators[test.HTTPS] = e; test.HTTPS && !test.Foreign {
			p.ca = e.ca
		}
	}
	defer func() { _ = p.stop() }() // A failed case reports its exit.
	for _, test := range tests {
		o := p.runCase(ctx, test, emulators[test.HTTPS])
		if r.verbose {
			fmt.Fprintf(os.Stderr, "%s %s: sent %s, printed %s%s %s\n", c.name, test.Name, encode(o.recorded), encode(o.got), o.crash, o.log)
		}
		c.mu.Lock()
		c.cells[test.Name] = judge(c.language, test, o)
		c.mu.Unlock()
	}
	return nil
}

// print prints the table, and below it what failed. It reports whether anything failed.
func (r *runner) print(columns []*column) (failed bool) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	head, notes := "\ncase", ""
	for _, c := range columns {
		head += "\t" + c.name
		if c.problem != nil {
			failed = true
			notes += fmt.Sprintf("\n%s did not run: %v\n", c.name, c.problem)
		}
	}
	fmt.Fprintln(table, head)
	for _, test := range r.cases {
		row := test.Name
		for _, c := range columns {
			cell := c.cells[test.Name]
			row += "\t" + cell.text
			if len(cell.notes) > 0 {
				failed = true
				notes += fmt.Sprintf("\n%s: %s\n    %s\n", c.name, test.Name, strings.Join(cell.notes, "\n    "))
			}
		}
		fmt.Fprintln(table, row)
	}
	_ = table.Flush() // Nothing can be done about a terminal that refuses it.
	fmt.Print(notes)
	return failed
}
