package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// otherCheck is a check of the contract or the emulator that is no language.
type otherCheck struct {
	name  string
	needs []need
	run   func(s *settings, ctx context.Context, dir string) error // dir is empty, for what it writes
}

func (c otherCheck) id() string { return c.name }

func (otherCheck) group() string { return "all" }

func otherChecks() []otherCheck {
	return []otherCheck{
		{name: "oasdiff", needs: []need{needGo}, run: (*settings).oasdiff},
		{name: "schemathesis", needs: []need{needPython, needPip}, run: (*settings).schemathesis},
		{name: "admin", needs: []need{needPython, needPip}, run: (*settings).adminAPI},
		{name: "prism", needs: []need{needGo, needNode}, run: (*settings).prism},
	}
}

func (s *settings) check(ctx context.Context, c otherCheck) error {
	fmt.Printf("\n== %s\n", c.name)
	started := time.Now()
	if err := provide(ctx, c.needs); err != nil {
		return err
	}
	dir, err := s.emptyBuild(c.name)
	if err != nil {
		return err
	}
	if err := c.run(s, ctx, dir); err != nil {
		return err
	}
	fmt.Printf("%s: ok, %.1f seconds\n", c.name, time.Since(started).Seconds())
	return nil
}

// oasdiff compares the contract with the last released one.
func (s *settings) oasdiff(ctx context.Context, dir string) error {
	err := s.script(ctx, s.checkScript("oasdiff"), dir)
	if output, readErr := os.ReadFile(filepath.Join(dir, "oasdiff.sh.log")); readErr == nil {
		fmt.Printf("%s", output)
	}
	return err
}

// schemathesis makes up requests from the contract and checks the emulator's answers to them.
func (s *settings) schemathesis(ctx context.Context, dir string) error {
	if err := s.plain.prepare(ctx, testCase{Settings: map[string]any{"anyChat": true}}); err != nil {
		return err
	}
	token, err := s.plain.token(ctx)
	if err != nil {
		return err
	}
	if err := s.script(ctx, s.checkScript("schemathesis"), dir, "URL="+s.plain.url, "TOKEN="+token); err != nil {
		return err
	}
	report, err := readReport(dir)
	if err != nil {
		return err
	}
	got, err := s.plain.count(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%d requests made up; the emulator got %d\n", report.TestCases.Generated, got)
	return s.explainReport(report, "schemathesis.json", dir)
}

// prism runs the Go program's cases through a proxy that turns whatever the contract does not allow, in requests and in
// answers, into an error: status 500, which the client repeats. So a case to whose answers it objects comes out otherwise; those
// are explained in prism.json.
func (s *settings) prism(ctx context.Context, dir string) error {
	if err := s.script(ctx, s.checkScript("prism"), dir); err != nil {
		return err
	}
	client, err := choose(languages(), []string{"go"}, false)
	if err != nil {
		return err
	}
	path, err := s.build(ctx, client[0])
	if err != nil {
		return err
	}
	cases, err := loadCases(filepath.Join(s.root, "interop", "cases.json"), s.only)
	if err != nil {
		return err
	}
	var explained map[string]string
	if err := load(filepath.Join(s.root, "interop", "checks", "prism.json"), &explained); err != nil {
		return err
	}
	proxied, stop, err := through(ctx, s.plain, filepath.Join(dir, "client"), filepath.Join(dir, "prism.log"))
	if err != nil {
		return err
	}
	defer stop()

	p := &program{path: path, codes: s.codes}
	defer func() { _ = p.stop() }() // How it ends is told where a case fails.
	result := column{language: language{name: "prism", flag: "check"}, cells: map[string]cell{}}
	for _, test := range cases {
		if test.HTTPS {
			continue // of the proxy's own address there is no certificate
		}
		o := runCase(ctx, p, test, proxied)
		if s.verbose {
			fmt.Fprintf(os.Stderr, "prism %s: sent %s, printed %s%s %s\n", test.Name, encode(o.requests), encode(o.got), o.crash, o.log)
		}
		plain := judge(result.language, test, o, nil)
		reason, expected := explained[test.Name]
		switch {
		case plain.failed && expected:
			result.cells[test.Name] = cell{text: "objects", notes: []string{reason}}
		case expected:
			result.cells[test.Name] = cell{text: "FAILED", failed: true, notes: []string{"Prism does not object, as prism.json says that it does"}}
		default:
			result.cells[test.Name] = plain
		}
	}
	printTable(os.Stdout, []column{result}, cases, "generated")
	printNotes(os.Stdout, []column{result}, cases)
	if result.failed() {
		return fmt.Errorf("not every cell is as expected; see %s", filepath.Join(dir, "prism.log"))
	}
	return nil
}

// through puts a proxy in front of an emulator: a program that is told its port and where to pass requests on.
func through(ctx context.Context, e *emulator, program, logFile string) (proxied *emulator, stop func(), err error) {
	free, err := listen(ctx)
	if err != nil {
		return nil, nil, err
	}
	address := free.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, err
	}
	_ = free.Close() // Between here and the proxy's start another program could take the port; the proxy would say so.
	log, err := os.Create(logFile)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	command := exec.CommandContext(ctx, program, port, e.url)
	command.Env = environment()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		cancel()
		return nil, nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // That it ended is enough to know; it is ended with a signal.
		close(ended)
	}()
	stop = func() {
		cancel()
		<-ended
		_ = log.Close()
	}
	dialer := net.Dialer{Timeout: time.Second}
	for range 300 {
		if conn, err := dialer.DialContext(ctx, "tcp", address); err == nil {
			_ = conn.Close()
			behind := *e
			behind.url = "http://" + address
			return &behind, stop, nil
		}
		select {
		case <-ended:
			stop()
			return nil, nil, fmt.Errorf("the proxy ended at once; see %s", logFile)
		case <-time.After(200 * time.Millisecond):
		}
	}
	stop()
	return nil, nil, fmt.Errorf("the proxy did not start within a minute; see %s", logFile)
}
