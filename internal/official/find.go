// Package official reads the source of DingTalk's official Go SDK, and writes OpenAPI contracts of its operations: what
// these send is written nowhere else. Nothing of the SDK is part of this module; it comes from the Go module cache.
package official

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// The sums of that version, which are checked whoever delivers it.
const (
	folderSum = "h1:vF337nZZUVJtwaiLTRLX7yA7lWgNULv/McDj369rY8k="
	sums      = Module + " " + Version + " " + folderSum + "\n" + Module + " " + Version + "/go.mod h1:uP5klG3rdfmG3sjk9c7WpegtGgvqzEnM9VKfsX+gO3Q=\n"

	maxSource = 32 << 20 // the largest has 2 MB
)

// SDK is a version of the SDK, or a folder with its source.
type SDK struct {
	Version string
	root    *os.Root
}

var isVersion = regexp.MustCompile(`^(latest|v[0-9]+\.[0-9A-Za-z.+-]+)$`)

// Open finds the SDK in a folder, or in the module cache, where the go command puts the version unless it is there. An empty
// name is Version.
func Open(name string) (*SDK, error) {
	sdk := &SDK{Version: "unknown"}
	var err error
	if name == "" || isVersion.MatchString(name) {
		if name, sdk.Version, err = fetch(cmp.Or(name, Version)); err != nil {
			return nil, err
		}
	} else if _, version, ok := strings.Cut(filepath.Base(name), "dingtalk@"); ok && isVersion.MatchString(version) {
		sdk.Version = version
	}
	if sdk.Version == Version {
		if sum, err := dirhash.HashDir(name, Module+"@"+Version, dirhash.Hash1); err != nil || sum != folderSum {
			return nil, errors.Join(err, fmt.Errorf("%s is not what was released as %s: its sum is %q; go clean -modcache removes the copy", name, Version, sum))
		}
	}
	sdk.root, err = os.OpenRoot(name)
	return sdk, err
}

// fetch runs the go command in a module of its own: outside the user's, whose go.mod, go.work and vendor folder say nothing
// about this.
func fetch(version string) (folder, found string, err error) {
	place, err := os.MkdirTemp("", "official")
	if err != nil {
		return "", "", err
	}
	defer func() { _ = os.RemoveAll(place) }()
	err = errors.Join(os.WriteFile(filepath.Join(place, "go.mod"), []byte("module place\n"), 0o600), os.WriteFile(filepath.Join(place, "go.sum"), []byte(sums), 0o600))
	if err != nil {
		return "", "", err
	}
	cmd := exec.CommandContext(context.Background(), "go", "mod", "download", "-json", Module+"@"+version)
	// An empty GOFLAGS would let those of go env -w through.
	cmd.Dir, cmd.Env = place, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on", "PWD="+place)
	out, err := cmd.Output()
	var answer struct{ Version, Dir, Error string }
	if errors.Is(err, exec.ErrNotFound) {
		return "", "", errors.New("the go command, which gets DingTalk's SDK, is not in PATH: install Go, or name a folder with its source with --sdk FOLDER")
	}
	if json.Unmarshal(out, &answer) != nil || answer.Dir == "" || err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && answer.Error == "" {
			answer.Error = string(exit.Stderr)
		}
		return "", "", fmt.Errorf("the go command did not get DingTalk's SDK %s (--sdk FOLDER reads a copy without it): %s", version, escape(answer.Error))
	}
	return answer.Dir, answer.Version, nil
}

// names are the packages of the SDK.
func (s *SDK) names() ([]string, error) {
	files, err := fs.Glob(s.root.FS(), "*/client.go")
	for i, file := range files {
		if files[i] = strings.TrimSuffix(file, "/client.go"); !isName(files[i]) {
			return nil, fmt.Errorf("%q is no name of a package", files[i])
		}
	}
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no package of DingTalk's SDK: name the folder that has robot_1_0/client.go", escape(s.root.Name()))
	}
	return files, err
}

// Package reads one package.
func (s *SDK) Package(name string) (*Package, error) {
	file := name + "/client.go"
	info, err := s.root.Lstat(file)
	if err != nil {
		return nil, err
	}
	all, _ := fs.Glob(s.root.FS(), name+"/*.go") // the pattern is one
	if len(all) != 1 || !info.Mode().IsRegular() || info.Size() > maxSource {
		return nil, fmt.Errorf("%s is no file of source, or not the only one of its package: the importer does not know this form", file)
	}
	source, err := s.root.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, err := read(name, source)
	if err == nil {
		p.Version = s.Version
	}
	return p, err
}

// Licence is the SDK's licence.
func (s *SDK) Licence() ([]byte, error) { return s.root.ReadFile("LICENSE") }
