package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// footprint is the size of an app with one call.
type footprint struct {
	binary   int64 // bytes, stripped
	packages int   // compiled outside the standard library, without the app's own
	sumLines int   // of go.sum
	build    time.Duration
}

const (
	ours         = "github.com/dingtalk-openapi/openconversation-go"
	stockPackage = ours + "/bench/stock"
	apps         = ours + "/bench/apps/"
	bare         = "bare"   // uses only HTTP
	sameByHand   = "byhand" // the same app with net/http
)

var strip = []string{"build", "-trimpath", "-ldflags=-s -w"}

// footprints measures the app of each key, and the bare one. Each is a separate module, as a user's would be.
func footprints(ctx context.Context, keys []string) (map[string]footprint, error) {
	work, err := os.MkdirTemp("", "footprint")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }() // a leftover temporary folder changes no figure
	keys = append([]string{bare}, keys...)
	standard, err := standardPackages(ctx, keys)
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(work, "cache")
	if _, err := goCommand(ctx, ".", cache, append(slices.Clone(strip), standard...)...); err != nil {
		return nil, err
	}
	out := map[string]footprint{}
	for _, key := range keys {
		if out[key], err = footprintOf(ctx, key, work, cache); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return out, nil
}

// standardPackages lists the apps' packages of the standard library, which are compiled before the measurement.
func standardPackages(ctx context.Context, keys []string) ([]string, error) {
	args := []string{"list", "-deps", "-f", "{{if .Standard}}{{.ImportPath}}{{end}}"}
	for _, key := range keys {
		args = append(args, apps+key)
	}
	listed, err := goCommand(ctx, ".", "", args...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Fields(listed), func(p string) bool {
		return strings.HasPrefix(p, "vendor/") || p == "unsafe"
	}), nil
}

func footprintOf(ctx context.Context, key, work, cache string) (f footprint, err error) {
	dir := filepath.Join(work, key)
	if err := writeApp(key, dir); err != nil {
		return f, err
	}
	if _, err := goCommand(ctx, dir, "", "mod", "tidy"); err != nil {
		return f, err
	}
	if sum, err := os.ReadFile(filepath.Join(dir, "go.sum")); err == nil { // the bare apps have none
		f.sumLines = bytes.Count(sum, []byte("\n"))
	}
	packages, err := goCommand(ctx, dir, "", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	if err != nil {
		return f, err
	}
	f.packages = len(strings.Fields(packages)) - 1
	if strings.Contains(packages, ours+"/wrapper") {
		f.sumLines += 2 // this module itself: it is replaced by its folder here, so go.sum omits it
	}

	// A copy of the cache: a build with compiled dependencies would not measure them.
	own := filepath.Join(work, "cache-"+key)
	if err := os.CopyFS(own, os.DirFS(cache)); err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(own) }()
	binary := filepath.Join(dir, "app.bin")
	started := time.Now()
	if _, err := goCommand(ctx, dir, own, append(slices.Clone(strip), "-o", binary, ".")...); err != nil {
		return f, err
	}
	f.build = time.Since(started)
	info, err := os.Stat(binary)
	if err != nil {
		return f, err
	}
	f.binary = info.Size()
	return f, nil
}

// writeApp writes an app's module: main.go, generated code, and requirements of the versions used here.
func writeApp(key, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "stock"), 0o755); err != nil {
		return err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return err
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	_, rest, _ := bytes.Cut(mod, []byte("\n"))
	rest = bytes.Replace(rest, []byte("=> ../"), []byte("=> "+root), 1)
	files := map[string][]byte{"go.mod": append([]byte("module example.com/app\n"), rest...)}
	main, err := os.ReadFile(filepath.Join("apps", key, "main.go"))
	if err != nil {
		return err
	}
	files["main.go"] = bytes.ReplaceAll(main, []byte(stockPackage), []byte("example.com/app/stock"))
	if !bytes.Equal(files["main.go"], main) {
		if files["stock/client.gen.go"], err = os.ReadFile("stock/client.gen.go"); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// goCommand runs the go command.
func goCommand(ctx context.Context, dir, cache string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+cache)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return string(out), nil
}
