package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFolders checks what the runner would find out only after a build.
func TestFolders(t *testing.T) {
	cases, err := loadCases("cases.json", "")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]testCase{}
	for _, c := range cases {
		if _, twice := known[c.Name]; twice || c.Shows == "" {
			t.Errorf("case %q is there twice, or says nothing", c.Name)
		}
		if len(c.wants()) == 0 || slices.ContainsFunc(c.wants(), func(want map[string]any) bool { return len(want) == 0 }) {
			t.Errorf("case %q has no call, or one that nothing is wanted of", c.Name)
		}
		known[c.Name] = c
	}
	for _, l := range languages() {
		if _, err := os.Stat(filepath.Join(l.folder, "build.sh")); err != nil {
			t.Error(err)
		}
		defects, err := loadDefects(filepath.Join(l.folder, l.defects()))
		if err != nil {
			t.Error(err)
		}
		for name, d := range defects {
			c, ok := known[name]
			if !ok || l.sample() && !c.Official {
				t.Errorf("%s: there is no case %q", l.name, name)
			}
			if d.Name == "" || d.Says == "" || len(d.Got) == 0 {
				t.Errorf("%s: the defect in %s has no name, says nothing, or is not told by what came out", l.name, name)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	test := testCase{Name: "x", ChatID: "chat1", Want: map[string]any{"status": 400.0, "code": "a", "requestId": "sent"}}
	const sent = "4C2E1B6A-7D5F-7B0E-9A35-2F6D0C1E8B47"
	came := func(fields map[string]any) outcome { return outcome{got: []map[string]any{fields}} }
	right := came(map[string]any{"status": 400.0, "code": "a", "requestId": sent, "more": 1.0})
	wrong := came(map[string]any{"status": 404.0, "code": "b"})
	listed := map[string]defect{"x": {Name: "known", Says: "it is wrong", Got: map[string]any{"status": 404.0}}}
	other := map[string]defect{"x": {Name: "known", Says: "it is wrong", Got: map[string]any{"status": 500.0}}}
	for name, c := range map[string]struct {
		outcome outcome
		defects map[string]defect
		text    string
		failed  bool
	}{
		"as wanted":                 {right, nil, "ok", false},
		"wrong":                     {wrong, nil, "FAILED", true},
		"no request id":             {came(map[string]any{"status": 400.0, "code": "a", "requestId": "R"}), nil, "FAILED", true},
		"two outcomes":              {outcome{got: append(right.got, right.got...)}, nil, "FAILED", true},
		"a listed defect":           {wrong, listed, "known", false},
		"wrong in another way":      {wrong, other, "FAILED", true},
		"a defect that is no more":  {right, listed, "FIXED?", true},
		"nothing printed":           {outcome{crash: "exit status 1"}, nil, "FAILED", true},
		"nothing printed, a defect": {outcome{crash: "exit status 1"}, listed, "FAILED", true},
	} {
		if got := judge(language{name: "l"}, test, c.outcome, c.defects); got.text != c.text || got.failed != c.failed {
			t.Errorf("%s: %+v, want %s, failed %t", name, got, c.text, c.failed)
		}
	}
}

// TestTraffic: what the emulator got is a part of the outcome.
func TestTraffic(t *testing.T) {
	test := testCase{Requests: map[string]int{"getAccessToken": 1, convertID: 2}, Gap: 1}
	at := func(seconds float64) time.Time { return time.Unix(0, int64(seconds*1e9)) }
	token, first := seen{Operation: "getAccessToken"}, seen{Operation: convertID, Time: at(5)}
	for name, c := range map[string]struct {
		requests []seen
		good     bool
	}{
		"as wanted":      {[]seen{token, first, {Operation: convertID, Time: at(6)}}, true},
		"too early":      {[]seen{token, first, {Operation: convertID, Time: at(5.9)}}, false},
		"two tokens":     {[]seen{token, token, first, {Operation: convertID, Time: at(6)}}, false},
		"no repeat":      {[]seen{token, first}, false},
		"something else": {[]seen{token, first, {Operation: convertID, Time: at(6)}, {}}, false},
	} {
		if found := (outcome{requests: c.requests}).traffic(test); (len(found) == 0) != c.good {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// A slow language runs where it is named, alone or by its group, and not in a run of all.
func TestSlowLanguagesAreNamed(t *testing.T) {
	slow := func(l language) bool { return l.slow }
	if slices.ContainsFunc(quick(), slow) || len(quick()) == 0 {
		t.Errorf("a run that names nothing runs %v", quick())
	}
	for _, wanted := range []string{"more", "rust", "all"} {
		if chosen, err := choose(languages(), []string{wanted}, false); err != nil || !slices.ContainsFunc(chosen, slow) {
			t.Errorf("%s: %v, %v", wanted, chosen, err)
		}
	}
}

// What is told to reproduce a cell is a command that there is.
func TestReproduce(t *testing.T) {
	wrong := outcome{got: []map[string]any{{"status": 404.0}}}
	test := testCase{Name: "x", Want: map[string]any{"status": 400.0}}
	for want, l := range map[string]language{
		"go run ./interop -lang go -case x -v":     {name: "go"},
		"go run ./interop -check prism -case x -v": {name: "prism", flag: "check"},
	} {
		if notes := judge(l, test, wrong, nil).notes; !slices.Contains(notes, want) {
			t.Errorf("%q, want %s", notes, want)
		}
	}
}

// A proxy that is not for some hosts is for them no more because of the emulator.
func TestEnvironmentKeepsNoProxy(t *testing.T) {
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		t.Setenv(name, "mirror.example.com, .internal")
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPrintNoProxy$", "-test.v")
	command.Env = environment("PRINT_NO_PROXY=1")
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "mirror.example.com,.internal,127.0.0.1 mirror.example.com,.internal,127.0.0.1\n") {
		t.Errorf("%v\n%s", err, output)
	}
}

// TestPrintNoProxy is the process that the test above starts.
func TestPrintNoProxy(t *testing.T) {
	if os.Getenv("PRINT_NO_PROXY") == "" {
		t.Skip("it is run by TestEnvironmentKeepsNoProxy")
	}
	fmt.Println(os.Getenv("NO_PROXY"), os.Getenv("no_proxy"))
}

func TestExplain(t *testing.T) {
	found := []finding{{Code: "ST1", Operations: []string{"GET /a", "GET /b"}}}
	one := []explained{{Code: "ST1", Operation: "GET /a", Because: "so"}}
	if err := explain(found, one, "dir"); err == nil || !strings.Contains(err.Error(), "GET /b") {
		t.Errorf("a finding without a reason: %v", err)
	}
	if err := explain(found, append(one, explained{Code: "ST1", Operation: "GET /b", Because: "so"}), "dir"); err != nil {
		t.Error(err)
	}
}

// TestREADME checks that each language has a page, whose commands its build script runs.
func TestREADME(t *testing.T) {
	readme := read(t, "README.md")
	for _, l := range languages() {
		if l.official || l.name == "go" {
			continue
		}
		if len(pageCommands(readme, l.page)) == 0 {
			t.Errorf("README.md has no commands for %s", l.name)
		}
		script := read(t, filepath.Join(l.folder, "build.sh"))
		if !strings.Contains(script, "page "+l.page+"\n") && !strings.Contains(script, "page '"+l.page+"'\n") {
			t.Errorf("%s/build.sh does not run the page %s", l.folder, l.page)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
