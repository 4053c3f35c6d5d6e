package contract

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// read reads everything but the types.
func (c *Contract) read() {
	at := []string{"components", "schemas", "ApiError", "x-error-codes"}
	apiError := obj(obj(obj(c.tree["components"])["schemas"])["ApiError"])
	c.Codes = c.codes(apiError["x-error-codes"], at, nil)
	c.Kinds = list(apiError["x-error-kinds"])
	c.Limits = obj(c.tree["x-limits"])
	c.tokens()
	ids := map[string]string{} // names of operations in Go, without their case → the operation
	for _, path := range keys(obj(c.tree["paths"])) {
		item := obj(obj(c.tree["paths"])[path])
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			if item[method] == nil {
				continue
			}
			o := Operation{tree: obj(item[method]), item: item, types: object{}, at: []string{"paths", path, method}}
			o.Operation = &generated.Operation{ID: str(o.tree["operationId"]), Method: strings.ToUpper(method), Path: path}
			folded := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(o.ID))
			if other, taken := ids[folded]; taken {
				c.refuse(under(o.at, "operationId"), "the operations %s and %s have one name in Go: give one of them another operationId", other, o.ID)
			}
			ids[folded] = o.ID
			c.operation(&o)
			c.Operations = append(c.Operations, o)
		}
	}
	if len(c.Operations) == 0 {
		c.refuse([]string{"paths"}, "the contract has no operation")
	}
	slices.SortFunc(c.Operations, func(a, b Operation) int { return cmp.Compare(a.ID, b.ID) })
}

func (c *Contract) operation(o *Operation) {
	r, t := o.Operation, o.tree
	o.Summary, o.Description, o.Deprecated = oneLine(str(t["summary"])), str(t["description"]), is(t["deprecated"])
	r.Permission, r.Docs = str(t["x-permission"]), oneLine(str(obj(t["externalDocs"])["url"]))
	if repeat := str(t["x-repeat"]); repeat == "safe" || repeat == "" && r.Method == http.MethodGet {
		r.Repeat = generated.RepeatSafe
	}
	for _, step := range []func(*Operation){c.security, c.server, c.parameters, c.body, c.success, c.paging} {
		step(o)
	}
	r.Codes = c.codes(t["x-error-codes"], under(o.at, "x-error-codes"), c.Codes)
}

// tokens finds the place of the access token: one header, or an operation's query.
func (c *Contract) tokens() {
	c.queryTokens = map[string]string{}
	schemes := obj(obj(c.tree["components"])["securitySchemes"])
	for _, name := range keys(schemes) {
		scheme := obj(schemes[name])
		switch header := str(scheme["name"]); {
		case scheme["in"] == "query":
			c.queryTokens[name] = header
		case c.TokenHeader != "" && c.TokenHeader != header:
			c.refuse([]string{"components", "securitySchemes", name}, "the access token has one header, and that is %s", c.TokenHeader)
		default:
			c.TokenHeader = header
		}
	}
}

// security decides on an operation's token. A contract that says nothing of it sends the token.
func (c *Contract) security(o *Operation) {
	said, has := o.tree["security"]
	if !has {
		said, has = c.tree["security"]
	}
	o.Public = has && len(list(said)) == 0
	for _, requirement := range list(said) {
		for scheme := range obj(requirement) {
			if o.TokenQuery = c.queryTokens[scheme]; o.TokenQuery == "" {
				break
			}
		}
	}
	if o.Public && o.Permission != "" {
		c.refuse(under(o.at, "x-permission"), "an operation that is sent without a token has no permission: leave out x-permission, or security: []")
	}
}

