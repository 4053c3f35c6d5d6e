// Package official reads the source of DingTalk's official Go SDK, and writes OpenAPI contracts of its operations: what these
// send is written nowhere else. Nothing of the SDK is part of this module; it comes from the Go module cache.
package official

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// The SDK that is read if no other is named. The sum is checked whoever delivers it.
const (
	Module      = "github.com/alibabacloud-go/dingtalk"
	Version     = "v1.7.46"
	tokenHeader = "x-acs-dingtalk-access-token"
	folderSum   = "h1:vF337nZZUVJtwaiLTRLX7yA7lWgNULv/McDj369rY8k="
	oddText     = "io.Reader" // the type of fields whose values are texts; the SDK cannot read them of an answer
)

// SDK is a version of the SDK, or a folder with its source.
type SDK struct {
	Version string
	Root    *os.Root
}

// Package is one package of the SDK, such as robot_1_0.
type Package struct {
	Name, Version string
	Operations    []*Operation
	structs       map[string][]field
	paths         map[string]*Operation // by their form, with or without the method
	quirks        map[string]int        // how often a rule of quirks.go was needed
	source        []byte
	at            token.Pos // what is being read
}

// field is a field of a struct. In an operation, Name is an expression such as request.At, and Wire the name that is sent.
type field struct {
	Name, Wire, Text, Example    string
	Schema                       string // in YAML, such as "type: string"; empty: any value
	Of                           string // the struct that it holds, or holds a list or a map of
	Required, Deprecated, Commas bool   // Commas: a list is sent as one text
}

// Is reports whether a field's schema begins so.
func (f field) Is(schema string) bool { return strings.HasPrefix(f.Schema, schema) }

// Operation is one method …WithOptions.
type Operation struct {
	Name, Summary, Method, Path string
	InPath, Args                []string // the path's parameters, and the method's in their order, a few of which are sent nowhere
	Query, Body, Header         []field
	Sent, Answer                field // the bodies; without a Name there is none
	Public                      bool  // no token is sent
}

// ID is the operation's name in a contract.
func (o *Operation) ID() string { return strings.ToLower(o.Name[:1]) + o.Name[1:] }

var (
	isVersion = regexp.MustCompile(`^(latest|v[0-9]+\.[0-9A-Za-z.+-]+)$`)
	inBraces  = regexp.MustCompile(`\{(\w+)\}`)
	knownCall = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/([A-Za-z0-9_.:@$~-]|\{\w+\})+)+ ?$`)
	isName    = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,200}[A-Za-z0-9_-]$`).MatchString // of a contract, a file and Go
	odd       = regexp.MustCompile(`\*/|[^\pL\pM\pN\pP\pS ]`)
	plain     = regexp.MustCompile(`^[\pL_][\pL0-9_]*$`)
	misread   = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)
	scalars   = map[string]string{
		"string": "type: string", "[]byte": "type: string, format: byte", "bool": "type: boolean", "interface{}": "", oddText: "type: string",
		"int32": "type: integer, format: int32", "int64": "type: integer, format: int64",
		"float32": "type: number, format: float", "float64": "type: number, format: double",
	}
)

// must ends the reading of what the importer does not know: a part that was passed over could be a field that is lost.
func must(known bool, what string) {
	if !known {
		panic(what)
	}
}

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

// text is a string in YAML, quoted unless every reader takes it for one: YAML 1.1 reads no as false, and 18:00 as 1080.
func text(s string) string {
	if s = Escape(s); plain.MatchString(s) && !misread.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

// Escape makes foreign text one line of printable characters that ends no comment.
func Escape(text string) string {
	return odd.ReplaceAllStringFunc(text, func(found string) string {
		if found == "*/" {
			return `*\/`
		} else if strings.TrimSpace(found) == "" {
			return " "
		}
		return fmt.Sprintf("<U+%04X>", []rune(found)[0])
	})
}
