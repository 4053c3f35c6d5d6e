package openconversation_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// An app that imports the wrapper pays for nothing that only this repository needs: not the contract's validator, not
// the command's library, not Redis. What it pays is small, and these limits keep it so.
const (
	module          = "github.com/dingtalk-openapi/openconversation-go"
	maxPackages     = 9 // compiled into the app beyond the standard library, ours included
	importerVersion = "v0.0.0-importer"
	importerSwitch  = "OPENCONVERSATION_IMPORTER" // 1 runs the test; update rewrites the expected files
	importerFolder  = "checks/testdata/importer"
	wrapperPackage  = module + "/wrapper"
	fakePackage     = module + "/wrapper/dingtalktest"
)

// notForApps are parts of module paths.
var notForApps = []string{"kin-openapi", "oapi-codegen/v2", "oasdiff", "cobra", "pflag", "redis"}

// An app's go.sum holds what its packages need, what their tests need, and what the tests of every package need that
// the app or its tests import. So the tests next to such a package may not import the validator, though no app compiles
// them: they belong into a package of their own, which no app imports.
func TestImporterCompilesLittle(t *testing.T) {
	t.Chdir("..")
	packages := lines(goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", wrapperPackage))
	t.Logf("%d packages beyond the standard library: %s", len(packages), strings.Join(packages, " "))
	if len(packages) > maxPackages {
		t.Errorf("%d packages beyond the standard library, at most %d", len(packages), maxPackages)
	}
	refuse(t, "wrapper compiles", strings.Join(packages, "\n"), "")

	ours := []string{fakePackage}
	for _, p := range append(packages, strings.Fields(goList(t, "-deps", fakePackage))...) {
		if strings.HasPrefix(p, module+"/") && !slices.Contains(ours, p) {
			ours = append(ours, p)
		}
	}
	for _, p := range ours {
		refuse(t, "with its tests, "+strings.TrimPrefix(p, module+"/")+" needs", goList(t, "-deps", "-test", p), "")
	}
}

// importerApps are the apps of importerFolder. Each converts a chat.
var importerApps = []struct {
	name        string // of the app's folder
	imports     string // in the table
	maxPackages int
	allowed     string // of notForApps
}{
	{"wrapper", "`wrapper`", maxPackages, ""},
	{"redis", "`wrapper` and `wrapper/dingtalkredis`", 28, "redis"},
}

// TestImporterModule asks the go command itself: the module is zipped as a proxy would serve it, and apps without any
// replace directive get it, starting from an old go directive, with the emulator in their tests. What go.mod and go.sum
// become is compared with the expected files, and each app runs as a process. It may download what only importers need,
// so it runs when asked to: `make importer`.
func TestImporterModule(t *testing.T) {
	t.Chdir("..")
	if os.Getenv(importerSwitch) == "" {
		t.Skipf("set %s=1 or run make importer", importerSwitch)
	}
	proxy := t.TempDir()
	writeModule(t, filepath.Join(proxy, filepath.FromSlash(module), "@v"))

	// A module cache of its own keeps this version out of the real one, whose downloads serve as a proxy so that little
	// is fetched. goindex=0, since the go command indexes packages by folder and takes a module's files to be the same
	// for ever. The apps are thrown away, so no checksum database is asked; -trimpath, so that what others compile to is
	// found in the build cache though its folder is new.
	cache := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOMODCACHE"))
	proxies := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOPROXY"))
	env := []string{
		"GOPROXY=file://" + filepath.ToSlash(proxy) + ",file://" + filepath.ToSlash(filepath.Join(cache, "cache", "download")) + "," + proxies,
		"GOMODCACHE=" + t.TempDir(), "GODEBUG=goindex=0", "GOFLAGS=-modcacherw -trimpath", "GOSUMDB=off", "GOWORK=off", "GOPRIVATE=", "GONOPROXY=",
	}
	table := "\n| an app that imports | go | packages | lines of go.sum | modules that it compiles, at these versions or newer |\n|---|---|--:|--:|---|\n"
	for _, a := range importerApps {
		t.Run(a.name, func(t *testing.T) {
			app := t.TempDir()
			if err := os.CopyFS(app, os.DirFS(filepath.Join(importerFolder, a.name))); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(app, "go.mod"), []byte("module example.com/app\n\ngo 1.21\n"))
			run(t, app, env, "go", "get", module+"@"+importerVersion)
			run(t, app, env, "go", "mod", "tidy")
			run(t, app, env, "go", "vet", ".")
			run(t, app, env, "go", "test", ".")
			run(t, app, env, "go", "build", "-o", "app.bin", ".")
			convertWith(t, filepath.Join(app, "app.bin"))

			mod, sum := read(t, filepath.Join(app, "go.mod")), read(t, filepath.Join(app, "go.sum"))
			expect(t, filepath.Join(importerFolder, a.name, "go.mod.golden"), mod)
			expect(t, filepath.Join(importerFolder, a.name, "go.sum.golden"), ourHash.ReplaceAllString(sum, "$1"))

			packages := lines(run(t, app, env, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "."))
			packages = slices.DeleteFunc(packages, func(p string) bool { return p == "example.com/app" })
			modules := lines(run(t, app, env, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "."))
			slices.Sort(modules)
			modules = slices.DeleteFunc(slices.Compact(modules), func(m string) bool { return strings.HasPrefix(m, module+" ") })
			floor := strings.TrimSpace(run(t, app, env, "go", "list", "-m", "-f", "{{.GoVersion}}"))
			t.Logf("%d packages beyond the standard library: %s", len(packages), strings.Join(packages, " "))
			table += fmt.Sprintf("| %s | %s | %d | %d | %s |\n", a.imports, floor, len(packages), strings.Count(sum, "\n"), strings.Join(modules, ", "))

			if len(packages) > a.maxPackages {
				t.Errorf("%d packages beyond the standard library, at most %d", len(packages), a.maxPackages)
			}
			refuse(t, "the app's go.mod lists", mod, a.allowed)
			refuse(t, "the app's go.sum lists", sum, a.allowed)
			refuse(t, "the app compiles", strings.Join(packages, "\n"), a.allowed)
		})
	}
	t.Log(table)
}

