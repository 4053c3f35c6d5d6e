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
	"slices"
	"strings"
	"testing"
)

// An app that imports the wrapper pays for nothing that only this repository needs: not the contract's validator, not
// the command's library, not Redis. What it pays is small, and these limits keep it so.
const (
	module            = "github.com/dingtalk-openapi/openconversation-go"
	maxPackages       = 4 // compiled into the app beyond the standard library, ours included
	maxSumLines       = 6 // of the app's go.sum
	importerVersion   = "v0.0.0-importer"
	importerSwitch    = "OPENCONVERSATION_IMPORTER"
	wrapperPackage    = module + "/wrapper"
	fakePackage       = module + "/wrapper/dingtalktest"
	dingtalkImportApp = "package main\n\nimport dingtalk %q\n\nvar _ = dingtalk.NewClient\n\nfunc main() {}\n"
)

// notForApps are parts of module paths.
var notForApps = []string{"kin-openapi", "oapi-codegen/v2", "oasdiff", "cobra", "pflag", "redis"}

// An app's go.sum holds what its packages need, what their tests need, and what the tests of every package need that
// the app or its tests import. So the tests beside such a package may not import the validator, though no app compiles
// them: they belong into a package of their own, which no app imports.
func TestImporterCompilesLittle(t *testing.T) {
	var packages []string
	for line := range strings.Lines(goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", wrapperPackage)) {
		packages = append(packages, strings.TrimSpace(line))
	}
	t.Logf("%d packages beyond the standard library: %s", len(packages), strings.Join(packages, " "))
	if len(packages) > maxPackages {
		t.Errorf("%d packages beyond the standard library, at most %d", len(packages), maxPackages)
	}
	refuse(t, "wrapper compiles", strings.Join(packages, "\n"))

	ours := []string{fakePackage}
	for _, p := range append(packages, strings.Fields(goList(t, "-deps", fakePackage))...) {
		if strings.HasPrefix(p, module+"/") && !slices.Contains(ours, p) {
			ours = append(ours, p)
		}
	}
	for _, p := range ours {
		refuse(t, "with its tests, "+strings.TrimPrefix(p, module+"/")+" needs", goList(t, "-deps", "-test", p))
	}
}

// TestImporterModule asks the go command itself: the module is zipped as a proxy would serve it, and an app without any
// replace directive imports it, with the emulator in its tests. It may download what only importers need, so it runs
// when asked to: `make importer`.
func TestImporterModule(t *testing.T) {
	if os.Getenv(importerSwitch) == "" {
		t.Skipf("set %s=1 or run make importer", importerSwitch)
	}
	proxy, app := t.TempDir(), t.TempDir()
	writeModule(t, filepath.Join(proxy, filepath.FromSlash(module), "@v"))
	for name, content := range map[string]string{
		"go.mod":       fmt.Sprintf("module example.com/app\n\ngo 1.25.0\n\nrequire %s %s\n", module, importerVersion),
		"main.go":      fmt.Sprintf(dingtalkImportApp, wrapperPackage),
		"main_test.go": fmt.Sprintf("package main\n\nimport _ %q\n", fakePackage),
	} {
		write(t, filepath.Join(app, name), []byte(content))
	}

	// A module cache of its own keeps this version out of the real one, whose downloads serve as a proxy so that little
	// is fetched. goindex=0, since the go command indexes packages by folder and takes a module's files to be the same
	// for ever. The app is thrown away, so no checksum database
	// is asked.
	cache := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOMODCACHE"))
	proxies := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOPROXY"))
	env := []string{
		"GOPROXY=file://" + filepath.ToSlash(proxy) + ",file://" + filepath.ToSlash(filepath.Join(cache, "cache", "download")) + "," + proxies,
		"GOMODCACHE=" + t.TempDir(), "GODEBUG=goindex=0", "GOFLAGS=-modcacherw", "GOSUMDB=off", "GOWORK=off", "GOPRIVATE=", "GONOPROXY=",
	}
	run(t, app, env, "go", "mod", "tidy")
	run(t, app, env, "go", "build", "-o", os.DevNull, ".")
	run(t, app, env, "go", "vet", ".")

	mod, sum := read(t, filepath.Join(app, "go.mod")), read(t, filepath.Join(app, "go.sum"))
	packages := strings.Fields(run(t, app, env, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "."))
	packages = slices.DeleteFunc(packages, func(p string) bool { return p == "example.com/app" })
	t.Logf("%d packages beyond the standard library: %s", len(packages), strings.Join(packages, " "))
	t.Logf("%d lines of go.sum; go.mod:\n%s", strings.Count(sum, "\n"), mod)
	if len(packages) > maxPackages {
		t.Errorf("%d packages beyond the standard library, at most %d", len(packages), maxPackages)
	}
	if lines := strings.Count(sum, "\n"); lines > maxSumLines {
		t.Errorf("%d lines of go.sum, at most %d:\n%s", lines, maxSumLines, sum)
	}
	refuse(t, "the app's go.mod lists", mod)
	refuse(t, "the app's go.sum lists", sum)
	refuse(t, "the app compiles", strings.Join(packages, "\n"))
}

// refuse fails for each line of list that is not for apps.
func refuse(t *testing.T, what, list string) {
	t.Helper()
	for line := range strings.Lines(list) {
		if slices.ContainsFunc(notForApps, func(part string) bool { return strings.Contains(line, part) }) {
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
