package official

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/alibabacloud-go/dingtalk/oauth2_1_0" // go.mod names the module though no package was drawn yet

	sdk "github.com/dingtalk-openapi/openconversation-go/internal/official"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

var update = flag.Bool("update", false, "write the table of README.md")

// drawn are the packages that are compared, and lies what is generated of Lies. The command draw fills both.
var (
	drawn []Drawn
	lies  []func(*dingtalk.Client) any
)

// named are the operations that differ otherwise, and why.
var named = map[string]string{
	"edu_1_0.queryClassScheduleByTimeSchool": "the official SDK's path ends with a space, sent as `%20`; the contract has none",
	"mail_1_0.createMessage":                 "the official SDK has an io.Reader for a text, and cannot read it of an answer",
	"mail_1_0.updateMessage":                 "as createMessage",
}

// comparison is what the tests share.
type comparison struct {
	recorder *Recorder
	client   *dingtalk.Client
	source   *sdk.SDK
	folder   string
}

func newComparison(t *testing.T) comparison {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} { // the official SDK would use one for this machine too
		t.Setenv(name, "")
	}
	recorder := NewRecorder()
	t.Cleanup(recorder.Close)
	client := must(dingtalk.NewClient(dingtalk.StaticToken(Token), dingtalk.WithBaseURL(recorder.URL)))(t)
	t.Cleanup(client.CloseIdleConnections)
	folder := must(exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", sdk.Module).Output())(t)
	return comparison{recorder, client, must(sdk.Open(""))(t), strings.TrimSpace(string(folder))}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// pair sets both sides of a package up, ours by the contract in a file. ids are its operations that the generator takes.
func (c comparison) pair(t *testing.T, d Drawn, ours any, file, host, token string) (p Pair, ids []string) {
	t.Helper()
	contract := must(ReadContract(must(os.ReadFile(filepath.Join("drawn", file)))(t)))(t)
	source := must(c.source.Package(d.Name))(t)
	for _, o := range source.Operations {
		if o.Refusal() == "" && contract.operations[o.ID()] != nil {
			ids = append(ids, o.ID())
		}
	}
	return Pair{c.recorder, must(NewOfficial(host, token, d, contract, source))(t), Generated{ours, contract}, contract}, ids
}

func (c comparison) marks(t *testing.T, d Drawn) map[string]int {
	return requiredIn(string(must(os.ReadFile(filepath.Join(c.folder, d.Name, "client.go")))(t)))
}

// TestAgree makes each call with both sides. Where they differ otherwise than by design, it fails; what differs by design is the
// table of README.md.
func TestAgree(t *testing.T) {
	c, found, operations, disagree := newComparison(t), differences{}, 0, 0
	for _, d := range drawn {
		pair, ids := c.pair(t, d, d.Ours(c.client), d.Name+".yaml", c.recorder.Host(), Token)
		marks := c.marks(t, d)
		for _, id := range ids {
			operations++
			list, problems := pair.AgreeInAll(id)
			problems = append(problems, pair.Contract.operations[id].requires(id, marks)...)
			why, isNamed := named[d.Name+"."+id]
			if len(problems) > 0 {
				disagree++
			}
			if isNamed != (len(problems) > 0) {
				t.Errorf("%s.%s (%s): %s", d.Name, id, why, strings.Join(problems, "\n\t"))
			}
			// Neither side was told a protocol.
			found.add(d.Name+"."+id, append(list, Difference{KindProtocol, "", "takes HTTP", "takes HTTPS, and refuses HTTP"}))
		}
	}
	if _, err := dingtalk.NewClient(dingtalk.StaticToken(Token), dingtalk.WithBaseURL("http://api.example.com")); err == nil {
		t.Error("plain HTTP to another machine was accepted")
	}
	t.Logf("%d operations of %d packages: %d agree but for what differs by design, %d do not", operations, len(drawn), operations-disagree, disagree)
	if len(drawn) > 100 && !t.Failed() { // the table is that of the whole API
		readme(t, found.table())
	}
}

// TestLies: what an importer could get wrong is found.
func TestLies(t *testing.T) {
	c := newComparison(t)
	for i, lie := range Lies {
		d := drawnOf(lie.Package)
		pair, _ := c.pair(t, d, lies[i](c.client), fmt.Sprintf("lie%d.yaml", i), c.recorder.Host(), Token)
		_, problems := pair.AgreeInAll(lie.Operation)
		problems = append(problems, pair.Contract.operations[lie.Operation].requires(lie.Operation, c.marks(t, d))...)
		if len(problems) == 0 {
			t.Errorf("%s: not found", lie.What)
		} else {
			t.Logf("%s: %.150s", lie.What, problems[0])
		}
	}
}

// differences are the differences by design that were found, by kind, with an example each and the operations that have them.
type differences map[Kind]*struct {
	first      Difference
	operations map[string]bool
}

func (d differences) add(operation string, list []Difference) {
	for _, difference := range list {
		if d[difference.Kind] == nil {
			d[difference.Kind] = &struct {
				first      Difference
				operations map[string]bool
			}{difference, map[string]bool{}}
		}
		d[difference.Kind].operations[operation] = true
	}
}

// table is README.md's, in the order of ByDesign.
func (d differences) table() string {
	var b strings.Builder
	b.WriteString("| what | the official SDK | a generated method | operations | why |\n|---|---|---|---:|---|\n")
	for _, reason := range ByDesign {
		if f := d[reason.Kind]; f != nil {
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s |\n", reason.Kind, f.first.Official, f.first.Wrapper, len(f.operations), reason.Why)
		}
	}
	return b.String()
}

// readme compares the table with README.md's.
func readme(t *testing.T, table string) {
	t.Helper()
	const from, to = "<!-- differences: make official-check ALL=1 -->\n", "<!-- end -->\n"
	before, rest, found := strings.Cut(string(must(os.ReadFile("README.md"))(t)), from)
	shown, after, closed := strings.Cut(rest, to)
	switch {
	case !found || !closed:
		t.Fatal("README.md has no place for the table")
	case *update:
		must(0, os.WriteFile("README.md", []byte(before+from+table+to+after), 0o644))(t)
	case shown != table:
		t.Fatalf("README.md says otherwise (go test -update writes it):\n%s", table)
	}
}
