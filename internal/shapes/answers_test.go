package shapes_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestBusinessFailures: the contract's fields tell a success from a failure of the same status.
func TestBusinessFailures(t *testing.T) {
	values := generated.Operation{ID: "op", Method: http.MethodPost, Path: "/v1.0/x", Status: 200, Success: []generated.Pair{{Name: "success", Value: "true"}}}
	own := generated.Operation{ID: "op", Method: http.MethodPost, Path: "/v1.0/x", Status: 200, OwnFields: []string{"code"}}
	for _, tt := range []struct {
		op            *generated.Operation
		answer        string
		code, message string // of the error; empty: a success
	}{
		{&values, `{"success":true}`, "", ""},
		{&values, `{}`, "", ""},
		{&values, `{"success":null,"result":1}`, "", ""},
		{&values, `{"success":false,"errorCode":"1001","errorMsg":"no"}`, "1001", "no"},
		{&values, `{"success":false,"code":"a.b","message":"no"}`, "a.b", "no"},
		{&values, `{"success":false,"errorCode":7,"errorMessage":"no"}`, "7", "no"},
		{&values, `{"Success":"false","errmsg":"no"}`, "", "no"},
		{&own, `{"code":"91","message":"m","requestId":"r"}`, "", ""},
		{&values, `{"code":"91","message":"m","requestId":"r"}`, "91", "m"},
	} {
		server := dingtalktest.NewServer(t, dingtalktest.WithSpec([]generated.Route{{Operation: tt.op}}), dingtalktest.WithAnswer("op", func(*http.Request) any { return json.RawMessage(tt.answer) }))
		_, err := dingtalk.Do[json.RawMessage](t.Context(), newClient(t, server), dingtalk.NewRequest(tt.op))
		failed := (*dingtalk.Error)(nil)
		switch {
		case tt.code+tt.message == "" && err != nil:
			t.Errorf("%s: %v", tt.answer, err)
		case tt.code+tt.message != "" && (!errors.As(err, &failed) || string(failed.Code) != tt.code || failed.Message != tt.message || !failed.MayBeDone || server.Count(*tt.op) != 1):
			t.Errorf("%s: %v", tt.answer, err)
		}
	}
}

// TestPaging: pages are asked for by token, number or offset, whose fields may be an object's.
func TestPaging(t *testing.T) {
	const list = `"list":[1,2]`
	for _, tt := range []struct {
		name    string
		paging  generated.Paging
		first   string   // of the request's body
		answers []string // of the service
		want    string   // the items, the bodies asked for, and the error
	}{
		{"one level down, whole numbers in and text out", generated.Paging{In: "t", Out: "result.next", Items: "result.list"}, `{}`,
			[]string{`{"result":{` + list + `,"next":"9007199254740993"}}`, `{"result":{` + list + `}}`}, `1212 {};{"t":9007199254740993};`},
		{"more is absent, the token tells", generated.Paging{In: "t", Text: true, Out: "next", More: "more", Items: "list"}, `{}`,
			[]string{`{` + list + `,"next":"a"}`, `{` + list + `,"next":"b","more":false}`}, `1212 {};{"t":"a"};`},
		{"two tokens in turn", generated.Paging{In: "t", Text: true, Out: "next", Items: "list"}, `{}`,
			[]string{`{` + list + `,"next":"a"}`, `{` + list + `,"next":"b"}`, `{` + list + `,"next":"a"}`}, `121212 {};{"t":"a"};{"t":"b"}; used before`},
		{"numbers", generated.Paging{In: "page", Count: "page", Size: "size", Items: "list"}, `{"size":2}`,
			[]string{`{` + list + `}`, `{"list":[3]}`}, `123 {"size":2};{"page":2,"size":2};`},
		{"offsets", generated.Paging{In: "at", Count: "offset", Items: "list"}, `{"at":4}`,
			[]string{`{` + list + `}`, `{"list":[]}`}, `12 {"at":4};{"at":6};`},
		{"a list without a name", generated.Paging{In: "t", Text: true, Out: "next", Items: "list"}, `{}`, []string{`[1,2]`}, ` {}; not those of the contract`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			op := generated.Operation{ID: "op", Method: http.MethodPost, Path: "/v1.0/x", Status: 200, Repeat: generated.RepeatSafe, Body: generated.BodyRequired, Paging: &tt.paging}
			var got strings.Builder
			answers := tt.answers
			server := dingtalktest.NewServer(t, dingtalktest.WithSpec([]generated.Route{{Operation: &op}}), dingtalktest.WithAnswer("op", func(r *http.Request) any {
				body, _ := io.ReadAll(r.Body)
				got.WriteString(string(body) + ";")
				answer := answers[0]
				answers = answers[1:]
				return json.RawMessage(answer)
			}))
			r := dingtalk.NewRequest(&op)
			r.SetBody(json.RawMessage(tt.first))
			var items, failed string
			for item, err := range dingtalk.Pages[json.Number](t.Context(), newClient(t, server), r) {
				if err != nil {
					failed = err.Error()
					continue
				}
				items += item.String()
			}
			want, reason, _ := strings.Cut(tt.want, "; ")
			if said := items + " " + got.String(); !strings.HasPrefix(said, want) || (reason == "") != (failed == "") || !strings.Contains(failed, reason) {
				t.Errorf("got %s %s", said, failed)
			}
		})
	}
	server := dingtalktest.NewServer(t)
	whole := generated.Operation{ID: "op", Method: http.MethodPost, Path: "/v1.0/x"}
	for _, err := range dingtalk.Pages[int](t.Context(), newClient(t, server), dingtalk.NewRequest(&whole)) {
		if !errors.Is(err, dingtalk.ErrRejected) || len(server.Requests()) != 0 {
			t.Errorf("an operation without pages: %v, %d sent", err, len(server.Requests()))
		}
	}
}
