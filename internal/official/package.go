package official

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// Package reads a package. What it does not know is an error with its line.
func (s *SDK) Package(name string) (p *Package, err error) {
	p = &Package{Name: name, Version: s.Version, structs: map[string][]field{}, paths: map[string]*Operation{}, quirks: map[string]int{}}
	fset := token.NewFileSet()
	defer func() {
		if found := recover(); found != nil {
			what, _ := found.(string) // or else a part is not there
			const form = "%s: %s: the importer does not know this form; --sdk %s is a version that it knows"
			place := cmp.Or(strings.Trim(fset.Position(p.at).String(), "-"), name)
			p, err = nil, fmt.Errorf(form, Escape(place), Escape(cmp.Or(what, "a part is missing")), Version)
		}
	}()
	all, _ := fs.Glob(s.Root.FS(), name+"/*.go") // the pattern is one
	must(len(all) == 1 && isName(name), "it is no package of one file")
	if p.source, err = s.Root.ReadFile(all[0]); err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(fset, all[0], p.source, parser.ParseComments|parser.SkipObjectResolution)
	must(err == nil, fmt.Sprint(err))
	known := []string{"Init", "GetEndpoint"}
	for _, d := range file.Decls {
		p.at = d.Pos()
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if p.at = s.Pos(); d.Tok != token.IMPORT {
					p.declared(s.(*ast.TypeSpec))
				}
			}
		case *ast.FuncDecl:
			if short, full := strings.CutSuffix(d.Name.Name, "WithOptions"); d.Recv != nil && types.ExprString(d.Recv.List[0].Type) == "*Client" {
				must(full || slices.Contains(known, short), "a method without one …WithOptions before it")
				if known = append(known, short); full {
					p.operation(short, d)
				}
			}
		}
	}
	return p, nil
}

// declared reads a struct.
func (p *Package) declared(t *ast.TypeSpec) {
	fields := []field{}
	for _, f := range t.Type.(*ast.StructType).Fields.List {
		if p.at = f.Pos(); t.Name.Name == "Client" {
			return
		}
		typ, doc := types.ExprString(f.Type), sections(f.Doc.Text())
		wire, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		must(isName(t.Name.Name) && isName(wire) && len(f.Names) == 1 && t.TypeParams == nil, "the name "+wire)
		fields = append(fields, field{
			Name: f.Names[0].Name, Wire: wire, Schema: p.schema(typ), Of: typ[strings.LastIndexAny(typ, "*]")+1:], Text: doc[""],
			Example: doc["example:"], Required: doc["This parameter is required."] != "", Deprecated: doc["Deprecated"] != "",
		})
	}
	p.structs[t.Name.Name] = fields
}

// schema is the schema of a type.
func (p *Package) schema(typ string) string {
	typ = strings.TrimLeft(typ, "*")
	if schema, known := scalars[typ]; known {
		if typ == oddText {
			p.quirks["a field is an io.Reader"]++
		}
		return schema
	} else if item, ok := strings.CutPrefix(typ, "[]"); ok {
		return "type: array, items: {" + p.schema(item) + "}"
	} else if value, ok := strings.CutPrefix(typ, "map[string]"); ok {
		return "type: object, additionalProperties: {" + p.schema(value) + "}"
	}
	must(ast.IsExported(typ) && isName(typ), "the type "+typ)
	return `$ref: "#/components/schemas/` + typ + `"`
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

// operation reads a method, and then writes what it read as the SDK writes methods: if it is the same, nothing was passed over.
func (p *Package) operation(name string, d *ast.FuncDecl) {
	about, _, _ := strings.Cut(d.Doc.Text(), "\n@")
	o, texts := &Operation{Name: name, Summary: sections(about)["Summary:"]}, [][]string{}
	said, fields := map[string]string{}, map[string]field{} // types of arguments and literals, and fields by expressions
	for _, arg := range slices.Concat(d.Type.Params.List, d.Type.Results.List) {
		arg, typ := arg.Names[0].Name, types.ExprString(arg.Type)
		if said[arg] = typ; typ == "*string" {
			o.Args = append(o.Args, arg)
		}
		for _, f := range p.structs[typ[1:]] {
			fields[arg+"."+f.Name], fields[strings.Replace(arg, "tmpReq", "request", 1)+"."+f.Name] = f, f
		}
	}
	sent := map[string]*[]field{"query": &o.Query, "body": &o.Body, "realHeaders": &o.Header}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			said[types.ExprString(n.Key)] = words(n.Value)[0]
		case *ast.AssignStmt:
			p.at = n.Pos()
			from, to := words(n.Rhs[0]), words(n.Lhs[0])
			switch n.Lhs[0].(type) {
			case *ast.SelectorExpr: // a field becomes a text
				text := fields[from[0]]
				if text.Commas = from[2] == "simple"; !text.Commas {
					text.Schema, text.Of = "type: string, x-json-string: {}", ""
				}
				must(text.Commas || from[2] == "json", "the style "+from[2])
				fields[to[0]], texts = text, append(texts, append(from, to...))
			case *ast.IndexExpr: // a field is sent
				f, list := fields[from[0]], sent[to[0]]
				must(f.Name != "" && isName(to[1]), "the field "+from[0])
				must(!slices.ContainsFunc(*list, func(other field) bool { return other.Wire == to[1] }), "a name twice")
				f.Name, f.Wire = from[0], to[1]
				*list = append(*list, f)
			}
		}
		return true
	})
	o.Method, o.Path, o.Sent, o.Answer = said["Method"], said["Pathname"], fields[said["Body"]], fields["_result.Body"]
	o.Public = said["AuthType"] == "Anonymous"
	p.same(map[string]any{"Operation": o, "Texts": texts, "Said": said}, d.Body)
	o.Header = slices.DeleteFunc(o.Header, func(f field) bool { return f.Wire == tokenHeader })
	if o.Answer.Wire = ""; len(o.Body) > 0 {
		p.structs[name+"Request"] = o.Body
		o.Sent = field{Name: "body", Schema: p.schema(name + "Request"), Of: name + "Request"}
	}
	p.at = d.Pos()
	known := isName(name) && p.structs[said["_result"][1:]] != nil && knownCall.MatchString(o.Method+" "+o.Path)
	must(known, "a name, a result, a method or a path: "+name+" "+said["_result"]+" "+o.Method+" "+o.Path)
	for _, param := range inBraces.FindAllStringSubmatch(o.Path, -1) {
		must(slices.Contains(o.Args, param[1]), "a path with "+param[1])
		o.InPath = append(o.InPath, param[1])
	}
	p.mend(o)
	p.Operations = append(p.Operations, o)
}

