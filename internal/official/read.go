package official

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
)

// read reads a package's source. What it does not know is an error with its line: a statement that was passed over could be
// a field that is lost.
func read(name, version string, source []byte) (p *Package, err error) {
	defer func() {
		switch place := recover().(type) {
		case nil:
		case unknown:
			p, err = nil, place
		default:
			panic(place)
		}
	}()
	p = &Package{Name: name, Version: version, structs: map[string][]field{}, quirks: map[string]int{}, fset: token.NewFileSet()}
	file, err := parser.ParseFile(p.fset, name+"/client.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("%s", escape(err.Error()))
	}
	known, templates := map[string]bool{"Init": true, "GetEndpoint": true}, map[string]string{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if d.Tok != token.IMPORT {
					p.declared(s)
				}
			}
		case *ast.FuncDecl:
			if d.Recv == nil || pointed(d.Recv.List[0].Type) != "Client" {
				continue
			}
			short, full := strings.CutSuffix(d.Name.Name, "WithOptions")
			if full {
				p.operation(short, d, templates)
			} else if !known[short] {
				panic(p.unknown(d, "a method without one …WithOptions before it"))
			}
			known[short] = true
		}
	}
	return p, nil
}

// declared reads a struct.
func (p *Package) declared(s ast.Spec) {
	t, ok := s.(*ast.TypeSpec)
	st := (*ast.StructType)(nil)
	if ok {
		st, ok = t.Type.(*ast.StructType)
	}
	if !ok || !isName(t.Name.Name) {
		panic(p.unknown(s, "neither an import nor a struct"))
	}
	p.structs[t.Name.Name] = []field{}
	for _, f := range st.Fields.List {
		if t.Name.Name == "Client" {
			break
		}
		if f.Tag == nil || len(f.Names) != 1 {
			panic(p.unknown(f, "a field without a tag or a name of its own"))
		}
		wire, _, _ := strings.Cut(reflect.StructTag(word(f.Tag)).Get("json"), ",")
		if !isName(wire) {
			panic(p.unknown(f, "the name "+wire))
		}
		doc := sections(f.Doc.Text())
		p.structs[t.Name.Name] = append(p.structs[t.Name.Name], field{
			goName: f.Names[0].Name, Wire: wire, typ: p.mendType(f.Type), Text: doc[""], example: doc["example:"],
			Required: doc["This parameter is required."] != "", Deprecated: doc["Deprecated"] != "",
		})
	}
}

// sections are the texts of a comment by their headings. A mark is a heading without a text.
func sections(doc string) map[string]string {
	found, at := map[string]string{}, ""
	for line := range strings.Lines(doc) {
		switch line = strings.TrimSpace(line); line {
		case "Summary:", "Description:", "example:", "if can be null:":
			at = line
		case "This parameter is required.", "Deprecated":
			found[line], at = "true", ""
		default:
			found[at] = strings.TrimSpace(found[at] + " " + line)
		}
	}
	return found
}

func (p *Package) operation(name string, d *ast.FuncDecl, templates map[string]string) {
	about, _, _ := strings.Cut(d.Doc.Text(), "\n@")
	m := &method{p: p, Operation: &Operation{Name: name, line: d, Summary: sections(about)["Summary:"], answer: pointed(d.Type.Results.List[0].Type)}}
	for _, param := range d.Type.Params.List {
		switch n := param.Names[0].Name; n {
		case "request", "tmpReq":
			m.request = pointed(param.Type)
		case "headers", "runtime":
		default:
			m.Args = append(m.Args, n)
		}
	}
	for _, s := range d.Body.List {
		if !m.knows(s) {
			panic(p.unknown(s, "a statement of "+name))
		}
	}
	for _, param := range m.InPath() {
		if !slices.Contains(m.Args, param) {
			panic(p.unknown(d, "a path with "+param))
		}
	}
	if p.structs[m.answer] == nil || !isName(name) || !knownCall.MatchString(m.Method+" "+m.Path) {
		panic(p.unknown(d, "an operation without an answer, a name, a path or a method: "+m.Method+" "+m.Path))
	}
	p.mend(m.Operation, templates)
	p.Operations = append(p.Operations, m.Operation)
}
