package contract_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var (
	convertOp = generated.OperationChatIDToOpenConversationID
	tokenOp   = generated.OperationGetAccessToken
)

const goodBody = `{"appKey":"` + dingtalktest.AppKey + `","appSecret":"` + dingtalktest.AppSecret + `"}`

// exchange is one request and its answer over a socket.
type exchange struct {
	operation generated.Operation
	chatID    string
	token     string
	body      string
	status    int    // expected
	code      string // expected, of an error

	legacy     bool   // the code stands in errcode, as a number
	outside    string // why the answer is not what the contract says; empty if it is
	badRequest bool   // the request is not what the contract says
}

func TestContract(t *testing.T) {
	doc := load(t)
	for name, c := range map[string]struct {
		opts  []dingtalktest.Option
		fault dingtalktest.Fault
		exchange
	}{
		"converted":       {exchange: exchange{operation: convertOp, chatID: dingtalktest.ChatID, token: "valid", status: 200}},
		"any chat":        {opts: []dingtalktest.Option{dingtalktest.WithAnyChat()}, exchange: exchange{operation: convertOp, chatID: "a/b 你好", token: "valid", status: 200}},
		"unknown chat":    {exchange: exchange{operation: convertOp, chatID: "unknown", token: "valid", status: 400, code: "invalideChatId"}},
		"hidden owner":    {opts: []dingtalktest.Option{func(s *dingtalktest.Settings) { s.OwnersNotVisible = []string{"x"} }}, exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 400, code: "permession.checkFailed"}},
		"no token":        {exchange: exchange{operation: convertOp, chatID: "x", status: 400, code: "AuthenticationFailed.MissingParameter", badRequest: true}},
		"rejected token":  {exchange: exchange{operation: convertOp, chatID: "x", token: "wrong", status: 400, code: "InvalidAuthentication"}},
		"permission":      {opts: []dingtalktest.Option{dingtalktest.WithoutPermission()}, exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 403, code: "Forbidden.AccessDenied.AccessTokenPermissionDenied"}},
		"address":         {opts: []dingtalktest.Option{func(s *dingtalktest.Settings) { s.AddressNotAllowed = true }}, exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 403, code: "Forbidden.AccessDenied.IpNotInWhiteList"}},
		"quota":           {opts: []dingtalktest.Option{dingtalktest.WithMonthlyQuota(0)}, exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 403, code: "Forbidden.AccessDenied.ApiCountLimitForOrg"}},
		"slow":            {opts: []dingtalktest.Option{dingtalktest.WithLatency(time.Millisecond)}, exchange: exchange{operation: convertOp, chatID: dingtalktest.ChatID, token: "valid", status: 200}},
		"retry after":     {fault: dingtalktest.Code(generated.CodeServiceBusy).WithHeader("Retry-After", "1"), exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 503, code: "serviceBusy"}},
		"system error":    {fault: dingtalktest.Fault{Kind: "code", Code: generated.CodeSystemError, Status: 500}, exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 500, code: "systemError"}},
		"unknown code":    {fault: dingtalktest.Code("aCodeOfTomorrow"), exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 400, code: "aCodeOfTomorrow"}},
		"unauthorized":    {fault: dingtalktest.Fault{Kind: "code", Code: generated.CodeInvalidAuthentication, Status: 401}, exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 401, code: "InvalidAuthentication"}},
		"token":           {exchange: exchange{operation: tokenOp, body: goodBody, status: 200}},
		"bad credentials": {exchange: exchange{operation: tokenOp, body: `{"appKey":"a","appSecret":"b"}`, status: 400, code: "invalidClientIdOrSecret"}},
		"no body":         {exchange: exchange{operation: tokenOp, status: 400, code: "Missingbody", badRequest: true}},
		"malformed body":  {exchange: exchange{operation: tokenOp, body: "{", status: 400, code: "Invalidbody", badRequest: true}},
		"no appKey":       {exchange: exchange{operation: tokenOp, body: `{"appSecret":"b"}`, status: 400, code: "MissingappKey", badRequest: true}},
		"no appSecret":    {exchange: exchange{operation: tokenOp, body: `{"appKey":"a"}`, status: 400, code: "MissingappSecret", badRequest: true}},

		"created":           {exchange: exchange{operation: generated.OperationCreateGroup, token: "valid", body: `{"name":"a","owner":"b","useridlist":["b"]}`, status: 200}},
		"group's name":      {exchange: exchange{operation: generated.OperationCreateGroup, token: "valid", body: `{"name":"","owner":"b","useridlist":["b"]}`, status: 400, code: "parameter.invalid", badRequest: true}},
		"sent":              {exchange: exchange{operation: generated.OperationOrgGroupSend, token: "valid", body: sendBody(dingtalktest.OpenConversationID, dingtalktest.RobotCode), status: 200}},
		"robot elsewhere":   {exchange: exchange{operation: generated.OperationOrgGroupSend, token: "valid", body: sendBody(dingtalktest.OpenConversationID, "other"), status: 400, code: "invalidParameter.robotCode.notExsit"}},
		"unknown group":     {exchange: exchange{operation: generated.OperationOrgGroupSend, token: "valid", body: sendBody("cid", dingtalktest.RobotCode), status: 400, code: "invalid.openConversationId"}},
		"unknown message":   {exchange: exchange{operation: generated.OperationOrgGroupQuery, token: "valid", body: `{"processQueryKey":"a"}`, status: 400, code: "InvalidprocessQueryKey"}},
		"recall of nothing": {exchange: exchange{operation: generated.OperationOrgGroupRecall, token: "valid", body: `{"openConversationId":"a","robotCode":"b","processQueryKeys":["c"]}`, status: 200}},
		"robots":            {exchange: exchange{operation: generated.OperationGetBotListInGroup, token: "valid", body: `{"openConversationId":"` + dingtalktest.OpenConversationID + `"}`, status: 200}},
		"robots of nothing": {exchange: exchange{operation: generated.OperationGetBotListInGroup, token: "valid", body: `{"openConversationId":"a"}`, status: 400, code: "illegal.openconevrsation.id"}},
		"described":         {exchange: exchange{operation: generated.OperationGetChat, chatID: dingtalktest.ChatID, token: "valid", status: 200}},
		"not described":     {exchange: exchange{operation: generated.OperationGetChat, chatID: "unknown", token: "valid", status: 200, code: "40016", legacy: true}},

		"banned": {opts: []dingtalktest.Option{func(s *dingtalktest.Settings) { s.BannedAddress = true }},
			exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 403, outside: "a ban answers HTML"}},
		"ban":      {fault: dingtalktest.Fault{Kind: "ban"}, exchange: exchange{operation: tokenOp, body: goodBody, status: 403, outside: "a ban answers HTML"}},
		"ban JSON": {fault: dingtalktest.BanJSON(), exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 200, outside: "a ban answers JSON of its own"}},
		"raw HTML": {fault: dingtalktest.Raw(502, "text/html", []byte("<h1>502")), exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 502, outside: "it was asked for"}},
		"raw JSON": {fault: dingtalktest.Raw(200, "application/json", []byte("{}")), exchange: exchange{operation: convertOp, chatID: "x", token: "valid", status: 200, outside: "it was asked for"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := dingtalktest.NewServer(t, c.opts...)
			server.FailNext(c.fault)
			c.check(t, doc, server)
		})
	}
	t.Run("throttled", func(t *testing.T) {
		frozen := time.Now()
		server := dingtalktest.NewServer(t, dingtalktest.WithQPS(1), dingtalktest.WithClock(func() time.Time { return frozen }))
		for _, e := range []exchange{
			{operation: convertOp, chatID: dingtalktest.ChatID, token: "valid", status: 200},
			{operation: convertOp, chatID: dingtalktest.ChatID, token: "valid", status: 403, code: "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"},
		} {
			e.check(t, doc, server)
		}
	})
}