// server finds an operation's own base URL, or one for each server of the contract.
func (c *Contract) server(o *Operation) {
	servers, place := list(o.item["servers"]), under(o.at[:2], "servers")
	if own, has := o.tree["servers"]; has {
		servers, place = list(own), under(o.at, "servers")
	}
	all := list(c.tree["servers"])
	if len(servers) > 1 && len(servers) != len(all) {
		c.refuse(place, "an operation has one server of its own at most, or one for each of the contract's")
	}
	for i, server := range servers {
		own := strings.TrimRight(str(obj(server)["url"]), "/")
		o.Server = cmp.Or(o.Server, own)
		_, first, _ := strings.Cut(strings.TrimPrefix(o.Server, "https://"), "/")
		if _, path, _ := strings.Cut(strings.TrimPrefix(own, "https://"), "/"); path != first {
			c.refuse(place, "the servers of an operation have one path")
		}
		if len(servers) > 1 {
			o.Regions = append(o.Regions, generated.Pair{Name: strings.TrimRight(str(obj(all[i])["url"]), "/"), Value: own})
		}
	}
}

// success finds an operation's only success, and the fields that tell it from a failure.
func (c *Contract) success(o *Operation) {
	at, responses := under(o.at, "responses"), obj(o.tree["responses"])
	for _, status := range keys(responses) {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		if o.Status != 0 {
			c.refuse(under(at, status), "an operation has one answer that is a success, here are two: leave one out, or call it with client.Do")
		}
		o.Status, _ = strconv.Atoi(status) // see subset.yaml
	}
	status := strconv.Itoa(o.Status)
	media := obj(obj(obj(responses[status])["content"])["application/json"])
	if o.Empty = media == nil; o.Empty {
		c.successFields(o)
		return
	}
	o.answer = obj(media["schema"])
	o.types["answer"] = o.answer
	properties, required := c.fields(o.answer)
	for _, name := range required {
		if property, has := properties[name]; has && !c.flag(property, "nullable") && !c.flag(property, "writeOnly") && !slices.Contains(o.Required, name) {
			o.Required = append(o.Required, name)
		}
	}
	for _, name := range []string{"code", "punish"} {
		if slices.ContainsFunc(keys(properties), func(field string) bool { return strings.EqualFold(field, name) }) {
			o.OwnFields = append(o.OwnFields, name)
		}
	}
	c.successFields(o)
	c.example(o, media, under(at, status))
}

// successFields reads the fields that tell a success from an error of the same status and schema.
func (c *Contract) successFields(o *Operation) {
	said := o.tree["x-success"]
	values := obj(said)
	for _, name := range append(keys(values), texts(said)...) {
		value, is := values[name]
		text, kind := strings.Trim(jsonText(value), `"`), c.kind(c.field(o.answer, name))
		switch {
		case c.field(o.answer, name) == nil:
			c.refuse(under(o.at, "x-success"), "%s is no field of the answer", name)
		case is && (kind == "boolean" && text != "true" && text != "false" || (kind == "integer" || kind == "number") && !number.MatchString(text)):
			c.refuse(under(o.at, "x-success", name), "%s is of type %s, and never %s: write a value that it has", name, kind, text)
		case is:
			o.Success = append(o.Success, generated.Pair{Name: name, Value: text})
		case !slices.Contains(o.Required, name):
			o.Required = append(o.Required, name)
		}
	}
}

