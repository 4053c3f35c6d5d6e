package official

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

var update = flag.Bool("update", false, "write the table of README.md")

func readContract(t *testing.T) *Contract {
	t.Helper()
	contract, err := ReadContract()
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

func startRecorder(t *testing.T) *Recorder {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} { // the official SDK would use one for this machine too
		t.Setenv(name, "")
	}
	recorder := NewRecorder()
	t.Cleanup(recorder.Close)
	return recorder
}

// exchange is what a side sent, and what it read of the answer.
type exchange struct {
	sent Recorded
	read any
	err  error
}

func send(t *testing.T, recorder *Recorder, side Side, operation string, values Values, answer []byte) exchange {
	t.Helper()
	recorder.Answer(answer)
	read, err := side.Send(operation, values)
	sent, lost := recorder.Take()
	if lost != nil {
		t.Fatalf("%v (%v)", lost, err)
	}
	return exchange{sent, read, err}
}

// TestAgree makes each call with both sides. Where they differ otherwise than by design, it fails; what differs by design
// is the table of README.md.
func TestAgree(t *testing.T) {
	contract, recorder := readContract(t), startRecorder(t)
	if len(contract.IDs()) != 60 || len(calls) != 60 {
		t.Fatalf("%d operations in the contract, %d of the official SDK; 60 were expected", len(contract.IDs()), len(calls))
	}
	official, generated := NewOfficial(recorder.Host(), contract), ours(t, recorder, contract)
	found := differences{}
	for _, id := range contract.IDs() {
		for _, fill := range []Fill{Full, Least, Zero} {
			t.Run(id+"/"+fill.String(), func(t *testing.T) {
				values, err := contract.values(id, fill)
				if err != nil {
					t.Fatal(err)
				}
				value, err := contract.answer(id, fill)
				if err != nil {
					t.Fatal(err)
				}
				answer := encode(t, value, fill)
				theirs := send(t, recorder, official, id, values, answer)
				us := send(t, recorder, generated, id, values, answer)
				list, err := contract.Compare(id, theirs.sent, us.sent)
				if err != nil {
					t.Fatal(err)
				}
				complete(t, contract.Operation(id), values, theirs.sent)
				switch {
				case us.err != nil:
					t.Error(us.err)
				case theirs.err != nil && len(answer) == 0:
					list = append(list, Difference{KindEmptyAnswer, "", "fails", "returns no error"})
				case theirs.err != nil:
					t.Error(theirs.err)
				default:
					list = append(list, contract.CompareAnswers(id, theirs.read, us.read)...)
					for _, d := range contract.CompareAnswers(id, theirs.read, value) {
						if !byDesign(d.Kind) { // or something that neither side reads would agree
							t.Errorf("%s: the official SDK %s of the answer, which %s", d.Where, d.Official, d.Wrapper)
						}
					}
				}
				found.add(t, id, list)
			})
		}
	}
	t.Run("escaping", func(t *testing.T) { found.escaping(t, contract, recorder, official, generated) })
	t.Run("protocol", func(t *testing.T) {
		if _, err := dingtalk.NewClient(dingtalk.StaticToken(Token), dingtalk.WithBaseURL("http://api.example.com")); err == nil {
			t.Fatal("plain HTTP to another machine was accepted")
		}
		for _, id := range contract.IDs() { // the official SDK was not told a protocol in any call above
			found.add(t, id, []Difference{{KindProtocol, "", "takes HTTP", "takes HTTPS, and refuses HTTP"}})
		}
	})
	if !t.Failed() {
		readme(t, found.table())
	}
}

