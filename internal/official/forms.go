package official

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// method is a method …WithOptions that is being read.
type method struct {
	p *Package
	*Operation
	shrunk map[string]field // fields that are text made of others, by the texts' names
}

// form is a statement that the methods have. A name of one capital letter stands for any expression. do reports false for a
// statement of this form that says something unknown.
type form struct {
	text string
	do   func(*method, found) bool
	tree ast.Stmt
}

// found is what the capital letters of a form stood for.
type found map[string]ast.Node

func (f found) word(letter string) string { return word(f[letter]) }

// word is an identifier's name or a literal's text, and empty for anything else.
func word(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Ident:
		return n.Name
	case *ast.BasicLit:
		s, _ := strconv.Unquote(n.Value)
		return s
	}
	return ""
}

var forms = func() []form {
	all := []form{
		{text: `if !tea.BoolValue(util.IsUnset(request.F)) { query[W] = request.F }`, do: func(m *method, f found) bool { return m.use(&m.query, m.request, f) }},
		{text: `if !tea.BoolValue(util.IsUnset(request.F)) { body[W] = request.F }`, do: func(m *method, f found) bool { return m.use(&m.body, m.request, f) }},
		{text: `if !tea.BoolValue(util.IsUnset(headers.F)) { realHeaders[W] = util.ToJSONString(headers.F) }`, do: func(m *method, f found) bool {
			return f.word("W") == tokenHeader || m.use(&m.header, m.Name+"Headers", f)
		}},
		{text: `if !tea.BoolValue(util.IsUnset(tmpReq.F)) { request.S = openapiutil.ArrayToStringWithSpecifiedStyle(tmpReq.F, tea.String(W), tea.String(Y)) }`, do: func(m *method, f found) bool {
			made, ok := m.p.field(m.request, f.word("F"))
			made.style = f.word("Y")
			m.shrunk[f.word("S")] = made
			return ok && (made.style == "json" || made.style == "simple")
		}},
		{text: `params := &openapi.Params{Action: tea.String(A), Version: tea.String(V), Protocol: tea.String("HTTP"), Pathname: tea.String(P),
			Method: tea.String(M), AuthType: tea.String(T), Style: tea.String("ROA"), ReqBodyType: tea.String(R), BodyType: tea.String(B)}`, do: func(m *method, f found) bool {
			m.Path, m.Method, m.public = pathOf(f["P"]), f.word("M"), f.word("T") == "Anonymous"
			return m.public || f.word("T") == "AK"
		}},
	}
	for _, text := range []string{
		`_err = util.ValidateModel(R)`, `if _err != nil { return _result, _err }`, `request := &R{}`, `openapiutil.Convert(tmpReq, request)`,
		`query := map[string]interface{}{}`, `body := map[string]interface{}{}`, `realHeaders := make(map[string]*string)`,
		`if !tea.BoolValue(util.IsUnset(headers.CommonHeaders)) { realHeaders = headers.CommonHeaders }`, `_result = &R{}`,
		`_body, _err := client.Execute(params, req, runtime)`, `_err = tea.Convert(_body, &_result)`, `return _result, _err`,
	} {
		all = append(all, form{text: text})
	}
	for _, query := range []string{"", ", Query: openapiutil.Query(query)"} {
		for _, body := range []string{"", ", Body: openapiutil.ParseToMap(body)", ", Body: request.Body", ", Body: util.ToArray(request.Body)"} {
			all = append(all, form{text: `req := &openapi.OpenApiRequest{Headers: H` + query + body + `}`, do: func(m *method, _ found) bool {
				m.whole = strings.Contains(body, "request.Body")
				return (query != "" || len(m.query) == 0) && (strings.Contains(body, "(body)") || len(m.body) == 0)
			}})
		}
	}
	for i, f := range all {
		parsed, err := parser.ParseExpr("func() {" + f.text + "}")
		if err != nil {
			panic(err)
		}
		all[i].tree = parsed.(*ast.FuncLit).Body.List[0]
	}
	return all
}()

func (m *method) statement(s ast.Stmt) error {
	for _, form := range forms {
		f := found{}
		if match(reflect.ValueOf(form.tree), reflect.ValueOf(s), f) && (form.do == nil || form.do(m, f)) {
			return nil
		}
	}
	return m.p.unknown(s, "a statement of "+m.Name)
}

// use adds a field of a struct to what is sent, by its name on the wire.
func (m *method) use(to *[]field, of string, f found) bool {
	made, ok := m.shrunk[f.word("F")]
	if !ok {
		made, ok = m.p.field(of, f.word("F"))
	}
	made.wire = f.word("W")
	ok = ok && isName(made.wire) && !slices.ContainsFunc(*to, func(before field) bool { return before.wire == made.wire })
	*to = append(*to, made)
	return ok
}

// pathOf is a path, made of texts and of tea.StringValue(name).
func pathOf(e ast.Node) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return pathOf(e.X) + pathOf(e.Y)
	case *ast.CallExpr:
		return "{" + word(e.Args[0]) + "}"
	}
	return word(e)
}

// match compares trees without their positions.
func match(form, tree reflect.Value, f found) bool {
	if id, ok := form.Interface().(*ast.Ident); ok && len(id.Name) == 1 && id.IsExported() {
		node, ok := tree.Interface().(ast.Node)
		before, again := f[id.Name]
		f[id.Name] = node
		return ok && (!again || word(before) == word(node))
	}
	switch {
	case form.Kind() != tree.Kind():
		return false
	case form.Kind() == reflect.Interface, form.Kind() == reflect.Pointer:
		if form.IsNil() || tree.IsNil() {
			return form.IsNil() == tree.IsNil()
		}
		return form.Elem().Type() == tree.Elem().Type() && match(form.Elem(), tree.Elem(), f)
	case form.Kind() == reflect.Slice:
		same := form.Len() == tree.Len()
		for i := 0; same && i < form.Len(); i++ {
			same = match(form.Index(i), tree.Index(i), f)
		}
		return same
	case form.Kind() == reflect.Struct:
		same := true
		for i := 0; same && i < form.NumField(); i++ {
			same = form.Field(i).Type() == reflect.TypeFor[token.Pos]() || match(form.Field(i), tree.Field(i), f)
		}
		return same
	}
	return form.Equal(tree)
}
