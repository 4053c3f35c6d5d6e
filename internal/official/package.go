package official

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The SDK that is read if no other is named.
const (
	Module  = "github.com/alibabacloud-go/dingtalk"
	Version = "v1.7.46"
)

// Package is one package of the SDK, such as robot_1_0.
type Package struct {
	Name, Version string
	Operations    []*Operation
	structs       map[string][]field
	quirks        map[string]int // how often a rule of quirks.go was needed
	fset          *token.FileSet
}

// field is a field of a struct. In an operation, Wire is its name there.
type field struct {
	goName, Wire, Text, example string
	Style                       string // of a list or an object that is sent as text: json or simple
	typ                         ast.Expr
	Required, Deprecated        bool
}

// Operation is one method …WithOptions.
type Operation struct {
	Name, Summary, Method, Path string
	Args                        []string // in the order of the method's; those of the path, and a few that are sent nowhere
	Query, Body, Header         []field
	Whole, Public               bool   // the body is the request's field Body; no token is sent
	request, answer             string // structs; a request may be missing
	line                        ast.Node
}

// ID is the operation's name in a contract.
func (o *Operation) ID() string { return strings.ToLower(o.Name[:1]) + o.Name[1:] }

// Verb is the operation's method as a contract has it.
func (o *Operation) Verb() string { return strings.ToLower(o.Method) }

// InPath are the parameters of the path.
func (o *Operation) InPath() []string {
	names := inBraces.FindAllString(o.Path, -1)
	for i, name := range names {
		names[i] = strings.Trim(name, "{}")
	}
	return names
}

var (
	inBraces  = regexp.MustCompile(`\{\w+\}`)
	knownCall = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/([A-Za-z0-9_.:@$~-]|\{\w+\})+)+ ?$`)
)

// unknown is a form that the importer does not know, with its place.
type unknown struct{ error }

func (p *Package) unknown(n ast.Node, what string) error {
	return unknown{fmt.Errorf("%s: %s: the importer does not know this form; --sdk %s is a version that it knows", p.fset.Position(n.Pos()), escape(what), Version)}
}

func (p *Package) field(of, name string) (f field, ok bool) {
	if i := slices.IndexFunc(p.structs[of], func(f field) bool { return f.goName == name }); i >= 0 {
		return p.structs[of][i], true
	}
	return f, false
}

// pointed is T of *T, and empty for other types.
func pointed(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		return word(star.X)
	}
	return ""
}

// word is what an expression says: a name, a text, or a path made of texts and of tea.StringValue(name).
func word(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Ident:
		return n.Name
	case *ast.BasicLit:
		s, _ := strconv.Unquote(n.Value)
		return s
	case *ast.BinaryExpr:
		return word(n.X) + word(n.Y)
	case *ast.CallExpr:
		return "{" + word(n.Args[0]) + "}"
	}
	return ""
}

const tokenHeader = "x-acs-dingtalk-access-token"

var scalars = map[string]string{
	"string": "type: string", "bool": "type: boolean", "int32": "type: integer, format: int32", "int64": "type: integer, format: int64",
	"float32": "type: number, format: float", "float64": "type: number, format: double",
}

var (
	names   = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,200}[A-Za-z0-9_-]$`)
	words   = regexp.MustCompile(`^[\pL_][\pL0-9_]*$`)
	misread = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)
)

// isName says whether a foreign name can be a part of a contract, of a file's name and of Go.
func isName(name string) bool { return names.MatchString(name) }

// escape makes foreign text one line of printable characters that ends no comment.
func escape(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(text, "*/", `*\/`) {
		switch {
		case unicode.IsSpace(r):
			b.WriteRune(' ')
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// text is a string in YAML, quoted unless every reader takes it for one: YAML 1.1 reads no as false, and 18:00 as 1080.
func text(s string) string {
	if s = escape(s); words.MatchString(s) && !misread.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
