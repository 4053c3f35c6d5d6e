// Package specs reads the operations of an OpenAPI contract, or of the file that openconversation-gen --routes writes.
package specs

import (
	"bytes"
	"compress/bzip2"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

const hint lang.Format = "give an OpenAPI contract, or what openconversation-gen --spec my.yaml --routes my.json makes of one"

// Read reads the operations in a file: of an OpenAPI 3.0 or 3.1 contract, YAML or JSON, or a list of them.
func Read(file string) ([]generated.Route, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, explain.Usage("%s: %w", "--spec", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) {
		return decode(lang.Literal("--spec "+file), content)
	}
	c, err := contract.Parse(file, content)
	if err != nil {
		return nil, explain.UsageHint(hint, "%s: %w", "--spec", err)
	}
	return c.Routes(), nil
}

// decode reads a list of operations, which came from a place.
func decode(place lang.Literal, content []byte) ([]generated.Route, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var all []generated.Route
	if err := decoder.Decode(&all); err != nil {
		return nil, explain.UsageHint(hint, "%s: it is not a list of operations", place)
	}
	for i, r := range all {
		var err error
		switch o := r.Operation; {
		case o == nil || o.ID == "" || strings.HasPrefix(o.ID, "-") || strings.Contains(o.ID, " "):
			err = lang.Errorf("it has no name")
		case !strings.HasPrefix(o.Path, "/") || o.Method == "":
			err = lang.Errorf("%s has no method or path", o.ID)
		case r.Example != "" && !json.Valid([]byte(r.Example)):
			err = lang.Errorf("the example of %s is not JSON", o.ID)
		}
		if err != nil {
			return nil, explain.UsageHint(hint, "%s: operation %d: %w", place, i+1, err)
		}
	}
	return all, nil
}

// maxOfficial bounds the operations of the official SDK, which take 2 MB.
const maxOfficial = 64 << 20

// embedded are the operations of the official SDK that a release carries: see official_release.go.
var embedded []byte

// Source says whose operations are meant: this project's, if it is empty.
type Source struct{ Spec, Official, OfficialRoutes string }

// AddTo adds the source's flags.
func (s *Source) AddTo(flags *pflag.FlagSet) {
	flags.StringVar(&s.Spec, "spec", "", "operations of this `FILE`: an OpenAPI contract, or what openconversation-gen makes of one")
	flags.StringVar(&s.Official, "official", "", "operations of this `PACKAGE` of DingTalk's official SDK, such as robot_1_0, or of all")
	flags.StringVar(&s.OfficialRoutes, "official-routes", "", "the `FILE` of --official, in a build that carries none")
}

// SourceIn returns the source that the arguments of call name, before they are parsed: its operations are subcommands.
func SourceIn(args []string) (s Source) {
	if slices.Contains(args, "call") {
		s.Spec, s.Official, s.OfficialRoutes = lang.FlagIn(args, "spec"), lang.FlagIn(args, "official"), lang.FlagIn(args, "official-routes")
	}
	return s
}

// Read reads the operations.
func (s Source) Read() ([]generated.Route, error) {
	switch {
	case s.Official != "" && s.Spec != "":
		return nil, explain.Usage("--spec and --official exclude each other")
	case s.Official == "" && s.OfficialRoutes != "":
		return nil, explain.Usage("--official-routes needs --official")
	case s.Official != "":
		return s.official()
	case s.Spec != "":
		return Read(s.Spec)
	}
	return generated.Routes, nil
}

// official reads the operations of packages: of those that a release carries, or of a file.
func (s Source) official() ([]generated.Route, error) {
	content := embedded
	if s.OfficialRoutes != "" {
		var err error
		if content, err = os.ReadFile(s.OfficialRoutes); err != nil {
			return nil, explain.Usage("%s: %w", "--official-routes", err)
		}
	}
	if content == nil {
		return nil, explain.UsageHint("make a file of them with openconversation-gen official --routes FILE, and add --official-routes FILE", "this build does not carry the operations of the official SDK")
	}
	text := io.Reader(bytes.NewReader(content))
	if bytes.HasPrefix(content, []byte("BZh")) { // as a release carries them
		text = bzip2.NewReader(text)
	}
	var packages map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(text, maxOfficial)).Decode(&packages); err != nil {
		return nil, explain.Usage("--official-routes %s: it was not made by openconversation-gen official --routes", s.OfficialRoutes)
	}
	var all []generated.Route
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		if s.Official != "all" && !strings.EqualFold(s.Official, name) {
			continue
		}
		routes, err := decode(lang.Literal("--official "+name), packages[name])
		if err != nil {
			return nil, err
		}
		for _, r := range routes {
			if s.Official == "all" { // many packages have an operation of one name
				r.Operation.ID = name + "." + r.Operation.ID
			}
			all = append(all, r)
		}
	}
	if all == nil {
		return nil, explain.UsageHint("openconversation operations --official all lists them", "--official %s: the official SDK has no such package", s.Official)
	}
	return all, nil
}
