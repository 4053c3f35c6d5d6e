package generator_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

// cases are the contracts of testdata/cases.yaml.
type cases struct {
	Bases map[string]string
	Cases []struct{ Name, Of, Media, Version, Contract, Here, Want, Refused, Given, Sent string }
}

func TestCases(t *testing.T) {
	overlay := map[string]map[string]string{"Replace": {}}
	packages := []string{"build", "-overlay", filepath.Join(t.TempDir(), "overlay.json")}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	table, all := cases{}, []byte(nil)
	if all, err = os.ReadFile("testdata/cases.yaml"); err == nil {
		err = yaml.Unmarshal(all, &table)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range table.Cases {
		text := cmp.Or(tt.Contract, table.Bases[tt.Of])
		text = strings.Replace(text, "application/json", "'"+cmp.Or(tt.Media, "application/json")+"'", 1)
		text = strings.Replace(strings.Replace(text, "3.0.3", cmp.Or(tt.Version, "3.0.3"), 1), "HERE", tt.Here, 1)
		c, err := contract.Parse("case.yaml", []byte(text))
		var src []byte
		if err == nil {
			src, err = generator.Foreign(c, "case.yaml", "cases")
		}
		if tt.Refused != "" {
			if err == nil || !strings.HasPrefix(err.Error(), "case.yaml:") || !strings.Contains(err.Error(), tt.Refused) || strings.ContainsAny(err.Error(), "\n%") || strings.Contains(err.Error(), ".tmpl") {
				t.Errorf("%s: %v\nwant a refusal with %s", tt.Name, err, tt.Refused)
			}
			continue
		}
		if err != nil || !strings.Contains(folded(string(src)), tt.Want) {
			t.Errorf("%s: %v; there is no %s in\n%s", tt.Name, err, tt.Want, src)
			continue
		}
		if tt.Given != "" {
			if got := sending(t, c.Routes()[0], tt.Given); !strings.HasSuffix(got, tt.Sent) {
				t.Errorf("%s: sent %s, want %s", tt.Name, got, tt.Sent)
			}
		}
		folder := fmt.Sprintf("internal/case%d", i)
		file := filepath.Join(t.TempDir(), "case.go")
		if err := os.WriteFile(file, src, 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(root, folder, "case.go")] = file
		packages = append(packages, "./"+folder)
	}
	raw, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(packages[2], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", packages...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// sending is the body that a server gets, or why it gets none.
func sending(t *testing.T, route generated.Route, body string) string {
	t.Helper()
	r := generated.NewRequest(route.Operation)
	r.SetBody(json.RawMessage(body))
	got, err := record(t, r)
	if err != nil {
		return err.Error()
	}
	return got.body
}
