package generator

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// digests are those of oapi-codegen's templates that ours replace. If an update changes one of them, look at what it changed,
// and whether ours must follow; then write down the new digest.
var digests = map[string]string{
	"imports.tmpl":               "e79731c9a8e0d7104fac1f84e536919fface08f77bfe21d390a1f3f5e87f95d5",
	"additional-properties.tmpl": "0f103d51a4326c94d47915773b89717f5ddf75c099ce42c952698f8d0944e131",
}

func TestReplacedTemplates(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/oapi-codegen/oapi-codegen/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	version, folder, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if version != Version {
		t.Errorf("go.mod has oapi-codegen %s, Version says %s", version, Version)
	}
	if folder == "" {
		t.Fatal("the sources of oapi-codegen are not there: go mod download github.com/oapi-codegen/oapi-codegen/v2")
	}
	if len(replaced) != len(digests) {
		t.Errorf("%d templates are replaced, of %d the digest is known", len(replaced), len(digests))
	}
	for _, name := range replaced {
		text, err := os.ReadFile(filepath.Join(folder, "pkg", "codegen", "templates", name))
		if err != nil {
			t.Errorf("oapi-codegen has no template %s any more: %v", name, err)
			continue
		}
		sum := sha256.Sum256(text)
		if got := hex.EncodeToString(sum[:]); got != digests[name] {
			t.Errorf("oapi-codegen's %s is not the one that ours was made for: its digest is %s", name, got)
		}
	}
}
