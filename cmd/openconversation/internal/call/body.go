package call

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func addBody(w *term.World, r *dingtalk.Request, route generated.Route, body string) error {
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
		var err error
		if file == "-" {
			raw, err = io.ReadAll(w.In)
		} else {
			raw, err = os.ReadFile(file)
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
	w.Note("--body: read as %s", lang.Quoted(name))
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

// flatten lists the fields of an object and those within it, as object.field and list[].field.
func flatten(fields []generated.Field, within string) (all []generated.Field) {
	for _, f := range fields {
		inner := f.Fields
		f.Name, f.Fields = within+f.Name, nil
		at := f.Name + "."
		if f.List {
			at = f.Name + "[]."
		}
		all = append(append(all, f), flatten(inner, at)...)
	}
	return all
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

// bodyHelp lists the fields of an operation's body.
func bodyHelp(l lang.Language, route generated.Route) string {
	if route.Content == nil || route.Content.Type == formType || len(route.Content.Fields) == 0 {
		return ""
	}
	var rows [][]string
	for _, f := range flatten(route.Content.Fields, "") {
		if f.ReadOnly {
			continue
		}
		required := ""
		if f.Required {
			required = l.Sprintf("required")
		}
		row := []string{"  " + term.Shown(f.Name), term.Shown(typeText(f)), required}
		if f.Example != "" {
			row = append(row, term.Shown(f.Example))
		}
		rows = append(rows, row)
	}
	return "\n\n" + l.Sprintf("The body's fields, with examples:") + "\n" + strings.TrimRight(term.Columns(rows), "\n")
}
