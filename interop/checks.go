package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
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

func (s *settings) checkScript(name string) string {
	return filepath.Join(s.root, "interop", "checks", name+".sh")
}

// oasdiff compares the contract with the last released one.
func (s *settings) oasdiff(ctx context.Context, dir string) error {
	err := s.script(ctx, s.checkScript("oasdiff"), dir)
	if output, readErr := os.ReadFile(filepath.Join(dir, "oasdiff.sh.log")); readErr == nil {
		fmt.Printf("%s", output)
	}
	return err
}

// finding is one kind of failure that Schemathesis reports.
type finding struct {
	Code       string   `json:"code"`
	Title      string   `json:"title"`
	Operations []string `json:"operations"`
}

// explained is a finding that is no mistake of the emulator.
type explained struct {
	Code      string `json:"code"`
	Operation string `json:"operation"`
	Because   string `json:"because"`
}

// schemathesis makes up requests from the contract and checks the emulator's answers to them.
func (s *settings) schemathesis(ctx context.Context, dir string) error {
	server, err := serve(ctx)
	if err != nil {
		return err
	}
	defer server.close()
	emulator := dingtalktest.New(dingtalktest.WithAnyChat())
	server.emulator.Store(emulator)
	if err := s.script(ctx, s.checkScript("schemathesis"), dir, "URL="+server.url, "TOKEN="+emulator.IssueToken()); err != nil {
		return err
	}
	report, err := readReport(dir)
	if err != nil {
		return err
	}
	fmt.Printf("%d requests made up; the emulator got %d\n", report.TestCases.Generated, requests(emulator))
	return s.explainReport(report, "schemathesis.json", dir)
}

// report is what Schemathesis writes.
type report struct {
	Complete  bool `json:"complete"`
	TestCases struct {
		Generated int `json:"generated"`
		Errored   int `json:"errored"`
	} `json:"test_cases"`
	Failures []finding `json:"failures"`
}

func readReport(dir string) (r report, err error) {
	err = loadLoosely(filepath.Join(dir, "report.json"), &r)
	return r, err
}

// explainReport fails if a run is not complete, or a finding has no reason in the file of checks with this name.
func (s *settings) explainReport(r report, reasonsFile, dir string) error {
	var reasons []explained
	if err := load(filepath.Join(s.root, "interop", "checks", reasonsFile), &reasons); err != nil {
		return err
	}
	if !r.Complete || r.TestCases.Errored > 0 || r.TestCases.Generated == 0 {
		return fmt.Errorf("the run is not complete; see %s", dir)
	}
	return explain(r.Failures, reasons, dir)
}

// explain prints each finding with its reason, and fails if one has none. A reason without a finding is no failure: what
// is made up depends on the version of more than Schemathesis.
func explain(found []finding, reasons []explained, dir string) error {
	var failures []error
	used := map[explained]bool{}
	for _, f := range found {
		for _, operation := range f.Operations {
			i := slices.IndexFunc(reasons, func(r explained) bool { return r.Code == f.Code && r.Operation == operation })
			if i < 0 {
				failures = append(failures, fmt.Errorf("%s %s: %s; see %s", f.Code, operation, f.Title, dir))
				continue
			}
			used[reasons[i]] = true
			fmt.Printf("explained: %s %s: %s\n    %s\n", f.Code, operation, f.Title, reasons[i].Because)
		}
	}
	for _, r := range reasons {
		if !used[r] {
			fmt.Printf("not found this time: %s %s\n", r.Code, r.Operation)
		}
	}
	return errors.Join(failures...)
}

func requests(emulator *dingtalktest.Emulator) (n int64) {
	for _, tally := range emulator.Counts() {
		n += tally.Requests
	}
	return n
}

// prism runs the Go program's cases through a proxy that turns whatever the contract does not allow, in requests and in
// answers, into an error: status 500. What it is to object to is explained in prism.json.
func (s *settings) prism(ctx context.Context, dir string) error {
	if err := s.script(ctx, s.checkScript("prism"), dir); err != nil {
		return err
	}
	client, err := choose(languages(), []string{"go"}, false)
	if err != nil {
		return err
	}
	program, err := s.build(ctx, client[0])
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
	server, err := serve(ctx)
	if err != nil {
		return err
	}
	defer server.close()
	stop, err := server.through(ctx, filepath.Join(dir, "client"), filepath.Join(dir, "prism.log"))
	if err != nil {
		return err
	}
	defer stop()

	result := column{language: language{name: "prism", flag: "check"}, cells: map[string]cell{}}
	for _, test := range cases {
		o := runCase(ctx, program, test, server)
		if s.verbose {
			fmt.Fprintf(os.Stderr, "prism %s: sent %q, printed %s%s %s\n", test.Name, o.path, encode(o.got), o.crash, o.log)
		}
		objected := o.got["status"] == float64(http.StatusInternalServerError) && o.answered != http.StatusInternalServerError
		reason, expected := explained[test.Name]
		switch {
		case objected && expected:
			result.cells[test.Name] = cell{text: "objects", notes: []string{reason}}
		case objected || expected:
			result.cells[test.Name] = cell{text: "FAILED", failed: true, notes: []string{
				fmt.Sprintf("Prism objects: %t; explained in prism.json: %t", objected, expected)}}
		default:
			result.cells[test.Name] = judge(result.language, test, o, nil)
		}
	}
	printTable(os.Stdout, []column{result}, cases, false)
	printNotes(os.Stdout, []column{result}, cases)
	if result.failed() {
		return fmt.Errorf("not every cell is as expected; see %s", filepath.Join(dir, "prism.log"))
	}
	return nil
}

// through puts a proxy in front of the emulator: a program that is told its port and where to pass requests on.
func (l *listening) through(ctx context.Context, program, logFile string) (stop func(), err error) {
	free, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	_ = free.Close() // Between here and the proxy's start another program could take the port; the proxy would say so.
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	command := exec.CommandContext(ctx, program, port, l.url)
	command.Env = environment()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		cancel()
		return nil, err
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
			l.url = "http://" + address
			return stop, nil
		}
		select {
		case <-ended:
			stop()
			return nil, fmt.Errorf("the proxy ended at once; see %s", logFile)
		case <-time.After(200 * time.Millisecond):
		}
	}
	stop()
	return nil, fmt.Errorf("the proxy did not start within a minute; see %s", logFile)
}
