// Command interop proves openapi.yaml in other languages. For each it generates a client, builds the small program beside
// it, runs the program against the emulator once per case of cases.json, and prints what came out as one table.
//
//	go run ./interop                          every language but the slow ones, and the official SDKs
//	go run ./interop -lang python,java        these only
//	go run ./interop -lang official           the official SDKs only
//	go run ./interop -lang c -case slash -v   one case, with what was sent and what came back
//	go run ./interop -check prism,schemathesis
//
// A generator's defect is data: defects.json in the language's folder names it. The run fails if a case fails that is not
// named there, or passes although it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var s settings
	var langs, checks string
	flags := flag.NewFlagSet("interop", flag.ContinueOnError)
	flags.StringVar(&langs, "lang", "", "languages to run, by `name`: "+names(languages())+"; generated, more, official, or all")
	flags.StringVar(&checks, "check", "", "other checks to run, by `name`: "+names(otherChecks()))
	flags.StringVar(&s.contract, "contract", "openapi.yaml", "the contract to generate from")
	flags.StringVar(&s.cache, "cache", cacheDefault(), "where downloads and builds are kept; INTEROP_CACHE sets the default")
	flags.StringVar(&s.only, "case", "", "run only the case of this `name`")
	flags.BoolVar(&s.verbose, "v", false, "show what each program was sent and said")
	flags.BoolVar(&s.rebuild, "rebuild", false, "generate and build also what is up to date")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if s.root, err = repository(); err != nil {
		return err
	}
	for _, path := range []*string{&s.contract, &s.cache} {
		if !filepath.IsAbs(*path) {
			*path = filepath.Join(s.root, *path)
		}
	}
	chosen, err := choose(languages(), split(langs), false)
	if langs == "" && checks == "" {
		chosen = quick()
	}
	if err != nil {
		return err
	}
	chosenChecks, err := choose(otherChecks(), split(checks), false)
	if err != nil {
		return err
	}
	cases, err := loadCases(filepath.Join(s.root, "interop", "cases.json"), s.only)
	if err != nil {
		return err
	}

	if err := s.command(ctx); err != nil {
		return err
	}
	var failures []error
	if len(chosen) > 0 {
		failures = append(failures, s.table(ctx, chosen, cases))
	}
	if len(chosenChecks) > 0 {
		if s.plain, err = startEmulator(ctx, s.program, false); err != nil {
			return err
		}
		defer s.plain.stop()
	}
	for _, c := range chosenChecks {
		if err := s.check(ctx, c); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failures...)
}

// table runs languages and prints what came out. Builds share downloads, so that one begins after the other. Programs
// mostly wait, for answers and until a repeat is due: some run at once, while the next ones are built.
func (s *settings) table(ctx context.Context, chosen []language, cases []testCase) error {
	const atOnce = 3
	columns := make([]column, len(chosen))
	turns := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i, l := range chosen {
		columns[i] = s.buildLanguage(ctx, l, cases)
		if columns[i].program == "" {
			continue
		}
		running.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			s.runLanguage(ctx, &columns[i], cases)
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	failed := false
	for _, group := range []string{"generated", "more", "official"} {
		part := slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.language.group() != group })
		if len(part) > 0 {
			printTable(os.Stdout, part, cases, group)
			printNotes(os.Stdout, part, cases)
		}
		for _, c := range part {
			failed = failed || c.failed()
		}
	}
	printTimes(os.Stdout, columns)
	if failed {
		return errors.New("not every cell is as expected")
	}
	return nil
}

// repository finds the folder of this module, so that the command works in any folder below it.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "interop", "cases.json")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run this inside the repository")
		}
		dir = filepath.Dir(dir)
	}
}

func cacheDefault() string {
	if dir := os.Getenv("INTEROP_CACHE"); dir != "" {
		return dir
	}
	return filepath.Join(".tools", "interop")
}
