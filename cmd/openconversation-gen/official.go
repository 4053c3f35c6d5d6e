package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/official"
)

const defaultSDK = "by default " + official.Version + ", from the Go module cache"

// imported makes what is asked for of packages of the official SDK: contracts, Go packages, or one file of routes.
func (o *options) imported(stdout, stderr io.Writer) error {
	sdk, err := official.Open(o.sdk)
	if err != nil {
		return err
	}
	if o.list {
		return list(sdk, o.packages, stdout)
	}
	found, err := choose(sdk, o.packages, o.operations)
	if err == nil && o.contracts && o.output == "" && len(found) > 1 {
		err = errors.New("standard output holds one contract: --output FOLDER has one for each package")
	}
	if err == nil && o.output != "" {
		err = os.MkdirAll(o.output, 0o755)
	}
	if err != nil {
		return err
	}
	if len(found) > 10 { // the whole API in less time, and within 500 MB
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(440 << 20)
	}
	routes, mu, group := map[string][]generated.Route{}, sync.Mutex{}, errgroup.Group{}
	group.SetLimit(2)
	for _, p := range found {
		p.Operations = slices.DeleteFunc(p.Operations, func(op *official.Operation) bool {
			why := op.Refusal()
			if why == "" || o.contracts || o.operations != "" { // the generator says why, if it is asked by name
				return false
			}
			fmt.Fprintf(stderr, "%s without %s: %s, for which there is client.Do\n", p.Name, op.ID(), why)
			return true
		})
		group.Go(func() error {
			file := p.Name + ".yaml"
			yaml, err := p.Contract(p.Operations)
			if err == nil && o.contracts && o.output != "" {
				return os.WriteFile(filepath.Join(o.output, file), yaml, 0o644)
			} else if err == nil && o.contracts {
				_, err = stdout.Write(yaml)
			}
			if err != nil || o.contracts {
				return err
			}
			c, err := contract.Parse(file, yaml)
			switch {
			case err != nil:
				return err
			case o.routes != "":
				mu.Lock()
				defer mu.Unlock()
				routes[p.Name] = c.Routes()
				return nil
			case o.name == "":
				return writePackage(c, file, p.Name, filepath.Join(o.output, p.Name))
			}
			return writePackage(c, file, o.name, o.output)
		})
	}
	if err := group.Wait(); err != nil || o.routes == "" {
		return err
	}
	licence, err := sdk.Root.ReadFile("LICENSE") // of the texts
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	return errors.Join(err, encoder.Encode(routes), os.WriteFile(o.routes+".LICENSE", licence, 0o644), os.WriteFile(o.routes, text.Bytes(), 0o644))
}

// choose reads the packages of a list of names, each with the operations of another; none are all. A name is spelt as the SDK
// spells it, in any case, or is a pattern such as *group*. Each must be found.
func choose(sdk *official.SDK, packages, operations string) ([]*official.Package, error) {
	all := sdk.Names()
	if len(all) == 0 {
		return nil, fmt.Errorf("%q has no package of DingTalk's SDK: name the folder that has robot_1_0/client.go", sdk.Root.Name())
	}
	chosen, err := matching(all, packages, "package")
	if err != nil {
		return nil, err
	}
	found, ids := []*official.Package{}, []string{}
	for _, name := range chosen {
		p, err := sdk.Package(name)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
		for _, o := range p.Operations {
			ids = append(ids, o.ID())
		}
	}
	if ids, err = matching(ids, operations, "operation"); err != nil {
		return nil, err
	}
	for _, p := range found {
		p.Operations = slices.DeleteFunc(p.Operations, func(o *official.Operation) bool { return !slices.Contains(ids, o.ID()) })
	}
	return slices.DeleteFunc(found, func(p *official.Package) bool { return len(p.Operations) == 0 }), nil
}

// matching returns the names that the patterns of a list match.
func matching(names []string, patterns, kind string) (chosen []string, err error) {
	for pattern := range strings.SplitSeq(cmp.Or(patterns, "*"), ",") {
		like := func(pattern string) (all []string) {
			for _, name := range names {
				if is, _ := path.Match(strings.ToLower(pattern), strings.ToLower(name)); is {
					all = append(all, name)
				}
			}
			return all
		}
		found, near := like(strings.TrimSpace(pattern)), like("*"+strings.Trim(pattern, " *_0123456789.")+"*")
		if found == nil && (near == nil || len(near) > 20) {
			near = []string{"openconversation-gen official --list WORD, which finds them"}
		}
		if found == nil {
			return nil, fmt.Errorf("no %s is called %s; there is %s", kind, official.Escape(pattern), strings.Join(near, ", "))
		}
		chosen = append(chosen, found...)
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

// list prints the operations that have a word in their names, path or summary.
func list(sdk *official.SDK, word string, stdout io.Writer) error {
	all, err := choose(sdk, "", "")
	found := ""
	for _, p := range all {
		for _, op := range p.Operations {
			line := fmt.Sprintf("%s\t%s\t%s %s\t%s\n", p.Name, op.ID(), op.Method, op.Path, official.Escape(op.Summary))
			if strings.Contains(strings.ToLower(line), strings.ToLower(word)) {
				found += line
			}
		}
	}
	if found == "" && err == nil {
		return fmt.Errorf("no operation of the official SDK has %q in its name, path or summary", word)
	}
	fmt.Fprint(stdout, found)
	return err
}
