package call

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Lack is what a request lacks, or has in a wrong form.
type Lack struct {
	Field string         // of the body as in a.b[0], or a parameter; empty: the body as a whole
	Code  generated.Code // synthetic: made as those of the token call are, whose fields have codes such as MissingappKey
	Why   string         // what follows the code's message
}

func missing(name string) *Lack { return &Lack{name, generated.Code("Missing" + name), ""} }

func invalid(name, format string, args ...any) *Lack {
	return &Lack{name, generated.Code("Invalid" + name), " (" + name + " " + fmt.Sprintf(format, args...) + ")"}
}

// malformed is a value of a wrong type.
func malformed(name, format string, args ...any) *Lack {
	return &Lack{"", generated.CodeInvalidBody, " (" + cmp.Or(name, "the body") + " " + fmt.Sprintf(format, args...) + ")"}
}

// Lacks returns what the request lacks of what the contract says, or nil.
func (c *Call) Lacks() *Lack {
	query := c.Request.URL.Query()
	for _, p := range c.Route.Parameters {
		var values []string
		switch p.In {
		case "path":
			if i := c.Route.position(p.Name); i >= 0 {
				values = []string{c.Params[i]}
			}
		case "query":
			values = query[p.Name]
		case "header":
			values = c.Request.Header.Values(p.Name)
		}
		if p.List && !p.Explode {
			values = strings.Split(strings.Join(values, ","), ",")
		}
		if p.Required && (len(values) == 0 || values[0] == "") {
			return missing(p.Name)
		}
		for _, value := range values {
			if value != "" && !fits(value, p.Type) || p.JSON && !json.Valid([]byte(value)) {
				return invalid(p.Name, "is not of type %s", p.Type)
			}
		}
	}
	return c.lacksBody()
}

func fits(value, kind string) bool {
	var err error
	switch kind {
	case "integer":
		_, err = strconv.ParseInt(value, 10, 64)
		if err != nil {
			_, err = strconv.ParseUint(value, 10, 64)
		}
	case "number":
		_, err = strconv.ParseFloat(value, 64)
	case "boolean":
		_, err = strconv.ParseBool(value)
	}
	return err == nil
}

func (c *Call) lacksBody() *Lack {
	content := c.Route.Content
	switch {
	case c.Route.Body == generated.BodyNone:
		return nil
	case c.failed:
		return malformed("", "is too long, or ends early")
	case content != nil && content.Type == "form":
		return c.lacksForm()
	case len(c.Body) == 0 && c.Route.Body == generated.BodyOptional:
		return nil
	case len(c.Body) == 0 || !c.isJSON():
		return &Lack{"", generated.CodeMissingBody, ""}
	case !json.Valid(c.Body):
		return malformed("", "is not JSON")
	case content == nil:
		return nil
	case string(bytes.TrimSpace(c.Body)) == "null" && content.Type == "object":
		return lacks(content, json.RawMessage("{}"), "")
	}
	return lacks(content, c.Body, "")
}

// lacks compares JSON with a field, which is at a place in the body. null counts as absent.
func lacks(f *generated.Field, raw json.RawMessage, at string) *Lack {
	raw = bytes.TrimSpace(raw)
	if f.List {
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) != nil {
			return malformed(at, "is not a list")
		}
		if len(items) < f.MinItems || f.MaxItems > 0 && len(items) > f.MaxItems {
			return invalid(at, "has %d items", len(items))
		}
		item := *f
		item.List, item.Required = false, false
		for i := range items {
			if lack := lacks(&item, items[i], fmt.Sprintf("%s[%d]", at, i)); lack != nil {
				return lack
			}
		}
		return nil
	}
	switch f.Type {
	case "string":
		return lacksText(f, raw, at)
	case "object":
		return lacksFields(f, raw, at)
	case "integer", "number":
		n, ok := new(big.Rat).SetString(string(raw))
		if !ok || raw[0] == '"' || f.Type == "integer" && !n.IsInt() {
			return malformed(at, "is not a number of type %s", f.Type)
		}
		least, low := new(big.Rat).SetString(f.Minimum)
		most, high := new(big.Rat).SetString(f.Maximum)
		if low && n.Cmp(least) < 0 || high && n.Cmp(most) > 0 {
			return invalid(at, "is %s", raw)
		}
	case "boolean":
		if string(raw) != "true" && string(raw) != "false" {
			return malformed(at, "is not true or false")
		}
	}
	return nil
}

func lacksText(f *generated.Field, raw json.RawMessage, at string) *Lack {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return malformed(at, "is not a string")
	}
	switch n := utf8.RuneCountInString(text); {
	case n == 0 && f.Required:
		return missing(at)
	case n < f.MinLength || f.MaxLength > 0 && n > f.MaxLength:
		return invalid(at, "has %d characters", n)
	case f.JSON && !json.Valid([]byte(text)):
		return invalid(at, "is not JSON")
	case f.MaxBytes > 0 && len(text) > f.MaxBytes:
		lack := invalid(at, "has %d bytes", len(text))
		lack.Field += ".TooLong"
		return lack
	}
	return nil
}

func lacksFields(f *generated.Field, raw json.RawMessage, at string) *Lack {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return malformed(at, "is not an object")
	}
	for i := range f.Fields {
		inner := &f.Fields[i]
		place, value := strings.TrimPrefix(at+"."+inner.Name, "."), object[inner.Name]
		var lack *Lack
		switch {
		case inner.ReadOnly:
		case value != nil && string(value) != "null":
			lack = lacks(inner, value, place)
		case inner.Required && (value == nil || !inner.Nullable):
			lack = missing(place)
		}
		if lack != nil {
			return lack
		}
	}
	return nil
}

// lacksForm is lacksBody for multipart/form-data.
func (c *Call) lacksForm() *Lack {
	_, params, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return &Lack{"", generated.CodeMissingBody, ""}
	}
	form, err := multipart.NewReader(bytes.NewReader(c.Body), params["boundary"]).ReadForm(uploadLimit)
	if err != nil {
		return malformed("", "is not a form")
	}
	for _, f := range c.Route.Content.Fields {
		if f.Required && len(form.Value[f.Name])+len(form.File[f.Name]) == 0 || f.Type == "file" && len(form.Value[f.Name]) > 0 {
			return missing(f.Name)
		}
	}
	return nil
}

// isJSON reports whether the request's content type is JSON. What the service does without a content type is not known; the
// emulator takes the body for JSON then.
func (c *Call) isJSON() bool {
	contentType := c.Request.Header.Get("Content-Type")
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"))
}
