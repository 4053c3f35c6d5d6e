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

// read reads a package's source. What it does not know is an error with its line: a statement that was passed over could be
// a field that is lost.
func read(name string, source []byte) (*Package, error) {
	p := &Package{Name: name, structs: map[string][]field{}, quirks: map[string]int{}, fset: token.NewFileSet()}
	file, err := parser.ParseFile(p.fset, name+"/client.go", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("%s", escape(err.Error()))
	}
	known, templates := map[string]bool{"Init": true, "GetEndpoint": true}, map[string]string{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			err = p.types(d)
		case *ast.FuncDecl:
			if d.Recv == nil || pointed(d.Recv.List[0].Type) != "Client" {
				continue
			}
			short, full := strings.CutSuffix(d.Name.Name, "WithOptions")
			if full {
				err = p.operation(short, d, templates)
			} else if !known[short] {
				err = p.unknown(d, "a method without one …WithOptions before it")
			}
			known[short] = true
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Package) types(d *ast.GenDecl) error {
	for _, s := range d.Specs {
		t, ok := s.(*ast.TypeSpec)
		if !ok && d.Tok == token.IMPORT || ok && t.Name.Name == "Client" {
			continue
		}
		var st *ast.StructType
		if ok {
			st, ok = t.Type.(*ast.StructType)
		}
		if !ok || !isName(t.Name.Name) {
			return p.unknown(s, "neither an import nor a struct")
		}
		all := []field{}
		for _, f := range st.Fields.List {
			if f.Tag == nil || len(f.Names) != 1 {
				return p.unknown(f, "a field without a tag or a name of its own")
			}
			tag, _ := strconv.Unquote(f.Tag.Value)
			wire, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			if !isName(wire) {
				return p.unknown(f, "the name "+wire)
			}
			doc := sections(f.Doc.Text())
			all = append(all, field{
				goName: f.Names[0].Name, wire: wire, typ: f.Type, text: doc[""], example: doc["example:"],
				required: doc["This parameter is required."] != "", deprecated: doc["Deprecated"] != "",
			})
		}
		p.structs[t.Name.Name] = all
	}
	return nil
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

func (p *Package) operation(name string, d *ast.FuncDecl, templates map[string]string) error {
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
		if !slices.ContainsFunc(forms, func(f form) bool { return f.is(m, s) }) {
			return p.unknown(s, "a statement of "+name)
		}
	}
	inPath := inBraces.FindAllString(m.Path, -1)
	for _, param := range inPath {
		if !slices.Contains(m.Args, param[1:len(param)-1]) {
			return p.unknown(d, "a path with "+param)
		}
	}
	if p.structs[m.answer] == nil || !isName(name) || !knownPath.MatchString(m.Path) || !slices.Contains(knownMethods, m.Method) {
		return p.unknown(d, "an operation without an answer, a name, a path or a method: "+m.Method+" "+m.Path)
	}
	p.mend(m.Operation, templates)
	p.Operations = append(p.Operations, m.Operation)
	return nil
}