// complete checks that the official SDK sent all the values, so that nothing agrees only because neither side sent it.
func complete(t *testing.T, op *Operation, values Values, sent Recorded) {
	t.Helper()
	if values.Body != nil {
		body, err := parse(sent.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range CompareJSON(KindBody, body, values.Body) {
			if d.Kind != KindEmptyInside {
				t.Errorf("the body's %s %s; it was given %s", d.Where, d.Official, d.Wrapper)
			}
		}
	}
	query, err := sent.Values()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range values.Query {
		if len(take(query, name)) == 0 && !empty(value) {
			t.Errorf("the parameter %s was not sent", name)
		}
	}
	for name := range values.Header {
		if sent.Header.Get(name) == "" {
			t.Errorf("the header %s was not sent", name)
		}
	}
	if op.Anonymous != (sent.Header.Get("x-acs-dingtalk-access-token") == "") {
		t.Errorf("token sent: %v; the contract says otherwise", !op.Anonymous)
	}
}

// encode is an answer's body. A full one has a field that nobody knows.
func encode(t *testing.T, value any, fill Fill) []byte {
	t.Helper()
	if value == nil && fill == Least {
		return nil
	}
	if value == nil {
		return []byte("{}")
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if object, ok := value.(map[string]any); ok && len(object) > 0 && fill == Full && object["key one"] == nil && object["text"] == nil {
		text = append([]byte(`{"nobodyKnowsThis":{"a":[1,null]},`), text[1:]...)
	}
	return text
}

// differences are the differences that were found, by kind, with an example each and the operations that have them.
type differences map[Kind]*struct {
	first      Difference
	operations map[string]bool
}

func (d differences) add(t *testing.T, operation string, list []Difference) {
	t.Helper()
	for _, difference := range list {
		if !byDesign(difference.Kind) {
			t.Error(difference)
			continue
		}
		if d[difference.Kind] == nil {
			d[difference.Kind] = &struct {
				first      Difference
				operations map[string]bool
			}{difference, map[string]bool{}}
		}
		d[difference.Kind].operations[operation] = true
	}
}

// escaping sends parameters that are more than one segment if nobody escapes them.
func (d differences) escaping(t *testing.T, contract *Contract, recorder *Recorder, official, generated Side) {
	for _, id := range contract.IDs() {
		values, err := contract.values(id, Least)
		if err != nil {
			t.Fatal(err)
		}
		if len(values.Path) == 0 {
			continue
		}
		for name := range values.Path {
			values.Path[name] = "a/b c"
		}
		answer, err := contract.answer(id, Full)
		if err != nil {
			t.Fatal(err)
		}
		theirs := send(t, recorder, official, id, values, encode(t, answer, Zero))
		us := send(t, recorder, generated, id, values, encode(t, answer, Zero))
		list, err := contract.Compare(id, theirs.sent, us.sent)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Count(contract.Operation(id).Template, "/"); strings.Count(us.sent.Path, "/") != want {
			t.Errorf("%s: %s has not %d segments", id, us.sent.Path, want)
		}
		d.add(t, id, list)
	}
}

// table is README.md's, in the order of ByDesign.
func (d differences) table() string {
	var b strings.Builder
	b.WriteString("| what | the official SDK | a generated method | operations | why |\n|---|---|---|---:|---|\n")
	for _, reason := range ByDesign {
		if f := d[reason.Kind]; f != nil {
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s |\n", reason.Kind, f.first.Official, f.first.Wrapper, len(f.operations), reason.Why)
		} else {
			fmt.Fprintf(&b, "| %s | not found | not found | 0 | %s |\n", reason.Kind, reason.Why)
		}
	}
	return b.String()
}

// readme compares the table with README.md's.
func readme(t *testing.T, table string) {
	t.Helper()
	const from, to = "<!-- differences: make official-check -->\n", "<!-- end -->\n"
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), from)
	shown, after, closed := strings.Cut(rest, to)
	if !found || !closed {
		t.Fatal("README.md has no place for the table")
	}
	if shown == table {
		return
	}
	if !*update {
		t.Fatalf("README.md says otherwise (go test -update writes it):\n%s", table)
	}
	if err := os.WriteFile("README.md", []byte(before+from+table+to+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
