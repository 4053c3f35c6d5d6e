package official

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Package is one package of the SDK, such as robot_1_0.
type Package struct {
	Name, Version string
	Operations    []*Operation

	structs map[string][]field
	quirks  map[string]int // how often a rule of quirks.go was needed
	fset    *token.FileSet
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

	request, answer     string // structs; a request may be missing
	query, body, header []field
	whole, public       bool // the body is the request's field Body; no token is sent
	line                ast.Node
}

// read reads a package's source. What it does not know is an error with its line: a statement that was passed over could be
// a field that is lost.
func read(name string, source []byte) (*Package, error) {
	p := &Package{Name: name, structs: map[string][]field{}, quirks: map[string]int{}, fset: token.NewFileSet()}
	file, err := parser.ParseFile(p.fset, name+"/client.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("%s", escape(err.Error()))
	}
	known := map[string]bool{"Init": true, "GetEndpoint": true}
	for _, d := range file.Decls {
		var err error
		switch d := d.(type) {
		case *ast.GenDecl:
			err = p.types(d)
		case *ast.FuncDecl:
			if d.Recv == nil || pointed(d.Recv.List[0].Type) != "Client" {
				continue
			}
			short, full := strings.CutSuffix(d.Name.Name, "WithOptions")
			if full {
				err = p.operation(short, d)
			} else if !known[short] {
				err = p.unknown(d, "a method without one …WithOptions before it")
			}
			known[short] = true
		}
		if err != nil {
			return nil, err
		}
	}
	templates := map[string]string{}
	for _, o := range p.Operations {
		p.mend(o, templates)
	}
	return p, nil
}

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

func (p *Package) types(d *ast.GenDecl) error {
	for _, s := range d.Specs {
		t, ok := s.(*ast.TypeSpec)
		if !ok && d.Tok == token.IMPORT || ok && t.Name.Name == "Client" {
			continue
		}
		if !ok || !isName(t.Name.Name) {
			return p.unknown(s, "neither an import nor a type")
		}
		st, ok := t.Type.(*ast.StructType)
		if !ok {
			return p.unknown(s, "a type that is no struct")
		}
		all := []field{}
		for _, f := range st.Fields.List {
			if f.Tag == nil || len(f.Names) != 1 {
				return p.unknown(f, "a field without a tag or a name of its own")
			}
			made := field{goName: f.Names[0].Name, typ: f.Type}
			tag, _ := strconv.Unquote(f.Tag.Value)
			if made.wire, _, _ = strings.Cut(reflect.StructTag(tag).Get("json"), ","); !isName(made.wire) {
				return p.unknown(f, fmt.Sprintf("the name %q", made.wire))
			}
			sections(f.Doc.Text(), &made.text, map[string]*string{"example:": &made.example, "if can be null:": nil}, map[string]*bool{
				"This parameter is required.": &made.required, "Deprecated": &made.deprecated,
			})
			all = append(all, made)
		}
		p.structs[t.Name.Name] = all
	}
	return nil
}

// sections reads a comment: a line that is a heading begins a text, and one that is a mark begins the first again.
func sections(doc string, first *string, headings map[string]*string, marks map[string]*bool) {
	to := first
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		if text, ok := headings[line]; ok {
			to = text
		} else if mark := marks[line]; mark != nil {
			*mark, to = true, first
		} else if to != nil && line != "" {
			*to = strings.TrimSpace(*to + " " + line)
		}
	}
}

func (p *Package) field(of, name string) (field, bool) {
	i := slices.IndexFunc(p.structs[of], func(f field) bool { return f.goName == name })
	if i < 0 {
		return field{}, false
	}
	return p.structs[of][i], true
}

func (p *Package) operation(name string, d *ast.FuncDecl) error {
	o := &Operation{Name: name, line: d, answer: pointed(d.Type.Results.List[0].Type)}
	about, _, _ := strings.Cut(d.Doc.Text(), "\n@")
	sections(about, new(string), map[string]*string{"Summary:": &o.Summary, "Description:": nil}, nil)
	for _, param := range d.Type.Params.List {
		switch n := param.Names[0].Name; n {
		case "request", "tmpReq":
			o.request = pointed(param.Type)
		case "headers", "runtime":
		default:
			o.Args = append(o.Args, n)
		}
	}
	m := &method{p: p, Operation: o, shrunk: map[string]field{}}
	for _, s := range d.Body.List {
		if err := m.statement(s); err != nil {
			return err
		}
	}
	for _, inPath := range inBraces.FindAllString(o.Path, -1) {
		if !slices.Contains(o.Args, inPath[1:len(inPath)-1]) {
			return p.unknown(d, "a path with "+inPath)
		}
	}
	if p.structs[o.answer] == nil || !isName(name) || !knownPath.MatchString(o.Path) || !slices.Contains(knownMethods, o.Method) {
		return p.unknown(d, "an operation without an answer, a name, a path or a method: "+o.Method+" "+o.Path)
	}
	p.Operations = append(p.Operations, o)
	return nil
}
