package official

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
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

// field is a field of a struct. In an operation, wire is its name there.
type field struct {
	goName, wire, text, example string
	style                       string // of a list or an object that is sent as text: json or simple
	typ                         ast.Expr
	required, deprecated        bool
}

// Operation is one method …WithOptions.
type Operation struct {
	Name, Summary, Method, Path string
	Args                        []string // in the order of the method's; those of the path, and a few that are sent nowhere
	request, answer             string   // structs; a request may be missing
	query, body, header         []field
	whole, public               bool // the body is the request's field Body; no token is sent
	line                        ast.Node
}

// ID is the operation's name in a contract.
func (o *Operation) ID() string { return strings.ToLower(o.Name[:1]) + o.Name[1:] }

func (p *Package) unknown(n ast.Node, what string) error {
	return fmt.Errorf("%s: %s: the importer does not know this form; --sdk %s is a version that it knows", p.fset.Position(n.Pos()), escape(what), Version)
}

// pointed is T of *T, and empty for other types.
func pointed(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		return word(star.X)
	}
	return ""
}

func (p *Package) field(of, name string) (f field, ok bool) {
	if i := slices.IndexFunc(p.structs[of], func(f field) bool { return f.goName == name }); i >= 0 {
		return p.structs[of][i], true
	}
	return f, false
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
