package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// size is that of an app with one call.
type size struct {
	binary   int64 // bytes, stripped
	packages int   // compiled outside the standard library, without the app's own
	sumLines int   // of go.sum
}

// apps are the folders of apps/, by client.
var apps = map[string]string{byHand: "byhand", thisSDK: "sdk", officialSDK: "official"}

// sizesOfApps builds each app as a module of its own, as a user's would be.
func sizesOfApps(ctx context.Context) (map[string]size, error) {
	work, err := os.MkdirTemp("", "apps")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }() // a leftover temporary folder changes no figure
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(mod), "\n")
	mod = []byte("module example.com/app\n" + strings.Replace(rest, "=> ../", "=> "+root, 1))
	sizes := map[string]size{}
	for client, folder := range apps {
		dir := filepath.Join(work, folder)
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("apps", folder))); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o644); err != nil {
			return nil, err
		}
		if sizes[client], err = sizeOf(ctx, dir); err != nil {
			return nil, fmt.Errorf("%s: %w", client, err)
		}
	}
	return sizes, nil
}

func sizeOf(ctx context.Context, dir string) (s size, err error) {
	if _, err := goCommand(ctx, dir, "mod", "tidy"); err != nil {
		return s, err
	}
	if sum, err := os.ReadFile(filepath.Join(dir, "go.sum")); err == nil { // the app by hand has none
		s.sumLines = bytes.Count(sum, []byte("\n"))
	}
	packages, err := goCommand(ctx, dir, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	if err != nil {
		return s, err
	}
	s.packages = len(strings.Fields(packages)) - 1
	if strings.Contains(packages, "/openconversation-go/wrapper") {
		s.sumLines += 2 // this module itself: it is replaced by its folder here, so go.sum omits it
	}
	if _, err := goCommand(ctx, dir, "build", "-trimpath", "-ldflags=-s -w", "-o", "app.bin", "."); err != nil {
		return s, err
	}
	info, err := os.Stat(filepath.Join(dir, "app.bin"))
	if err != nil {
		return s, err
	}
	s.binary = info.Size()
	return s, nil
}

func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return string(out), nil
}

func writeSizes(w io.Writer, sizes map[string]size) {
	fmt.Fprint(w, "| app | binary | more than by hand | packages beyond std | lines of go.sum |\n|---|--:|--:|--:|--:|\n")
	for _, c := range clients {
		if s, ok := sizes[c.name]; ok {
			fmt.Fprintf(w, "| %s | %.1f MB | %s KB | %d | %d |\n", c.name, float64(s.binary)/1e6, thousands((s.binary-sizes[byHand].binary)/1000), s.packages, s.sumLines)
		}
	}
}
