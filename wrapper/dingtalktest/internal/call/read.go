package call

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Decode reads the request's body, or returns the code of what the request lacks or has in a wrong form.
func (c *Call) Decode(into any) generated.Code {
	if code := c.Lacks(); code != "" {
		return code
	}
	body, err := c.body()
	if err != nil || json.Unmarshal(body, into) != nil {
		return generated.CodeInvalidBody
	}
	return ""
}

// Lacks is the code of what the request lacks or has in a wrong form; it is empty if the request has what the contract says.
// The codes are synthetic: they are made as those of the token call are, whose fields have codes such as MissingappKey.
func (c *Call) Lacks() generated.Code {
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
			return generated.Code("Missing" + p.Name)
		}
		for _, value := range values {
			if value != "" && !fits(value, p.Type) || p.JSON && !json.Valid([]byte(value)) {
				return generated.Code("Invalid" + p.Name)
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

func (c *Call) lacksBody() generated.Code {
	if c.Route.Body == generated.BodyNone {
		return ""
	}
	body, err := c.body()
	switch {
	case err != nil, int64(len(body)) > limitOf(c.Request):
		return generated.CodeInvalidBody
	case c.Route.Content != nil && c.Route.Content.Type == "form":
		defer func() { c.Request.Body = io.NopCloser(bytes.NewReader(body)) }()
		return c.lacksForm(body)
	case len(body) == 0 && c.Route.Body == generated.BodyOptional:
		return ""
	case len(body) == 0 || !c.isJSON():
		return generated.CodeMissingBody
	case !json.Valid(body):
		return generated.CodeInvalidBody
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body)) // for whoever reads it next
	return ""
}

// lacksForm is lacksBody for multipart/form-data.
func (c *Call) lacksForm(body []byte) generated.Code {
	_, params, err := mime.ParseMediaType(c.Request.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return generated.CodeMissingBody
	}
	form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(uploadLimit)
	if err != nil {
		return generated.CodeInvalidBody
	}
	for _, f := range c.Route.Content.Fields {
		if f.Required && len(form.Value[f.Name])+len(form.File[f.Name]) == 0 || f.Type == "file" && len(form.Value[f.Name]) > 0 {
			return generated.Code("Missing" + f.Name)
		}
	}
	return ""
}

// body is the request's body, and one byte past the limit if it is too long.
func (c *Call) body() ([]byte, error) {
	if c.Request.Body == nil { // It never is in a request that came over a network.
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(c.Request.Body, limitOf(c.Request)+1))
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
