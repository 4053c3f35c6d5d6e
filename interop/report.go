package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

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
