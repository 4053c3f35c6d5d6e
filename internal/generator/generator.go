// Package generator generates Go from a contract: models by oapi-codegen, and the requests, operations, codes and methods
// of its own templates.
package generator

import (
	"bytes"
	"fmt"
	"go/format"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

// generation is the templates' data.
type generation struct {
	*contract.Contract
	Package    string // of the file
	Source     string // the contract's file name
	Version    string
	Own        bool   // this repository's own contract
	Types      string // package of the models and of Request; empty if it is the same
	Operations []operation
	Kinds      []string
	Effects    []string
}

// takenMethods lists the methods of a dingtalk.Client written by hand.
var takenMethods = []string{"CloseIdleConnections", "GoString", "OpenConversationID", "OpenConversationIDs", "String", "Token"}

// Own generates the files of package generated and the methods of package dingtalk. Skipped operations get no method.
func Own(c *contract.Contract, source string, skip ...string) (files map[string][]byte, methods []byte, err error) {
	g := &generation{Contract: c, Package: ownPackage, Source: path.Base(source), Own: true}
	if c.Codes == nil || c.Limits == nil || c.TokenHeader == "" || c.RequestIDHeader == "" {
		return nil, nil, fmt.Errorf("%s: it lacks x-error-codes, x-limits, the apiKey of the token or the header RequestId", source)
	}
	client, err := g.models()
	if err != nil {
		return nil, nil, err
	}
	files = map[string][]byte{"client.gen.go": client}
	for _, name := range []string{"request", "contract", "operations", "routes", "errorcodes", "texts"} {
		if files[name+".gen.go"], err = g.render(name); err != nil {
			return nil, nil, err
		}
	}
	if err := check(c, files); err != nil {
		return nil, nil, err
	}
	for _, o := range g.Operations {
		if slices.Contains(takenMethods, o.Name) {
			return nil, nil, c.Locate(fmt.Errorf("%s: the method %s of a client is another's: the operationId must be another", o.ID, o.Name))
		}
	}
	g.Package, g.Types = "dingtalk", ownPackage
	g.Operations = slices.DeleteFunc(slices.Clone(g.Operations), func(o operation) bool { return slices.Contains(skip, o.ID) })
	methods, err = g.render("methods")
	return files, methods, err
}

// Foreign generates a package of methods for any contract, as one file.
func Foreign(c *contract.Contract, source, pkg string) ([]byte, error) {
	g := &generation{Contract: c, Package: pkg, Source: path.Base(source)}
	src, err := g.models()
	if err != nil {
		return nil, err
	}
	return src, check(c, map[string][]byte{pkg + ".gen.go": src})
}

// models runs oapi-codegen with our requests instead of its client. A foreign package has methods and tables, too.
func (g *generation) models() ([]byte, error) {
	g.Version, g.Kinds, g.Effects = Version, contract.Kinds, contract.TokenEffects
	cfg, err := configuration(g.Package)
	if err != nil {
		return nil, err
	}
	if !g.Own {
		cfg.AdditionalImports = []codegen.AdditionalImport{
			{Alias: "dingtalk", Package: "github.com/dingtalk-openapi/openconversation-go/wrapper"},
			{Package: "github.com/dingtalk-openapi/openconversation-go/generated"}, {Package: "iter"}, {Package: "strconv"},
		}
	} else {
		cfg.AdditionalImports = []codegen.AdditionalImport{{Package: "strconv"}}
	}
	src, err := runOapiCodegen(g.Doc, cfg, func(definitions []codegen.OperationDefinition) (string, error) {
		if g.Operations, err = views(g.Contract, definitions); err != nil {
			return "", err
		}
		if g.Own {
			return g.text("requests")
		}
		return g.text("foreign")
	})
	if err != nil {
		return nil, g.Locate(err)
	}
	_, body, ok := strings.Cut(src, "\npackage "+g.Package)
	if !ok {
		return nil, fmt.Errorf("oapi-codegen's output has no package clause")
	}
	header, err := g.text("header")
	if err != nil {
		return nil, err
	}
	return format.Source([]byte(header + "package " + g.Package + body))
}

// render executes a template and formats its output.
func (g *generation) render(name string) ([]byte, error) {
	text, err := g.text(name)
	if err != nil {
		return nil, err
	}
	return format.Source([]byte(text))
}

func (g *generation) text(name string) (string, error) {
	var buf bytes.Buffer
	err := parsed.ExecuteTemplate(&buf, name+".tmpl", g)
	return buf.String(), err
}

var parsed = template.Must(template.New("").Funcs(template.FuncMap{
	"goName": goName, "quote": strconv.Quote, "comment": comment, "qualified": qualified, "dict": dict, "oneLine": oneLine,
}).ParseFS(templateFiles, "templates/own/*.tmpl"))

// dict passes several values to a template.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// comment formats text as lines of a Go comment.
func comment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		b.WriteString("\n//")
		if line = printable(line); line != "" {
			b.WriteString(" " + line)
		}
	}
	return b.String()
}

// oneLine returns the first paragraph of a text as one line.
func oneLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	return strings.Join(strings.Fields(printable(strings.ReplaceAll(first, "\n", " "))), " ")
}

// printable drops characters that would break a comment.
func printable(line string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, line))
}

// HasWaits reports whether a code of an operation has a wait.
func (g *generation) HasWaits() bool {
	return slices.ContainsFunc(g.Operations, func(o operation) bool {
		return slices.ContainsFunc(o.Codes, func(c contract.Code) bool { return c.WaitSeconds > 0 })
	})
}

// HasPages reports whether an operation has an iterator.
func (g *generation) HasPages() bool {
	return slices.ContainsFunc(g.Operations, func(o operation) bool { return o.Pages != nil })
}

var (
	kebab       = regexp.MustCompile(`[A-Z]*[a-z0-9]+`)
	initialisms = []string{"API", "HTTP", "ID", "IP", "URL"}
)

// goName spells the kebab-case names of kinds and token effects in Go.
func goName(s string) string {
	return strings.ReplaceAll(kebab.ReplaceAllStringFunc(s, func(word string) string {
		if upper := strings.ToUpper(word); slices.Contains(initialisms, upper) {
			return upper
		}
		return strings.ToUpper(word[:1]) + word[1:]
	}), "-", "")
}
