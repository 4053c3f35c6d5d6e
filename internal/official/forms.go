package official

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
)

// method is a method …WithOptions that is being read.
type method struct {
	p *Package
	*Operation
	shrunk []field // those that are text made of others, by the texts' names
}

// form is a statement that the methods have. A name of one capital letter stands for any expression: do gets what it says, and
// reports false for a statement of this form that says something unknown.
type form struct {
	text string
	do   func(m *method, said map[string]string) bool
	tree ast.Stmt
}

var forms = func() []form {
	all := []form{
		{text: `if !tea.BoolValue(util.IsUnset(request.F)) { query[W] = request.F }`, do: func(m *method, said map[string]string) bool { return m.use(&m.query, m.request, said) }},
		{text: `if !tea.BoolValue(util.IsUnset(request.F)) { body[W] = request.F }`, do: func(m *method, said map[string]string) bool { return m.use(&m.body, m.request, said) }},
		{text: `if !tea.BoolValue(util.IsUnset(headers.F)) { realHeaders[W] = util.ToJSONString(headers.F) }`, do: func(m *method, said map[string]string) bool {
			return said["W"] == tokenHeader || m.use(&m.header, m.Name+"Headers", said)
		}},
		{text: `if !tea.BoolValue(util.IsUnset(tmpReq.F)) { request.S = openapiutil.ArrayToStringWithSpecifiedStyle(tmpReq.F, tea.String(W), tea.String(Y)) }`, do: func(m *method, said map[string]string) bool {
			made, ok := m.p.field(m.request, said["F"])
			made.goName, made.style = said["S"], said["Y"]
			m.shrunk = append(m.shrunk, made)
			return ok && (made.style == "json" || made.style == "simple")
		}},
		{text: `params := &openapi.Params{Action: tea.String(A), Version: tea.String(V), Protocol: tea.String("HTTP"), Pathname: tea.String(P),
			Method: tea.String(M), AuthType: tea.String(T), Style: tea.String("ROA"), ReqBodyType: tea.String(R), BodyType: tea.String(B)}`, do: func(m *method, said map[string]string) bool {
			m.Path, m.Method, m.public = said["P"], said["M"], said["T"] == "Anonymous"
			return m.public || said["T"] == "AK"
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
			all = append(all, form{text: `req := &openapi.OpenApiRequest{Headers: H` + query + body + `}`, do: func(m *method, _ map[string]string) bool {
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

func (f form) is(m *method, s ast.Stmt) bool {
	said := map[string]string{}
	return match(reflect.ValueOf(f.tree), reflect.ValueOf(s), said) && (f.do == nil || f.do(m, said))
}

// use adds a field of a struct to what is sent, by its name on the wire.
func (m *method) use(to *[]field, of string, said map[string]string) bool {
	made, ok := m.p.field(of, said["F"])
	if i := slices.IndexFunc(m.shrunk, func(f field) bool { return f.goName == said["F"] }); i >= 0 {
		made, ok = m.shrunk[i], true
	}
	made.wire = said["W"]
	ok = ok && isName(made.wire) && !slices.ContainsFunc(*to, func(before field) bool { return before.wire == made.wire })
	*to = append(*to, made)
	return ok
}

// match compares trees without their positions.
func match(form, tree reflect.Value, said map[string]string) bool {
	if id, ok := form.Interface().(*ast.Ident); ok && len(id.Name) == 1 && id.IsExported() {
		n, ok := tree.Interface().(ast.Expr)
		before, again := said[id.Name]
		said[id.Name] = word(n)
		return ok && (!again || before == said[id.Name])
	}
	same := form.Kind() == tree.Kind()
	switch {
	case !same:
	case form.Kind() == reflect.Interface, form.Kind() == reflect.Pointer:
		if form.IsNil() || tree.IsNil() {
			return form.IsNil() == tree.IsNil()
		}
		return form.Elem().Type() == tree.Elem().Type() && match(form.Elem(), tree.Elem(), said)
	case form.Kind() == reflect.Slice:
		same = form.Len() == tree.Len()
		for i := 0; same && i < form.Len(); i++ {
			same = match(form.Index(i), tree.Index(i), said)
		}
	case form.Kind() == reflect.Struct:
		for i := 0; same && i < form.NumField(); i++ {
			same = form.Field(i).Type() == reflect.TypeFor[token.Pos]() || match(form.Field(i), tree.Field(i), said)
		}
	default:
		return form.Equal(tree)
	}
	return same
}
