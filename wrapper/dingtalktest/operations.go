package dingtalktest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// WithSpec adds the operations of a contract of your own. What openconversation-gen writes has them as Routes:
//
//	dingtalktest.NewServer(t, dingtalktest.WithSpec(robot.Routes))
//
// A request that has what the operation requires gets the contract's example of a success; see [WithAnswer] for another.
// Token, permission, limits, latency and faults are those of every operation. Operations that were there before keep their
// answers, unless one of the same ID, or method and path, is added.
func WithSpec(routes []generated.Route) Option {
	return func(s *settings) { s.routes = table(s.routes, routes) }
}

// WithAnswer answers successes of an operation, which is named by its operationId, with what answer returns, as JSON: a
// model, or a [json.RawMessage] for bytes as they are. answer is called from many goroutines, after the request was found to
// have what the operation requires, and may read the request's URL, header and body.
func WithAnswer(operationID string, answer func(*http.Request) any) Option {
	return func(s *settings) { s.answers[operationID] = answer }
}

// example answers an operation with the example of its contract, if the request has what the contract requires. The codes of
// its refusals are synthetic: they are made as those of the token call are, whose fields have codes such as MissingappKey.
func (e *Emulator) example(c *call) answer {
	if code := c.misses(); code != "" {
		return refusal(code)
	}
	body := json.RawMessage(c.route.Example)
	if respond := c.settings.answers[c.route.Operation.ID]; respond != nil {
		raw, err := json.Marshal(respond(c.request))
		if err != nil {
			return answer{status: http.StatusInternalServerError, code: generated.CodeUnknownError, message: "the answer of the test is no JSON: " + err.Error(), contentType: jsonType}
		}
		body = raw
	}
	a := answer{status: c.route.Operation.Status, contentType: jsonType, body: body}
	if c.route.Operation.Empty {
		a.contentType, a.body = "", nil
	}
	return a
}

// misses is the code of what a request lacks or has in a wrong form; it is empty if it has what the contract says.
func (c *call) misses() generated.Code {
	query := c.request.URL.Query()
	for _, p := range c.route.Parameters {
		var values []string
		switch p.In {
		case "path":
			if i := c.route.position(p.Name); i < len(c.params) {
				values = []string{c.params[i]}
			}
		case "query":
			values = query[p.Name]
		case "header":
			values = c.request.Header.Values(p.Name)
		}
		if p.List && !p.Explode {
			values = strings.Split(strings.Join(values, ","), ",")
		}
		if p.Required && (len(values) == 0 || values[0] == "") {
			return generated.Code("Missing" + p.Name)
		}
		for _, value := range values {
			if value != "" && !fits(value, p.Type) {
				return generated.Code("Invalid" + p.Name)
			}
		}
	}
	return c.missesBody()
}

// position is which of the path's parameters has a name.
func (r *route) position(name string) int {
	n := 0
	for segment := range strings.SplitSeq(r.Operation.Path, "/") {
		if segment == "{"+name+"}" {
			return n
		}
		if strings.HasPrefix(segment, "{") {
			n++
		}
	}
	return 0
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

func (c *call) missesBody() generated.Code {
	if c.route.Body == generated.BodyNone {
		return ""
	}
	body, err := readBody(c.request)
	switch {
	case err != nil, len(body) > bodyLimit:
		return generated.CodeInvalidBody
	case len(body) == 0 && c.route.Body == generated.BodyOptional:
		return ""
	case len(body) == 0 || !isJSON(c.request.Header.Get("Content-Type")):
		return generated.CodeMissingBody
	case !json.Valid(body):
		return generated.CodeInvalidBody
	}
	c.request.Body = io.NopCloser(bytes.NewReader(body)) // for WithAnswer
	return ""
}
