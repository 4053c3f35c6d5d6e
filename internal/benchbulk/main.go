// Command benchbulk measures runs over many chats, in the SDK and through the command, and compares the figures with
// what is wanted of them. Run it from the module's root with go run ./internal/benchbulk;
// -only picks scenarios and -ids makes them small. A figure that means nothing at a small size is shown, not judged.
//
// It exits with 1 if a figure is missed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// scenario is a run, or several, and the figures that it yields.
type scenario struct {
	name string
	idle bool // it mostly waits, so that others which do may run beside it
	ids  int  // how many distinct chats, unless -ids says otherwise
	run  func(ctx context.Context, b *bench, ids int) ([]figure, error)
}

var scenarios = []scenario{
	{"known", true, 2_000, knownLimit},
	{"hidden", true, 2_000, hiddenLimit},
	{"volume", false, 1_000_000, volume},
}

func names() string {
	var all []string
	for _, s := range scenarios {
		all = append(all, s.name)
	}
	return strings.Join(all, ",")
}

// figure is one line of the result.
type figure struct {
	name, wanted, measured string
	ok                     bool
	shown                  bool // not judged
}

// judged is the figure of a run over ids that counts only from so many on.
func (f figure) judged(from, ids int) figure {
	f.shown = ids < from
	return f
}

func (f figure) verdict() string {
	switch {
	case f.shown:
		return "not judged"
	case f.ok:
		return "ok"
	default:
		return "MISSED"
	}
}

// bench is what scenarios share.
type bench struct {
	dir         string // for files, removed at the end
	commandPath string
	command     func() (string, error) // builds the command once and returns where it is
	concurrency int
	log         io.Writer // what happens meanwhile
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ok, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchbulk:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (ok bool, err error) {
	b := &bench{log: stderr}
	flags := flag.NewFlagSet("benchbulk", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", names(), "`scenarios` to run")
	ids := flags.Int("ids", 0, "`number` of distinct chats in each, instead of its own")
	flags.IntVar(&b.concurrency, "concurrency", 32, "`calls` under way at once, where the command makes them")
	flags.StringVar(&b.commandPath, "command", "", "`file` of the built command; built from the source if not given")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	chosen, err := choose(*only)
	if err != nil {
		return false, err
	}
	if b.dir, err = os.MkdirTemp("", "benchbulk"); err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // a temporary folder that is left over does not change the figures
	b.command = sync.OnceValues(func() (string, error) { return b.build(ctx) })

	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCENARIO\tFIGURE\tWANTED\tMEASURED\t")
	ok = true
	for _, done := range measure(ctx, b, chosen, *ids) {
		if done.err != nil {
			ok = false
			fmt.Fprintf(table, "%s\t\t\t%v\tFAILED\n", done.name, done.err)
		}
		for _, f := range done.figures {
			ok = ok && (f.ok || f.shown)
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", done.name, f.name, f.wanted, f.measured, f.verdict())
		}
	}
	return ok, table.Flush()
}

func choose(only string) ([]scenario, error) {
	var chosen []scenario
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no scenario %q among %s", name, names())
		}
		chosen = append(chosen, scenarios[i])
	}
	return chosen, nil
}

// outcome is what became of a scenario.
type outcome struct {
	scenario
	figures []figure
	err     error
}

// measure runs the scenarios that idle at the same time, then the others one after the other.
func measure(ctx context.Context, b *bench, chosen []scenario, ids int) []outcome {
	outcomes := make([]outcome, len(chosen))
	one := func(i int) {
		s := chosen[i]
		n := s.ids
		if ids > 0 {
			n = ids
		}
		fmt.Fprintf(b.log, "%s: %d ids\n", s.name, n)
		start := time.Now()
		figures, err := s.run(ctx, b, n)
		fmt.Fprintf(b.log, "%s: done in %s\n", s.name, time.Since(start).Round(time.Millisecond))
		outcomes[i] = outcome{s, figures, err}
	}
	var idle sync.WaitGroup
	for i, s := range chosen {
		if s.idle {
			idle.Go(func() { one(i) })
		}
	}
	idle.Wait()
	for i, s := range chosen {
		if !s.idle {
			one(i)
		}
	}
	return outcomes
}
