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
		return nil, explain.Usage("--spec: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) {
		return decode(lang.T("--spec %s", file), content)
	}
	c, err := contract.Parse(file, content)
	if err != nil {
		return nil, explain.UsageHint(hint, "--spec: %w", err)
	}
	return c.Routes(), nil
}

// decode reads a list of operations, which came from a place.
func decode(place lang.Text, content []byte) ([]generated.Route, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var all []generated.Route
	if err := decoder.Decode(&all); err != nil {
		return nil, explain.UsageHint(hint, "%s: it is not a list of operations", place)
	}
	for i, r := range all {
		if err := check(r); err != nil {
			return nil, explain.UsageHint(hint, "%s: operation %d: %w", place, i+1, err)
		}
	}
	return all, nil
}

func check(r generated.Route) error {
	o := r.Operation
	switch {
	case o == nil || o.ID == "" || strings.HasPrefix(o.ID, "-") || strings.Contains(o.ID, " "):
		return lang.Errorf("it has no name")
	case !strings.HasPrefix(o.Path, "/") || o.Method == "":
		return lang.Errorf("%s has no method or path", o.ID)
	case r.Example != "" && !json.Valid([]byte(r.Example)):
		return lang.Errorf("the example of %s is not JSON", o.ID)
	}
	return nil
}

// maxOfficial bounds the operations of the official SDK, which take 2 MB.
const maxOfficial = 64 << 20

// embedded are the operations of the official SDK that a release carries: see official_release.go.
var embedded []byte

// Source says whose operations are meant: this project's, if it is empty.
type Source struct{ Spec, Official, Routes string }

// Flags are the source's, by their names.
func (s *Source) Flags() map[string]*string {
	return map[string]*string{"spec": &s.Spec, "official": &s.Official, "official-routes": &s.Routes}
}

// AddTo adds the flags of the official SDK.
func (s *Source) AddTo(flags *pflag.FlagSet) {
	flags.StringVar(&s.Official, "official", "", "the operations of this `PACKAGE` of DingTalk's official SDK, such as robot_1_0, or of all")
	flags.StringVar(&s.Routes, "official-routes", "", "read them from this `FILE`, made by openconversation-gen official --routes")
}

// Read reads the operations.
func (s Source) Read() ([]generated.Route, error) {
	switch {
	case s.Spec != "" && s.Official != "":
		return nil, explain.Usage("--spec and --official exclude each other")
	case s.Spec != "":
		return Read(s.Spec)
	case s.Official != "":
		return s.official()
	case s.Routes != "":
		return nil, explain.Usage("--official-routes needs --official")
	}
	return generated.Routes, nil
}

func (s Source) official() ([]generated.Route, error) {
	content := embedded
	if s.Routes != "" {
		var err error
		if content, err = os.ReadFile(s.Routes); err != nil {
			return nil, explain.Usage("--official-routes: %w", err)
		}
	}
	if content == nil {
		return nil, explain.UsageHint("make the file with openconversation-gen official --routes FILE, and name it with --official-routes", "this build does not carry the operations of the official SDK")
	}
	text := io.Reader(bytes.NewReader(content))
	if bytes.HasPrefix(content, []byte("BZh")) { // as a release carries them
		text = bzip2.NewReader(text)
	}
	var packages map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(text, maxOfficial)).Decode(&packages); err != nil {
		return nil, explain.Usage("--official-routes %s: it was not made by openconversation-gen official --routes", s.Routes)
	}
	var all []generated.Route
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		if s.Official != "all" && !strings.EqualFold(s.Official, name) {
			continue
		}
		routes, err := decode(lang.T("--official %s", name), packages[name])
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