// ourHash is that of this module in a go.sum. It changes with every file.
var ourHash = regexp.MustCompile(`(?m)^(` + regexp.QuoteMeta(module+" "+importerVersion) + `\S* h1:).*$`)

// convertWith runs the app as a process: once for a chat that the emulator has, once for one that it has not. Redis is
// away, and calls go on without it.
func convertWith(t *testing.T, app string) {
	t.Helper()
	srv := dingtalktest.NewServer(t, dingtalktest.WithChat("chat1", "cidOne=="))
	env := []string{
		"DINGTALK_BASE_URL=" + srv.URL, "DINGTALK_APP_KEY=" + dingtalktest.AppKey, "DINGTALK_APP_SECRET=" + dingtalktest.AppSecret,
		"REDIS_ADDRESS=127.0.0.1:1",
	}
	if id := strings.TrimSpace(run(t, ".", env, app, "chat1")); id != "cidOne==" {
		t.Errorf("the app printed %q", id)
	}
	if n := srv.Count(generated.OperationChatIDToOpenConversationID); n != 1 {
		t.Errorf("the emulator got %d calls, 1 was expected", n)
	}
	unknown := exec.CommandContext(t.Context(), app, "chat2")
	unknown.Env = append(os.Environ(), env...)
	if said, err := unknown.CombinedOutput(); err == nil || !strings.Contains(string(said), string(generated.CodeInvalidChatID)) {
		t.Errorf("for an unknown chat the app said %q, %v", said, err)
	}
}

// expect compares got with a file, or writes the file if that was asked for.
func expect(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv(importerSwitch) == "update" {
		write(t, file, []byte(got))
	}
	if want := read(t, file); got != want {
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

// writeModule writes this module as a file tree that GOPROXY can name: the files that are or will be in git, without
// the modules that lie in folders of this one, as the go command makes a zip.
func writeModule(t *testing.T, folder string) {
	t.Helper()
	files := strings.Split(strings.TrimSuffix(run(t, ".", nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00"), "\x00")
	var nested []string
	for _, file := range files {
		if dir, name := filepath.Split(file); name == "go.mod" && dir != "" {
			nested = append(nested, dir)
		}
	}
	var buf bytes.Buffer
	archive := zip.NewWriter(&buf)
	for _, file := range files {
		if slices.ContainsFunc(nested, func(dir string) bool { return strings.HasPrefix(file, dir) }) {
			continue
		}
		info, err := os.Lstat(file)
		if os.IsNotExist(err) || err == nil && !info.Mode().IsRegular() {
			continue // deleted and not yet committed, or a link, which a module cannot hold
		}
		w, err := archive.Create(module + "@" + importerVersion + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, read(t, file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, importerVersion+".zip"), buf.Bytes())
	write(t, filepath.Join(folder, importerVersion+".mod"), []byte(read(t, "go.mod")))
	write(t, filepath.Join(folder, importerVersion+".info"), fmt.Appendf(nil, `{"Version":%q}`, importerVersion))
	write(t, filepath.Join(folder, "list"), []byte(importerVersion+"\n"))
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, ".", nil, "go", append([]string{"list"}, args...)...)
}

func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out)
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
}
