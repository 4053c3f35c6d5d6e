package main

import (
	"bytes"
	"context"
	"errors"
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
	mod, errMod := os.ReadFile("go.mod")
	root, errRoot := filepath.Abs("..")
	_, rest, _ := strings.Cut(string(mod), "\n")
	mod = []byte("module example.com/app\n" + strings.Replace(rest, "=> ../", "=> "+root, 1))
	if err := errors.Join(errMod, errRoot, os.CopyFS(work, os.DirFS("apps"))); err != nil {
		return nil, err
	}
	sizes := map[string]size{}
	for client, folder := range apps {
		dir := filepath.Join(work, folder)
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
	goCommand := func(args ...string) (out []byte) {
		if err == nil {
			cmd := exec.CommandContext(ctx, "go", args...)
			cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0"), os.Stderr
			out, err = cmd.Output()
		}
		return out
	}
	goCommand("mod", "tidy")
	packages := goCommand("list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	goCommand("build", "-trimpath", "-ldflags=-s -w", "-o", "app.bin", ".")
	if err != nil {
		return s, err
	}
	info, err := os.Stat(filepath.Join(dir, "app.bin"))
	if err != nil {
		return s, err
	}
	sum, _ := os.ReadFile(filepath.Join(dir, "go.sum")) // the app by hand has none
	s = size{info.Size(), len(bytes.Fields(packages)) - 1, bytes.Count(sum, []byte("\n"))}
	if bytes.Contains(packages, []byte("/openconversation-go/wrapper")) {
		s.sumLines += 2 // this module itself: it is replaced by its folder here, so go.sum omits it
	}
	return s, nil
}

func writeSizes(w io.Writer, sizes map[string]size) {
	fmt.Fprint(w, "| app | binary | more than by hand | packages beyond std | lines of go.sum |\n|---|--:|--:|--:|--:|\n")
	for _, c := range clients {
		if s, ok := sizes[c.name]; ok {
			fmt.Fprintf(w, "| %s | %.1f MB | %s KB | %d | %d |\n", c.name, float64(s.binary)/1e6, thousands((s.binary-sizes[byHand].binary)/1000), s.packages, s.sumLines)
		}
	}
}