// TestCatalogue gives every row of the catalogue as an answer of every operation.
func TestCatalogue(t *testing.T) {
	doc := load(t)
	server := dingtalktest.NewServer(t)
	for _, row := range generated.ErrorCodes {
		for _, e := range []exchange{
			{operation: convertOp, chatID: dingtalktest.ChatID, token: "valid"},
			{operation: tokenOp, body: goodBody},
		} {
			t.Run(row.Name+"/"+e.operation.ID, func(t *testing.T) {
				e.status, e.code = row.Status, string(row.Code)
				server.FailNext(dingtalktest.Code(row.Code).For(e.operation))
				e.check(t, doc, server)
			})
		}
	}
}

// TestUnknownPath checks answers that belong to no operation against the schema alone.
func TestUnknownPath(t *testing.T) {
	doc := load(t)
	server := dingtalktest.NewServer(t)
	for path, wantValid := range map[string]bool{"/v1.0/no/such/path": true, "/no/such/path": false} {
		got := do(t, newRequest(t, server, "GET", path, "", nil))
		value, err := decode(got.body)
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Components.Schemas["ApiError"].Value.VisitJSON(value); (err == nil) != wantValid {
			t.Errorf("%s: %d %s: %v", path, got.status, got.body, err)
		}
	}
}

