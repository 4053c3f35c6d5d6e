package call

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
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

// options are the flags of every operation.
type options struct {
	connect.Flags
	body    string
	json    bool
	yes     bool
	dry     bool
	timeout time.Duration
}

// build makes the request from flags.
func build(ctx context.Context, w *term.World, route generated.Route, params []*parameter, body string) (dingtalk.Request, error) {
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
	if err := addBody(ctx, w, &r, route, body); err != nil {
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

// maxBody bounds what is read of a body, in bytes: far above what an operation takes.
const maxBody = 16 << 20

func addBody(ctx context.Context, w *term.World, r *dingtalk.Request, route generated.Route, body string) error {
	switch {
	case route.Content != nil && route.Content.Type == formType && body != "":
		return explain.Usage("--body: the operation takes its fields as flags of their own")
	case route.Content != nil && route.Content.Type == formType:
		return nil
	case body == "" && route.Body == generated.BodyRequired:
		return explain.Usage("--body is needed")
	case body == "":
		return nil
	case route.Body == generated.BodyNone:
		return explain.Usage("--body: the operation has none")
	}
	raw := []byte(body)
	file, isFile := strings.CutPrefix(body, "@")
	if isFile {
		in := w.In
		if file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return explain.Usage("%s: %w", "--body", err)
			}
			defer func() { _ = opened.Close() }() // it was only read
			in = opened
		}
		var err error
		raw, err = io.ReadAll(io.LimitReader(term.UntilDone(ctx, in), maxBody+1))
		switch {
		case ctx.Err() != nil: // a signal
			return context.Cause(ctx)
		case err == nil && len(raw) > maxBody:
			err = lang.Errorf("the file is longer than %d bytes", maxBody)
		}
		if err != nil {
			return explain.Usage("%s: %w", "--body", err)
		}
	}
	raw, err := text(w, raw, isFile)
	if err != nil {
		return err
	}
	if !json.Valid(raw) {
		if !isFile {
			return explain.UsageHint("PowerShell takes the quotes of an argument away: give the body in a file, --body @FILE", "--body: it is not JSON")
		}
		return explain.Usage("--body: it is not JSON")
	}
	r.SetBody(json.RawMessage(raw))
	return nil
}

// text returns a body as UTF-8. Files may be UTF-16, or GBK, which Windows writes; what was not UTF-8 is said.
func text(w *term.World, raw []byte, isFile bool) ([]byte, error) {
	codec, name := simplifiedchinese.GB18030, "GBK"
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), len(raw) > 1 && raw[1] == 0:
		codec, name = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "UTF-16"
	case bytes.HasPrefix(raw, []byte("\xfe\xff")), len(raw) > 1 && raw[0] == 0:
		codec, name = unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "UTF-16"
	case utf8.Valid(raw):
		return bytes.TrimPrefix(raw, []byte("\ufeff")), nil
	}
	made, err := codec.NewDecoder().Bytes(raw)
	if err != nil || bytes.ContainsRune(made, utf8.RuneError) || !isFile {
		return nil, explain.Usage("--body: it is neither UTF-8 nor UTF-16 nor GBK: save it as UTF-8")
	}
	w.Note("--body: read as %s", lang.Literal(name))
	return bytes.TrimPrefix(made, []byte("\ufeff")), nil
}

// formType is the type of a body of multipart/form-data, and fileType that of its files.
const formType, fileType = "form", "file"

// addField adds a field of a form. A file is read from its path while it is sent.
func addField(r *dingtalk.Request, p *parameter) error {
	if p.Type != fileType {
		r.AddField(p.Name, p.values[0])
		return nil
	}
	file, err := os.Open(p.values[0]) // the process ends with the call
	if err != nil {
		return explain.Usage("--%s: %w", p.flag, err)
	}
	name := filepath.Base(p.values[0])
	r.AddFile(p.Name, generated.File{Name: name, MediaType: mime.TypeByExtension(filepath.Ext(name)), Content: file})
	return nil
}

// typeText is a field's type, such as string[].
func typeText(f generated.Field) string {
	name := f.Type
	switch {
	case f.JSON:
		name = "JSON"
	case name == "":
		name = "any"
	}
	if f.List {
		name += "[]"
	}
	return name
}
