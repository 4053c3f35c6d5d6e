package official

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// TestWhole imports the SDK whole. The figures are counts of its source by other means; a rule of quirks.go that is needed more
// or less often than here was written for another version.
func TestWhole(t *testing.T) {
	sdk, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, name := range sdk.Names() {
		p, err := sdk.Package(name)
		if err != nil {
			t.Fatal(err)
		}
		yaml, err := p.Contract(p.Operations)
		if err != nil {
			t.Fatal(err)
		}
		// Every field that must be there is read as such, and every text that says what an operation does.
		marks := bytes.Count(p.source, []byte("// This parameter is required."))
		for _, fields := range p.structs {
			marks -= required(fields)
		}
		for _, o := range p.Operations {
			if len(o.Body) > 0 { // then it is in the place of its struct
				marks -= required(o.Query)
			}
		}
		if marks != 0 {
			t.Errorf("%s: %d marks of required fields were lost", p.Name, marks)
		}
		got["packages"]++
		for _, o := range p.Operations {
			got["operations"]++
			got[o.Method]++
			count(got, "Chinese summaries", strings.ContainsFunc(o.Summary, func(r rune) bool { return unicode.Is(unicode.Han, r) }))
			count(got, "arguments sent nowhere", len(o.Args) > strings.Count(o.Path, "{"))
		}
		for name, n := range p.quirks {
			got[name] += n
		}
		for what, form := range map[string]string{
			"no token": `\n      security: \[\]`, "JSON in a string": "x-json-string", "joined by commas": "explode: false", "deprecated": "deprecated: true", "a success is true": "x-success: {success: true}", "pages": "x-paging: ",
			"own headers": "in: header, schema", "a list as body": `requestBody:.*type: array`, "no answer": "'200': {description: OK}",
			"GET with a body": `\n    get:\n(      .*\n)*      requestBody:`, "parameter inside a segment": `\n  "/.*(}[^/"]|[^/]{).*":`,
		} {
			got[what] += len(regexp.MustCompile(form).FindAll(yaml, -1))
		}
	}
	want := map[string]int{
		"packages": 125, "operations": 3270, "POST": 1836, "GET": 1049, "PUT": 274, "DELETE": 110, "PATCH": 1, "Chinese summaries": 3263,
		"no token": 35, "JSON in a string": 54, "joined by commas": 1, "own headers": 74, "a list as body": 48, "no answer": 94, "a success is true": 911, "pages": 208, "deprecated": 15,
		"GET with a body": 2, "parameter inside a segment": 2, "arguments sent nowhere": 3, "a space ends the path": 1,
		"a parameter of the path has two names": 1, "a field is an io.Reader": 60, "an example is no value of its type": 403,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func required(fields []field) (n int) {
	for _, f := range fields {
		if f.Required {
			n++
		}
	}
	return n
}

func count(in map[string]int, what string, is bool) {
	if is {
		in[what]++
	}
}

// sdkWith is a folder with that package, changed.
func sdkWith(t *testing.T, changes ...string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "robot_1_0"), 0o755); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("testdata/client.go.txt") // in the SDK's form: synthetic
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(changes...).Replace(string(source))
	if err := os.WriteFile(filepath.Join(folder, "robot_1_0", "client.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func contractOf(folder string) (string, error) {
	sdk, err := Open(folder)
	if err != nil {
		return "", err
	}
	name := strings.Join(sdk.Names(), " ")
	p, err := sdk.Package(name)
	if err != nil {
		return "", err
	}
	yaml, err := p.Contract(p.Operations)
	return string(yaml), err
}

// TestUnknown: what the importer does not know is an error with its place, never passed over.
func TestUnknown(t *testing.T) {
	for change, want := range map[string][]string{
		"a statement":          {`query["at"] = request.At`, `query["at"] = upper(request.At)`, "client.go:38:1"},
		"another field":        {`query["at"] = request.At`, `query["at"] = request.No`, "client.go:37:1"},
		"a field that is none": {`request.At`, `request.Nowhere`, "client.go:38:3"},
		"a name twice":         {`query["at"] = request.At`, `query["at"] = request.At; query["at"] = request.At`, "client.go:38:29"},
		"an authentication":    {`"AK"`, `"Magic"`, "client.go:66:1"},
		"a protocol":           {`"HTTP"`, `"HTTPS"`, "client.go:63:1"},
		"a method":             {`"POST"`, `"TRACE"`, "client.go:31:1"},
		"a parameter":          {`tea.StringValue(id)`, `tea.StringValue(other)`, "client.go:31:1"},
		"a query that is lost": {"		Query:   openapiutil.Query(query),\n", "", "client.go:57:1"},
		"a type":               {`Success *bool`, `Success *big.Int`, "client.go:21:2"},
		"an embedded struct":   {`No *string`, `Inner`, "client.go:16:2"},
		"no tag":               {"At *string `json:\"at,omitempty\"`", "At *string", "client.go:17:2"},
		"another type":         {"type SendResponse struct", "type Other int\ntype SendResponse struct", "client.go:24:6"},
		"a constant":           {"type SendResponse struct", "const x = 1\ntype SendResponse struct", "client.go:24:7"},
		"a result":             {`(_result *SendResponse, `, `(_result *Nothing, `, "client.go:71:1"},
		"a method apart":       {"SendWithOptions(", "SendNow(", "client.go:31:1"},
		"no source":            {"package robot_1_0", "#!/bin/sh", "client.go:1:1"},
	} {
		if _, err := contractOf(sdkWith(t, want[0], want[1])); err == nil || !strings.Contains(err.Error(), "robot_1_0/"+want[2]) {
			t.Errorf("%s: %v, want %s", change, err, want[2])
		}
	}
}

// TestHostile: names and paths that could do something are refused, and texts are one printable line.
func TestHostile(t *testing.T) {
	for name, change := range map[string][2]string{
		"name of a field":      {`json:"at,omitempty"`, `json:"a t,omitempty"`},
		"name on the wire":     {`query["at"]`, `query["../at"]`},
		"name of a struct":     {`SendResponseBody`, `SendАnswer`}, // a Cyrillic А
		"name of an argument":  {`id *string, `, `іd *string, `},
		"name of an operation": {`SendWithOptions(`, `ЅendWithOptions(`},
		"path":                 {`"/v1.0/robot/"`, `"/v1.0/robot/?a=b/"`},
		"path elsewhere":       {`"/v1.0/robot/"`, `"//evil.example/"`},
	} {
		if yaml, err := contractOf(sdkWith(t, change[0], change[1])); err == nil {
			t.Errorf("%s: taken\n%s", name, yaml)
		}
	}
	text := "x\u202e */ //go:generate \u0007 {{evil}} # ]}, y: &a *a \\ \" ' \u2066"
	yaml1, err := contractOf(sdkWith(t, "SUMMARY", text+"\n//\n//go:generate rm -rf /\n//\n// line", "TEXT", text, "EXAMPLE", text))
	if err != nil {
		t.Fatal(err)
	}
	if bad := strings.IndexFunc(yaml1, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); bad >= 0 || strings.Contains(yaml1, "*/") {
		t.Errorf("at %d of\n%s", bad, yaml1)
	}
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Description, Example string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(yaml1), &document); err != nil {
		t.Fatal(err)
	}
	if no := document.Components.Schemas["SendRequest"].Properties["no"]; no.Example != Escape(text) || no.Description != Escape(text) || !strings.HasPrefix(no.Example, `x<U+202E> *\/ //go:generate <U+0007> {{evil}}`) {
		t.Errorf("%q", no)
	}
}

// TestFolder: nothing is read that is not a file of the folder.
func TestFolder(t *testing.T) {
	outside := filepath.Join(sdkWith(t), "robot_1_0")
	for name, make := range map[string]func(string) error{
		"empty":              func(string) error { return nil },
		"a link to a folder": func(folder string) error { return os.Symlink(outside, filepath.Join(folder, "robot_1_0")) },
		"a link to a file": func(folder string) error {
			_ = os.Mkdir(filepath.Join(folder, "im"), 0o755)
			return os.Symlink(filepath.Join(outside, "client.go"), filepath.Join(folder, "im", "client.go"))
		},
		"a folder": func(folder string) error { return os.MkdirAll(filepath.Join(folder, "im", "client.go"), 0o755) },
		"a name":   func(folder string) error { return os.CopyFS(filepath.Join(folder, "im 1"), os.DirFS(outside)) },
		"more files than one": func(folder string) error {
			_ = os.CopyFS(filepath.Join(folder, "im"), os.DirFS(outside))
			return os.WriteFile(filepath.Join(folder, "im", "more.go"), nil, 0o600)
		},
	} {
		folder := t.TempDir()
		if err := make(folder); err != nil {
			t.Fatal(err)
		}
		if yaml, err := contractOf(folder); err == nil {
			t.Errorf("%s: taken\n%s", name, yaml)
		}
	}
	if _, err := Open(filepath.Join(outside, "none")); err == nil {
		t.Error("a folder that is none was opened")
	}
}

// TestQuoted: what a reader of YAML 1.1 takes for something else is quoted.
func TestQuoted(t *testing.T) {
	for _, s := range []string{"no", "Y", "on", "OFF", "True", "null", "~", "", "18:00", "0x1F", "010", "1_000", "1e3", ".inf", "2020-01-01", "=", "<<", "- a", "a: b", "a #b", "@a", "%a", "a,b", "[a"} {
		if got := text(s); got[0] != '"' {
			t.Errorf("%q is %s", s, got)
		}
	}
	for _, s := range []string{"chatId", "批量发送", "_x", "noise"} {
		if got := text(s); got != s {
			t.Errorf("%q is %s", s, got)
		}
	}
}
