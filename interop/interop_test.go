package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFolders finds what a run would find only after a build.
func TestFolders(t *testing.T) {
	cases, err := loadCases("cases.json", "")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]testCase{}
	for _, c := range cases {
		if _, twice := known[c.Name]; twice || c.Shows == "" {
			t.Errorf("case %q is there twice, or shows nothing", c.Name)
		}
		for _, s := range c.steps() {
			if len(s.Want) == 0 && s.Admin == "" && s.Pause == 0 {
				t.Errorf("case %q has a call that nothing is wanted of", c.Name)
			}
		}
		known[c.Name] = c
	}
	all, err := choose("all")
	if err != nil || len(all) != len(languages) {
		t.Fatalf("%d languages, %v", len(all), err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{root: root}
	for _, l := range all {
		if _, err := os.Stat(filepath.Join(l.folder, "build.sh")); (err == nil) == (l.run != "") {
			t.Errorf("%s has a command and build.sh, or neither", l.name)
		}
		commands, err := r.commands(l)
		if own := l.name == "go" || strings.HasPrefix(l.folder, "official/"); err != nil || own != (commands == "") {
			t.Errorf("the page of %s has the commands %q, %v", l.name, commands, err)
		}
		page, _ := os.ReadFile(filepath.Join(l.folder, "README.md"))
		group, _ := os.ReadFile(filepath.Join(l.folder, "..", "README.md"))
		files, _ := filepath.Glob(filepath.Join(l.folder, "*"))
		for _, file := range files {
			if text, err := os.ReadFile(file); !l.sample && filepath.Base(file) != "README.md" && (err != nil || regexp.MustCompile(`api\.dingtalk\.\w`).Match(text)) {
				t.Errorf("%s names a live host, which a client that is given another address would call: %v", file, err)
			}
		}
		for name, reason := range l.differs {
			if c, ok := known[name]; !ok || l.sample && !c.Official || !strings.Contains(string(page)+string(group), "`"+reason+"`") {
				t.Errorf("%s: there is no case %q for it, or its page has no %s", l.name, name, reason)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	for list, want := range map[string]string{"": "official-go", "c,go": "c", "more": "rust", "official rust": "rust", "nothing": ""} {
		chosen, err := choose(list)
		if want == "" != (err != nil) || err == nil && chosen[len(chosen)-1].name != want {
			t.Errorf("%q: %v, %v", list, chosen, err)
		}
	}
}

func TestJudge(t *testing.T) {
	test := testCase{Name: "x", ChatID: "chat1", Want: map[string]any{"status": 400.0, "code": "a", "requestId": "sent"}}
	came := func(fields map[string]any) outcome { return outcome{wrong: differ(fields, test.Want, language{})} }
	right := came(map[string]any{"status": 400.0, "code": "a", "requestId": "4C2E1B6A-7D5F-7B0E-9A35-2F6D0C1E8B47", "more": 1.0})
	wrong := came(map[string]any{"status": 404.0, "code": "b"})
	for name, c := range map[string]struct {
		outcome outcome
		known   string
		text    string
	}{
		"as wanted":                    {right, "", "ok"},
		"wrong":                        {wrong, "", "FAILED"},
		"no request id":                {came(map[string]any{"status": 400.0, "code": "a", "requestId": "R"}), "", "FAILED"},
		"a known difference":           {wrong, "raw-path", "raw-path"},
		"a known difference that ends": {right, "raw-path", "FAILED"},
		"nothing printed":              {outcome{crash: "exit status 1"}, "", "FAILED"},
	} {
		got := judge(language{name: "l", differs: map[string]string{"x": c.known}}, test, c.outcome)
		if got.text != c.text || (got.text == "FAILED") != (len(got.notes) > 0) {
			t.Errorf("%s: %+v, want %s", name, got, c.text)
		}
	}
}

// The requests are a part of the outcome, and so is the gap between a failed one and its repeat.
func TestTraffic(t *testing.T) {
	const convertID = "chatIdToOpenConversationId"
	test := testCase{Requests: map[string]int{"getAccessToken": 1, convertID: 2}, Gap: 1}
	token := request{Operation: "getAccessToken", Status: 200}
	call := func(chat string, seconds float64, status int) request {
		return request{Operation: convertID, ChatID: chat, Status: status, Time: time.Unix(0, int64(seconds*1e9))}
	}
	for name, c := range map[string]struct {
		requests []request
		good     bool
	}{
		"as wanted":      {[]request{token, call("a", 5, 403), call("a", 6, 200)}, true},
		"too early":      {[]request{token, call("a", 5, 403), call("a", 5.9, 200)}, false},
		"another chat":   {[]request{token, call("a", 5, 403), call("b", 5, 200)}, true},
		"no repeat":      {[]request{token, call("a", 5, 200), call("a", 5, 200)}, true},
		"two tokens":     {[]request{token, token, call("a", 5, 403), call("a", 6, 200)}, false},
		"one request":    {[]request{token, call("a", 5, 403)}, false},
		"something else": {[]request{token, call("a", 5, 403), call("a", 6, 200), {}}, false},
	} {
		if found := (outcome{recorded: struct{ Requests []request }{c.requests}}).traffic(test); (len(found) == 0) != c.good {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestDated(t *testing.T) {
	before := time.Now().Add(3 * time.Second).Truncate(time.Second)
	got, err := json.Marshal(dated(map[string]any{"Retry-After": "{now+3}"}))
	date, parseErr := http.ParseTime(strings.TrimSuffix(strings.TrimPrefix(string(got), `{"Retry-After":"`), `"}`))
	if err != nil || parseErr != nil || date.Before(before) || date.After(time.Now().Add(3*time.Second)) {
		t.Errorf("%s: %v %v", got, err, parseErr)
	}
}
