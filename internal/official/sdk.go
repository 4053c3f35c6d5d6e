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
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/sync/errgroup"
)

const folderSum = "h1:vF337nZZUVJtwaiLTRLX7yA7lWgNULv/McDj369rY8k=" // of Version, checked whoever delivers it

// SDK is a version of the SDK, or a folder with its source.
type SDK struct {
	Version string
	root    *os.Root
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
			return nil, errors.Join(err, fmt.Errorf("%s is not what was released as %s: its sum is %q; go clean -modcache removes the copy", name, Version, sum))
		}
	}
	sdk.root, err = os.OpenRoot(name)
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
	var answer struct{ Version, Dir, Error string }
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		answer.Error = string(exit.Stderr)
	}
	if err = errors.Join(json.Unmarshal(out, &answer), err); err != nil {
		return "", "", fmt.Errorf("the go command did not get DingTalk's SDK %s (--sdk FOLDER reads a copy without it): %w: %s", version, err, escape(answer.Error))
	}
	return answer.Dir, answer.Version, nil
}

// Licence is the SDK's licence.
func (s *SDK) Licence() ([]byte, error) { return s.root.ReadFile("LICENSE") }

// Package reads one package.
func (s *SDK) Package(name string) (*Package, error) {
	all, _ := fs.Glob(s.root.FS(), name+"/*.go") // the pattern is one
	if len(all) != 1 || !isName(name) {
		return nil, fmt.Errorf("%q is no package of one file: the importer does not know this form", name)
	}
	source, err := s.root.ReadFile(all[0])
	if err != nil {
		return nil, err
	}
	return read(name, s.Version, source)
}

// Select reads the packages of a list of names, each with the operations of another; none are all. A name is spelt as the SDK
// spells it, in any case, or is a pattern such as *group*. Each must be found.
func (s *SDK) Select(packages, operations string) ([]*Package, error) {
	all, err := fs.Glob(s.root.FS(), "*/client.go")
	if err != nil || len(all) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s has no package of DingTalk's SDK: name the folder that has robot_1_0/client.go", escape(s.root.Name())))
	}
	for i, file := range all {
		all[i] = path.Dir(file)
	}
	chosen, err := choose(all, packages, "package")
	if err != nil {
		return nil, err
	}
	found, ids, group := make([]*Package, len(chosen)), []string{}, errgroup.Group{}
	group.SetLimit(2)
	for i, name := range chosen {
		group.Go(func() (err error) {
			found[i], err = s.Package(name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, p := range found {
		for _, o := range p.Operations {
			ids = append(ids, o.ID())
		}
	}
	if ids, err = choose(ids, operations, "operation"); err != nil {
		return nil, err
	}
	for _, p := range found {
		p.Operations = slices.DeleteFunc(p.Operations, func(o *Operation) bool { return !slices.Contains(ids, o.ID()) })
	}
	return slices.DeleteFunc(found, func(p *Package) bool { return len(p.Operations) == 0 }), nil
}

// choose returns the names that the patterns of a list match.
func choose(names []string, patterns, kind string) (chosen []string, err error) {
	if patterns == "" {
		return names, nil
	}
	for pattern := range strings.SplitSeq(patterns, ",") {
		before, near := len(chosen), []string{}
		for _, name := range names {
			if matched, err := path.Match(strings.ToLower(strings.TrimSpace(pattern)), strings.ToLower(name)); err != nil {
				return nil, fmt.Errorf("%s is no pattern: * stands for any letters", escape(pattern))
			} else if matched {
				chosen = append(chosen, name)
			} else if strings.Contains(strings.ToLower(name), strings.Trim(strings.ToLower(pattern), " *_0123456789.")) {
				near = append(near, name)
			}
		}
		if len(chosen) == before {
			hint := "; openconversation-gen official --list WORD finds them by their names, paths and texts"
			if len(near) > 0 && len(near) < 20 {
				hint = ", but " + strings.Join(near, ", ")
			}
			return nil, fmt.Errorf("no %s is called %s%s", kind, escape(pattern), hint)
		}
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// List are the lines of all operations that have a word in their names, path or summary.
func (s *SDK) List(word string) (lines []string, err error) {
	all, err := s.Select("", "")
	for _, p := range all {
		for _, o := range p.Operations {
			line := fmt.Sprintf("%s\t%s\t%s %s\t%s", p.Name, o.ID(), o.Method, escape(o.Path), escape(o.Summary))
			if strings.Contains(strings.ToLower(line), strings.ToLower(word)) {
				lines = append(lines, line)
			}
		}
	}
	return lines, err
}
