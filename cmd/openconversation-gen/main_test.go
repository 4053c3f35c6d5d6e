package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/shapes"
)

const spec = "../../internal/shapes/shapes.yaml"

// made runs the command, and returns the file that it makes.
func made(t *testing.T, file string, args ...string) []byte {
	t.Helper()
	var said strings.Builder
	if err := run(args, io.Discard, &said); err != nil {
		t.Fatal(err, said.String())
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestRoutes: what is written for the command is what the package has.
func TestRoutes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.json")
	raw := made(t, file, "--spec", spec, "--routes", file)
	var got []generated.Route
	if err := json.Unmarshal(raw, &got); err != nil || !reflect.DeepEqual(got, shapes.Routes) {
		t.Errorf("%v: %s", err, raw)
	}
}

// TestOverlay: names for Go come from a file of their own.
func TestOverlay(t *testing.T) {
	folder := t.TempDir()
	changes := filepath.Join(folder, "names.yaml")
	write := func(target string) {
		text := "overlay: 1.0.0\ninfo: {title: N, version: 1.0.0}\nactions:\n  - target: " + target + "\n    update: {x-go-name: Person}\n"
		if err := os.WriteFile(changes, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("$.components.schemas.User")
	src := string(made(t, filepath.Join(folder, "robot.gen.go"), "--spec", spec, "--package", "robot", "--output", folder, "--overlay", changes))
	if !strings.Contains(src, "type Person struct") || !strings.Contains(src, "body Person, opts ...dingtalk.CallOption) error") {
		t.Error("the name is not the overlay's")
	}
	write("$.components.schemas.Nobody")
	if err := run([]string{"--spec", spec, "--package", "robot", "--output", folder, "--overlay", changes}, io.Discard, io.Discard); err == nil {
		t.Error("an overlay that changes nothing is taken")
	}
}

func TestRefusedBySpec(t *testing.T) {
	folder := t.TempDir()
	bad := filepath.Join(folder, "bad.yaml")
	text, err := os.ReadFile(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bad, bytes.Replace(text, []byte("in: header"), []byte("in: cookie"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	err = run([]string{"--spec", bad, "--package", "robot", "--output", filepath.Join(folder, "out")}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), bad+":26: ") || !strings.Contains(err.Error(), "parameters x-union-id in: it is in neither path, query nor header") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "out")); err == nil {
		t.Error("something was written")
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"--spec", spec}, {"--nope"}, {"--spec", spec, "--package", "a", "--output", "x", "more"}} {
		var text strings.Builder
		if err := run(args, io.Discard, &text); !errors.Is(err, errUsage) || !strings.Contains(text.String(), "Usage: openconversation") {
			t.Errorf("%v: %v, %s", args, err, text.String())
		}
	}
	for _, name := range []string{"a b", "x_windows", "x_arm64", "x_test", "func", "main", "Robot", "_", "documentation", "机器人"} {
		var text strings.Builder
		if err := run([]string{"--spec", spec, "--package", name, "--output", "x"}, io.Discard, &text); !errors.Is(err, errUsage) || !strings.Contains(text.String(), "--package "+name+": ") {
			t.Errorf("%s: %v, %s", name, err, text.String())
		}
	}
	var text strings.Builder
	if err := run([]string{"--help"}, io.Discard, &text); err == nil || !strings.Contains(text.String(), "What a contract may hold") {
		t.Errorf("%v, %s", err, text.String())
	}
}
