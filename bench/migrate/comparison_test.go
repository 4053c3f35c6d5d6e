package migrate

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestOfficialSDK compares what docs/comparison.md says of the official SDK's size and content with its source.
func TestOfficialSDK(t *testing.T) {
	section := officialSection(t)
	folder := moduleFolder(t, "github.com/alibabacloud-go/dingtalk")
	clients, err := filepath.Glob(filepath.Join(folder, "*", "client.go"))
	if err != nil {
		t.Fatal(err)
	}
	// The expression is the page's, so that a reader who pastes its command gets the figure beside it.
	shown := regexp.MustCompile(`(?m)^\| ([\d,]+) operations in (\d+) packages \| .*grep -cE '([^']+)'`).FindStringSubmatch(section)
	if shown == nil {
		t.Fatal("the page does not say how many operations there are, and by which command")
	}
	operation := regexp.MustCompile("(?m)" + strings.ReplaceAll(shown[3], `\|`, "|"))
	operations := 0
	for _, file := range clients {
		operations += len(operation.FindAll(read(t, file), -1))
	}
	if want := strings.ReplaceAll(shown[1], ",", ""); strconv.Itoa(operations) != want || strconv.Itoa(len(clients)) != shown[2] {
		t.Errorf("%d operations in %d packages; the page says %s in %s", operations, len(clients), shown[1], shown[2])
	}
	for _, readme := range []string{"../../README.md", "../../README.zh-CN.md"} {
		if !strings.Contains(string(read(t, readme)), "| "+shown[1]) {
			t.Errorf("%s says another number than %s", readme, shown[1])
		}
	}

	err = filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch name, ext := entry.Name(), filepath.Ext(path); {
		case ext == ".go":
			if source := string(read(t, path)); strings.HasPrefix(source, "package main") || strings.Contains(source, "\npackage main") || strings.Contains(source, `"net/http/httptest"`) {
				t.Errorf("%s is a program or a test server", path)
			}
		case ext != ".md" && ext != ".txt" && name != "go.mod" && name != "LICENSE" && name != ".gitignore":
			t.Errorf("%s is neither source nor text", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCitedLines looks for what docs/comparison.md cites of the official SDK: on the line that it names stands what it
// says stands there.
func TestCitedLines(t *testing.T) {
	section := officialSection(t)
	folders := map[string]string{
		"tea/":                  filepath.Join(moduleFolder(t, "github.com/alibabacloud-go/tea"), "tea"),
		"darabonba-openapi/v2/": moduleFolder(t, "github.com/alibabacloud-go/darabonba-openapi/v2"),
		"":                      moduleFolder(t, "github.com/alibabacloud-go/dingtalk"),
	}
	cited := regexp.MustCompile("`([^`]+\\.go):(\\d+)`(?:, `([^`]+)`)?").FindAllStringSubmatch(section, -1)
	if len(cited) < 10 {
		t.Fatalf("the page cites %d lines, more were expected", len(cited))
	}
	for _, c := range cited {
		if c[3] == "" {
			t.Errorf("%s:%s: the page does not say what stands there", c[1], c[2])
			continue
		}
		prefix := ""
		for p := range folders {
			if p != "" && strings.HasPrefix(c[1], p) {
				prefix = p
			}
		}
		lines := strings.Split(string(read(t, filepath.Join(folders[prefix], strings.TrimPrefix(c[1], prefix)))), "\n")
		if n, _ := strconv.Atoi(c[2]); n < 1 || n > len(lines) || !strings.Contains(lines[n-1], c[3]) {
			t.Errorf("%s:%s has no %q", c[1], c[2], c[3])
		}
	}
}

// officialSection is what the page says of the official SDK.
func officialSection(t *testing.T) string {
	t.Helper()
	_, rest, found := strings.Cut(string(read(t, "../../docs/comparison.md")), "\n## DingTalk's official SDK\n")
	if !found {
		t.Fatal("docs/comparison.md has no section about the official SDK")
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	for _, module := range []string{"github.com/alibabacloud-go/dingtalk", "github.com/alibabacloud-go/darabonba-openapi/v2", "github.com/alibabacloud-go/tea"} {
		version := strings.TrimSpace(list(t, "{{.Version}}", module))
		if short := strings.TrimPrefix(module, "github.com/"); !strings.Contains(section, short+"` "+version) {
			t.Errorf("the page does not say that %s is %s", short, version)
		}
	}
	return section
}

func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	folder := strings.TrimSpace(list(t, "{{.Dir}}", module))
	if folder == "" {
		t.Fatalf("%s is not in the module cache", module)
	}
	return folder
}

func list(t *testing.T, format, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