func (e exchange) check(t *testing.T, doc *openapi3.T, server *dingtalktest.Server) {
	t.Helper()
	path, params := e.operation.Path, map[string]string{}
	query := url.Values{}
	for _, parameter := range doc.Paths.Find(path).GetOperation(e.operation.Method).Parameters {
		if parameter.Value.In == openapi3.ParameterInQuery {
			query.Set(parameter.Value.Name, e.chatID)
		}
		params[parameter.Value.Name] = e.chatID
		path = strings.ReplaceAll(path, "{"+parameter.Value.Name+"}", url.PathEscape(e.chatID))
	}
	header := http.Header{}
	switch e.token {
	case "":
	case "valid":
		if e.operation.TokenQuery != "" {
			query.Set(e.operation.TokenQuery, server.IssueToken())
			break
		}
		header.Set(generated.TokenHeader, server.IssueToken())
	default:
		header.Set(generated.TokenHeader, e.token)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if e.operation.ID == tokenOp.ID || e.body != "" {
		header.Set("Content-Type", "application/json")
	}
	request := newRequest(t, server, e.operation.Method, path, e.body, header)
	item := doc.Paths.Find(e.operation.Path)
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params,
		Route: &routers.Route{Spec: doc, Path: e.operation.Path, PathItem: item, Method: e.operation.Method, Operation: item.GetOperation(e.operation.Method)},
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, MultiError: true,
			AuthenticationFunc: authenticate,
		},
	}
	if err := openapi3filter.ValidateRequest(t.Context(), input); (err != nil) != e.badRequest {
		t.Errorf("request, bad: %v: %v", e.badRequest, err)
	}
	got := do(t, newRequest(t, server, e.operation.Method, path, e.body, header))
	code := `"code":"` + e.code + `"`
	if e.legacy {
		code = `"errcode":` + e.code
	}
	if got.status != e.status || !strings.Contains(string(got.body), code) && e.code != "" {
		t.Fatalf("got %d %s, want %d %s", got.status, got.body, e.status, e.code)
	}
	err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: got.status, Header: got.header,
		Body: io.NopCloser(bytes.NewReader(got.body)), Options: input.Options,
	})
	switch {
	case e.outside == "" && err != nil:
		t.Errorf("answer %d %s: %v", got.status, got.body, err)
	case e.outside != "" && err == nil:
		t.Errorf("the contract allows an answer that is exempt because %s", e.outside)
	}
}

func sendBody(group, robot string) string {
	return `{"msgKey":"sampleText","msgParam":"{\"content\":\"hello\"}","openConversationId":"` + group + `","robotCode":"` + robot + `"}`
}

// authenticate does what the contract's security scheme says: the header or the query parameter must be there.
func authenticate(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	request, scheme := input.RequestValidationInput.Request, input.SecurityScheme
	token := request.Header.Get(scheme.Name)
	if scheme.In == openapi3.ParameterInQuery {
		token = request.URL.Query().Get(scheme.Name)
	}
	if token == "" {
		return input.NewError(errors.New("the token is not there"))
	}
	return nil
}