// paging reads x-paging, and checks it against the operation.
func (c *Contract) paging(o *Operation) {
	said := obj(o.tree["x-paging"])
	if said == nil {
		return
	}
	at := under(o.at, "x-paging")
	p := &generated.Paging{In: str(said["in"]), Size: str(said["size"]), Out: str(said["out"]), More: str(said["more"]), Items: str(said["items"])}
	for _, count := range []string{"page", "offset"} {
		if said[count] != nil {
			p.In, p.Count = str(said[count]), count
		}
	}
	for _, f := range []struct{ key, name string }{{cmp.Or(p.Count, "in"), p.In}, {"size", p.Size}} {
		in, query := c.input(o, f.name)
		switch kind := c.kind(in); {
		case f.name == "":
			continue
		case kind != "string" && kind != "integer" || c.resolve(in)["enum"] != nil:
			c.refuse(under(at, f.key), "%s is neither a query parameter nor a field of the body that is a string or an integer", f.name)
		case f.name == p.In:
			p.Query, p.Text = query, kind == "string"
		case query != p.Query:
			c.refuse(under(at, f.key), "%s and %s are not both in the query or both in the body", f.name, p.In)
		}
	}
	for _, f := range []struct {
		key, name string
		kinds     []string
	}{{"out", p.Out, []string{"string", "integer"}}, {"more", p.More, []string{"boolean"}}, {"items", p.Items, []string{"array"}}} {
		if f.name == "" {
			continue
		}
		property := c.field(o.answer, f.name)
		if property == nil {
			c.refuse(under(at, f.key), "%s is no field of the answer%s", f.name, c.deeper(o.answer, f.name))
		}
		if !slices.Contains(f.kinds, c.kind(property)) {
			c.refuse(under(at, f.key), "%s is not of type %s", f.name, strings.Join(f.kinds, " or "))
		}
	}
	o.Paging = p
}

// deeper says where a field is that was looked for at the top of an answer.
func (c *Contract) deeper(answer any, name string) string {
	properties, _ := c.fields(answer)
	for _, outer := range keys(properties) {
		if c.field(properties[outer], name) != nil {
			return ": write " + outer + "." + name
		}
	}
	return "; one of an object is object.field"
}

// input finds what a request takes by name: a parameter of the query, or a field of the body.
func (c *Contract) input(o *Operation, name string) (schema any, query bool) {
	if i := slices.IndexFunc(o.Parameters, func(p generated.Field) bool { return p.In == "query" && p.Name == name }); i >= 0 {
		return o.specs[i]["schema"], true
	}
	return c.field(o.body, name), false
}

// codes returns the rows of a list. Codes, names and aliases are unique within a list; a row of an operation may replace
// the common row of its code.
func (c *Contract) codes(rows any, at []string, common []generated.ErrorCode) (all []generated.ErrorCode) {
	names := map[string]string{} // of the common constants → their code
	for _, e := range common {
		names[e.Name] = string(e.Code)
	}
	seen := map[string]string{} // folded code or alias, or "name "+name → the row that has it
	for i, item := range list(rows) {
		row, place := obj(item), under(at, strconv.Itoa(i))
		e := generated.ErrorCode{Rule: generated.Rule{
			Code: generated.Code(str(row["code"])), Aliases: texts(row["aliases"]), Kind: generated.Kind(str(row["kind"])), Retry: is(row["retry"]),
			Wait: time.Duration(count(row["waitSeconds"])) * time.Second, Token: generated.TokenEffect(str(row["token"])),
		}, Name: str(row["name"]), Status: count(row["status"]), Description: str(row["description"]), Message: str(row["message"]), Observed: is(row["observed"])}
		if code, taken := names[e.Name]; taken && code != string(e.Code) {
			c.refuse(place, "row %s: the name %s is taken by %s", e.Code, e.Name, code)
		}
		for _, key := range append([]string{string(e.Code), "name " + e.Name}, e.Aliases...) {
			folded := strings.ToLower(key)
			if other, dup := seen[folded]; dup {
				c.refuse(place, "row %s: %q is taken by %s", e.Code, key, other)
			}
			seen[folded] = string(e.Code)
		}
		all = append(all, e)
		if chinese := str(row["descriptionZh"]); chinese != "" && !slices.ContainsFunc(c.Translated, func(t Translation) bool { return t.Text == e.Description }) {
			c.Translated = append(c.Translated, Translation{e.Description, chinese})
		}
	}
	return all
}

// Kinds and TokenEffects are the values of a row's fields, in the order of the generated constants.
var (
	Kinds        = rowValues("kind")
	TokenEffects = rowValues("token")
)

func rowValues(field string) []string {
	_, said := subset()
	row := obj(obj(obj(said["$defs"])["codes"])["items"])
	return texts(obj(obj(row["properties"])[field])["enum"])
}
