package call

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// tokenOperation is the token call: its answer is a secret and not printed.
var tokenOperation = generated.OperationGetAccessToken.ID

// operations returns the operations that can be called.
func operations(source specs.Source) ([]generated.Route, error) {
	all, err := source.Read()
	return slices.DeleteFunc(slices.Clone(all), func(r generated.Route) bool { return r.Operation.ID == tokenOperation }), err
}

// parameter is a parameter of the operation with its flag.
type parameter struct {
	generated.Field
	flag   string
	values []string
}

func (p *parameter) usage(l lang.Language) string {
	text := fmt.Sprintf("`%s`", strings.TrimSuffix(typeText(p.Field), "[]"))
	if p.Required {
		text += l.Sprintf(", required")
	}
	if p.List {
		text += l.Sprintf(", may be repeated")
	}
	if p.Description != "" {
		text += l.Sprintf(": %s", strings.ReplaceAll(l.Exact(p.Description), "`", ""))
	}
	return text
}

// forms are how values of types are written.
var forms = map[string]struct {
	form  *regexp.Regexp
	wants lang.Format
}{
	"integer": {regexp.MustCompile(`^-?[0-9]{1,20}$`), "--%s %s: give a whole number"},
	"number":  {regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`), "--%s %s: give a number"},
	"boolean": {regexp.MustCompile(`^(true|false)$`), "--%s %s: give true or false"},
}

func (p *parameter) check() error {
	switch {
	case p.Required && len(p.values) == 0:
		return explain.Usage("--%s is needed", p.flag)
	case !p.List && len(p.values) > 1:
		return explain.Usage("--%s is given twice", p.flag)
	}
	for _, value := range p.values {
		if of, is := forms[p.Type]; is && !of.form.MatchString(value) {
			return explain.Usage(of.wants, p.flag, term.Shown(value))
		}
	}
	return nil
}

// build makes the request from flags.
func build(w *term.World, route generated.Route, params []*parameter, body string) (dingtalk.Request, error) {
	r := dingtalk.NewRequest(route.Operation)
	for _, p := range params {
		if err := p.check(); err != nil {
			return r, err
		}
		switch {
		case len(p.values) == 0:
		case p.In == "":
			if err := addField(&r, p); err != nil {
				return r, err
			}
		case p.In == "path":
			r.SetPath(p.Name, p.values...)
		case p.In == "header":
			r.AddHeader(p.Name, p.values...)
		case p.Explode:
			for _, value := range p.values {
				r.AddQuery(p.Name, value)
			}
		default:
			r.AddQuery(p.Name, slices.Clone(p.values)...)
		}
	}
	if err := addBody(w, &r, route, body); err != nil {
		return r, err
	}
	if err := r.Err(); err != nil {
		return r, explain.Usage("%w", err)
	}
	return r, nil
}

// dryRun prints a request and sends nothing. The token's place is shown, without a token.
func dryRun(ctx context.Context, w *term.World, o *options, request dingtalk.Request) error {
	op, base := request.Operation, o.URL(w)
	if op.Server != "" {
		own := op.Region(base)
		if server, err := url.Parse(op.Server); own == "" && err == nil && base != string(dingtalk.International) && base != string(dingtalk.MainlandChina) {
			own = base + server.EscapedPath()
		}
		base = cmp.Or(own, op.Server)
	}
	if op.TokenQuery != "" {
		request.AddQuery(op.TokenQuery, "TOKEN")
	}
	var text strings.Builder
	client, err := generated.NewClient(base, printer{&text, op})
	if err != nil {
		return explain.Usage("%w", err)
	}
	answer, err := client.Send(ctx, request)
	if err != nil {
		return explain.Usage("%w", err)
	}
	answer.Body.Close()
	return w.Print(text.String())
}

// printer writes requests instead of sending them.
type printer struct {
	text *strings.Builder
	op   *generated.Operation
}

func (p printer) Do(req *http.Request) (*http.Response, error) {
	fmt.Fprintf(p.text, "%s %s\n", req.Method, req.URL)
	if !p.op.Public && p.op.TokenQuery == "" {
		fmt.Fprintf(p.text, "%s: TOKEN\n", generated.TokenHeader)
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		fmt.Fprintf(p.text, "%s: %s\n", name, term.Shown(strings.Join(req.Header[name], ", ")))
	}
	switch {
	case req.Body == nil:
	case p.op.Content != nil && p.op.Content.Type == formType:
		fmt.Fprintf(p.text, "\n(%d bytes)\n", req.ContentLength)
	default:
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(p.text, "\n%s\n", body)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
