package openconversation_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// An app that imports the wrapper pays for nothing that only this repository needs: not the contract's validator, not
// the command's library, not Redis. What it pays is small, and these limits keep it so.
const (
	maxPackages    = 9                           // compiled into the app beyond the standard library, ours included
	importerSwitch = "OPENCONVERSATION_IMPORTER" // 1 runs the test; update rewrites the expected files
	importerFolder = "testdata/importer"
	wrapperPackage = newcomer.Module + "/wrapper"
	fakePackage    = newcomer.Module + "/wrapper/dingtalktest"
)

// notForApps are parts of module paths.
var notForApps = []string{"kin-openapi", "oapi-codegen/v2", "oasdiff", "cobra", "pflag", "redis"}

// An app's go.sum holds what its packages need, what their tests need, and what the tests of every package need that
// the app or its tests import. So the tests next to such a package may not import the validator, though no app compiles
// them: they belong into a package of their own, which no app imports.
func TestImporterCompilesLittle(t *testing.T) {
	packages := lines(goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", wrapperPackage))
	t.Logf("%d packages beyond the standard library: %s", len(packages), strings.Join(packages, " "))
	if len(packages) > maxPackages {
		t.Errorf("%d packages beyond the standard library, at most %d", len(packages), maxPackages)
	}
	refuse(t, "wrapper compiles", strings.Join(packages, "\n"), "")

	ours := []string{fakePackage}
	for _, p := range append(packages, strings.Fields(goList(t, "-deps", fakePackage))...) {
		if strings.HasPrefix(p, newcomer.Module+"/") && !slices.Contains(ours, p) {
			ours = append(ours, p)
		}
	}
	for _, p := range ours {
		refuse(t, "with its tests, "+strings.TrimPrefix(p, newcomer.Module+"/")+" needs", goList(t, "-deps", "-test", p), "")
	}
}

// importerApps are the apps of importerFolder. Each converts a chat.
var importerApps = []struct {
	name        string // of the app's folder
	maxPackages int
	allowed     string // of notForApps
}{
	{"wrapper", maxPackages, ""},
	{"redis", 28, "redis"},
}

// TestImporterModule asks the go command itself: apps without any replace directive get the module, starting from an old go
// directive, with the emulator in their tests. What go.mod and go.sum become is compared with the expected files, and each app
// runs as a process. It may download what only importers need, so it runs when asked to: `make importer`.
func TestImporterModule(t *testing.T) {
	if os.Getenv(importerSwitch) == "" {
		t.Skipf("set %s=1 or run make importer", importerSwitch)
	}
	u := newcomer.New(t, "..")
	for _, a := range importerApps {
		t.Run(a.name, func(t *testing.T) {
			app := filepath.Join(u.Home, a.name)
			if err := os.CopyFS(app, os.DirFS(filepath.Join(importerFolder, a.name))); err != nil {
				t.Fatal(err)
			}
			newcomer.Write(t, filepath.Join(app, "main_test.go"), newcomer.Read(t, filepath.Join(importerFolder, "main_test.go")))
			newcomer.Write(t, filepath.Join(app, "go.mod"), "module example.com/app\n\ngo 1.21\n")
			u.Run(t, app, "go", "get", newcomer.Module+"@"+newcomer.Version)
			u.Run(t, app, "go", "mod", "tidy")
			u.Run(t, app, "go", "vet", ".")
			u.Run(t, app, "go", "test", ".")
			u.Run(t, app, "go", "build", "-o", "app.bin", ".")
			convertWith(t, filepath.Join(app, "app.bin"))

			mod, sum := newcomer.Read(t, filepath.Join(app, "go.mod")), newcomer.Read(t, filepath.Join(app, "go.sum"))
			expect(t, filepath.Join(importerFolder, a.name, "go.mod.golden"), mod)
			expect(t, filepath.Join(importerFolder, a.name, "go.sum.golden"), ourHash.ReplaceAllString(sum, "$1"))

			packages := lines(u.Run(t, app, "go", "list", "-deps", "-f", "{{if and (not .Standard) (ne .ImportPath \"example.com/app\")}}{{.ImportPath}}{{end}}", "."))
			t.Logf("%d packages beyond the standard library: %s", len(packages), strings.Join(packages, " "))
			if len(packages) > a.maxPackages {
				t.Errorf("%d packages beyond the standard library, at most %d", len(packages), a.maxPackages)
			}
			refuse(t, "the app's go.mod lists", mod, a.allowed)
			refuse(t, "the app's go.sum lists", sum, a.allowed)
			refuse(t, "the app compiles", strings.Join(packages, "\n"), a.allowed)
		})
	}
}

// ourHash is that of this module in a go.sum. It changes with every file.
var ourHash = regexp.MustCompile(`(?m)^(` + regexp.QuoteMeta(newcomer.Module+" "+newcomer.Version) + `\S* h1:).*$`)

// convertWith runs the app as a process: once for a chat that the emulator has, once for one that it has not. Redis is
// away, and calls go on without it.
func convertWith(t *testing.T, app string) {
	t.Helper()
	srv := dingtalktest.NewServer(t, dingtalktest.WithChat("chat1", "cidOne=="))
	env := []string{
		"DINGTALK_BASE_URL=" + srv.URL, "DINGTALK_APP_KEY=" + dingtalktest.AppKey, "DINGTALK_APP_SECRET=" + dingtalktest.AppSecret,
		"REDIS_ADDRESS=127.0.0.1:1",
	}
	say := func(chat string) (string, error) {
		cmd := exec.CommandContext(t.Context(), app, chat)
		cmd.Env = append(os.Environ(), env...)
		said, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(said)), err
	}
	if id, err := say("chat1"); err != nil || !strings.HasSuffix(id, "cidOne==") {
		t.Errorf("the app printed %q, %v", id, err)
	}
	if n := srv.Count(generated.OperationChatIDToOpenConversationID); n != 1 {
		t.Errorf("the emulator got %d calls, 1 was expected", n)
	}
	if said, err := say("chat2"); err == nil || !strings.Contains(said, string(generated.CodeInvalidChatID)) {
		t.Errorf("for an unknown chat the app said %q, %v", said, err)
	}
}

// expect compares got with a file, or writes the file if that was asked for.
func expect(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv(importerSwitch) == "update" {
		newcomer.Write(t, file, got)
	}
	if want := newcomer.Read(t, file); got != want {
		t.Errorf("%s differs; if that is meant, run make importer IMPORTER=update\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

// lines are those of list that are not empty.
func lines(list string) []string {
	return slices.DeleteFunc(strings.Split(list, "\n"), func(line string) bool { return line == "" })
}

// refuse fails for each line of list that is not for apps, and not allowed to this one.
func refuse(t *testing.T, what, list, allowed string) {
	t.Helper()
	for line := range strings.Lines(list) {
		if slices.ContainsFunc(notForApps, func(part string) bool { return part != allowed && strings.Contains(line, part) }) {
			t.Errorf("%s %s", what, strings.TrimSpace(line))
		}
	}
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