//go:embed method.tmpl contract.tmpl
var templateFiles embed.FS

var templates = template.Must(template.New("").Delims("<<", ">>").Funcs(template.FuncMap{
	"quote": strconv.Quote, "text": text, "lower": strings.ToLower, "path": func(path string) string {
		return strings.TrimSuffix(inBraces.ReplaceAllString(strconv.Quote(path), `" + tea.StringValue($1) + "`), ` + ""`)
	},
}).ParseFS(templateFiles, "*.tmpl"))

// same compares a method with what was read of it, line by line.
func (p *Package) same(read any, body *ast.BlockStmt) {
	var text strings.Builder
	must(templates.ExecuteTemplate(&text, "method.tmpl", read) == nil, "a method")
	want := strings.FieldsFunc(text.String(), func(r rune) bool { return r == '\n' })
	p.at = body.Pos()
	for line := range bytes.Lines(p.source[body.Pos()-1 : body.End()-1]) {
		if said := strings.Join(strings.Fields(string(line)), " "); said != "" {
			must(said == want[0], said)
			want = want[1:]
		}
		p.at += token.Pos(len(line))
	}
	must(len(want) == 0, "the end of a method")
}

// words are what an expression says: a name, such as request.At, or a text; of a call, what it is given.
func words(e ast.Expr) (all []string) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return []string{text}
	case *ast.IndexExpr:
		return append(words(e.X), words(e.Index)...)
	case *ast.BinaryExpr: // a path
		return []string{strings.Join(append(words(e.X), words(e.Y)...), "")}
	case *ast.CallExpr:
		if types.ExprString(e.Fun) == "tea.StringValue" {
			return []string{"{" + types.ExprString(e.Args[0]) + "}"}
		}
		for _, arg := range e.Args {
			all = append(all, words(arg)...)
		}
		return all
	}
	return []string{types.ExprString(e)}
}

// Contract is the OpenAPI contract of operations of the package, in YAML.
func (p *Package) Contract(operations []*Operation) ([]byte, error) {
	paths, sent, answers := map[string][]*Operation{}, []field{}, []field{}
	for _, o := range operations {
		paths[o.Path] = append(paths[o.Path], o)
		sent, answers = append(append(sent, o.Query...), o.Sent), append(answers, o.Answer)
	}
	answered, components := p.reach(answers), p.reach(sent)
	maps.Copy(components, answered)
	var made bytes.Buffer
	err := templates.ExecuteTemplate(&made, "contract.tmpl", map[string]any{
		"Package": p, "Module": Module, "TokenHeader": tokenHeader, "Paths": paths, "Components": components, "Answered": answered,
		"Tag": strings.Split(p.Name, "_")[0], // names other languages' classes: RobotApi
	})
	return made.Bytes(), err
}

// reach are the structs that fields name, and those that these name.
func (p *Package) reach(fields []field) map[string][]field {
	reached := map[string][]field{}
	for i := 0; i < len(fields); i++ {
		name := fields[i].Of
		if more, known := p.structs[name]; known && reached[name] == nil {
			reached[name], fields = more, append(fields, more...)
		}
	}
	return reached
}
