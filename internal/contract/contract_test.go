package contract_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
)

// refused are the contracts that are refused.
type refused struct {
	Contract string
	Plain    map[string]string
	Cases    []struct {
		Place, Text, Want string
		Deep              int
	}
	Row  string
	Rows []struct{ Name, Old, New, Want, Head string }
}

func cases(t *testing.T) (all refused) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(newcomer.Read(t, "testdata/refused.yaml")), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// with is the small contract with a text in a place.
func (r refused) with(place, text string) string {
	result := r.Contract
	for name, plain := range r.Plain {
		if name == place {
			plain = text
		}
		result = strings.Replace(result, name, plain, 1)
	}
	return result
}

// parse reads a contract, and returns the line of its fault.
func parse(text string) (int, error) {
	_, err := contract.Parse("openapi.yaml", []byte(text))
	if place := (*contract.Error)(nil); errors.As(err, &place) {
		return place.Line, err
	}
	return 0, err
}

func lineOf(text, part string) int { return 1 + strings.Count(text[:strings.Index(text, part)], "\n") }

// TestRefused: what is not carried is named, with its line.
func TestRefused(t *testing.T) {
	all := cases(t)
	for _, c := range all.Cases {
		if c.Deep > 0 {
			c.Text = strings.Repeat(c.Text, c.Deep) + "{}" + strings.Repeat("}", c.Deep)
		}
		text := all.with(c.Place, c.Text)
		line, err := parse(text)
		if at := lineOf(text, strings.Split(c.Text, "\n")[0]); err == nil || !strings.Contains(err.Error(), c.Want) || line < at-9 || line > at+2 {
			t.Errorf("%s %s\ngot %v\nwant %s, line %d", c.Place, c.Text, err, c.Want, at)
		}
	}
	for text, want := range map[string]string{
		"":        "openapi.yaml:1: it is not a YAML map",
		"a: b: c": "openapi.yaml:1: ",
		"openapi: 3.0.3\ninfo: {title: a, version: a}\npaths: {}\n": "openapi.yaml:3: paths: the contract has no operation",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestMalformed: a row, or another part of this project's contract, that is malformed is named, with its line.
func TestMalformed(t *testing.T) {
	all, own := cases(t), newcomer.Read(t, "../../openapi.yaml")
	const head, rows = "      x-error-codes:\n        - {code: invalideChatId,", "      x-error-codes:\n"
	with := func(row string) string {
		indented := rows + "        " + strings.ReplaceAll(strings.TrimSpace(row), "\n", "\n        ")
		return strings.Replace(own, head, indented+"\n"+strings.TrimPrefix(head, rows), 1)
	}
	whole := with(all.Row)
	if _, err := parse(whole); err != nil {
		t.Fatalf("the row that the cases start from: %v", err)
	}
	for _, tt := range all.Rows {
		text := with(strings.Replace(all.Row, tt.Old, tt.New, 1))
		if tt.Old == "" {
			text = with(tt.New)
		}
		if text == whole {
			text = strings.Replace(whole, tt.Old, tt.New, 1)
		}
		line, err := parse(text)
		if err == nil || !strings.Contains(err.Error(), tt.Want) || line < lineOf(text, tt.Head) || text == whole {
			t.Errorf("%s: error %v of line %d\nlacks %s", tt.Name, err, line, tt.Want)
		}
	}
}

// TestRegions: an operation has one server of its own, or one for each of the contract's, in their order.
func TestRegions(t *testing.T) {
	regions := func(servers string) string {
		return strings.Replace(cases(t).with("OPERATION", "servers: ["+servers+"]"), "security:", "servers: [{url: 'https://api.a.example/'}, {url: 'https://api.b.example'}]\nsecurity:", 1)
	}
	c, err := contract.Parse("small.yaml", []byte(regions("{url: 'https://old.a.example/x'}, {url: 'https://old.b.example/x/'}")))
	if err != nil {
		t.Fatal(err)
	}
	want := []generated.Pair{{Name: "https://api.a.example", Value: "https://old.a.example/x"}, {Name: "https://api.b.example", Value: "https://old.b.example/x"}}
	if o := c.Operations[0]; o.Server != "https://old.a.example/x" || !slices.Equal(o.Regions, want) {
		t.Errorf("server %s, regions %v, want %v", o.Server, o.Regions, want)
	}
}
