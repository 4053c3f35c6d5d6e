// Package official reads the source of DingTalk's official Go SDK, and writes OpenAPI contracts of its operations: what these
// send is written nowhere else. Nothing of the SDK is part of this module; it comes from the Go module cache.
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
	"path"
	"regexp"

	"golang.org/x/mod/sumdb/dirhash"
)

// The SDK that is read if no other is named. The sum is checked whoever delivers it.
const (
	Module      = "github.com/alibabacloud-go/dingtalk"
	Version     = "v1.7.46"
	tokenHeader = "x-acs-dingtalk-access-token"
	folderSum   = "h1:vF337nZZUVJtwaiLTRLX7yA7lWgNULv/McDj369rY8k="
)

// SDK is a version of the SDK, or a folder with its source.
type SDK struct {
	Version string
	Root    *os.Root
}

var isVersion = regexp.MustCompile(`^(latest|v[0-9]+\.[0-9A-Za-z.+-]+)$`)

// Open finds the SDK in a folder, or in the module cache, where the go command puts the version unless it is there. An empty
// name is Version.
func Open(name string) (sdk *SDK, err error) {
	sdk = &SDK{Version: "unknown"}
	if name == "" || isVersion.MatchString(name) {
		if name, sdk.Version, err = fetch(cmp.Or(name, Version)); err != nil {
			return nil, err
		}
	}
	if sdk.Version == Version {
		if sum, err := dirhash.HashDir(name, Module+"@"+Version, dirhash.Hash1); err != nil || sum != folderSum {
			const what = "%s is not what was released as %s: its sum is %q; go clean -modcache removes the copy"
			return nil, errors.Join(err, fmt.Errorf(what, name, Version, sum))
		}
	}
	sdk.Root, err = os.OpenRoot(name)
	return sdk, err
}

// fetch runs the go command outside the user's module, whose go.mod, go.work and vendor folder say nothing about this.
func fetch(version string) (folder, found string, err error) {
	cmd := exec.CommandContext(context.Background(), "go", "mod", "download", "-json", Module+"@"+version)
	// An empty GOFLAGS would let those of go env -w through.
	cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on", "PWD="+os.TempDir())
	if version == Version { // whose sum is known here
		cmd.Env = append(cmd.Env, "GONOSUMDB="+Module)
	}
	cmd.Stderr = os.Stderr
	var answer struct{ Version, Dir, Error string }
	out, err := cmd.Output()
	if err = cmp.Or(err, json.Unmarshal(out, &answer)); err != nil {
		const what = "the go command did not get DingTalk's SDK %s (--sdk FOLDER reads a copy without it): %w: %s"
		return "", "", fmt.Errorf(what, version, err, Escape(answer.Error))
	}
	return answer.Dir, answer.Version, nil
}

// Names are the names of the SDK's packages.
func (s *SDK) Names() []string {
	names, _ := fs.Glob(s.Root.FS(), "*/client.go") // the pattern is one
	for i, file := range names {
		names[i] = path.Dir(file)
	}
	return names
}
