package dingtalk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestSuccess: what counts as a success of an operation, and what does not.
func TestSuccess(t *testing.T) {
	object := dingtalk.Operation{ID: "get", Method: http.MethodGet, Path: "/v1.0/get", Status: 200, Required: []string{"id", "count"}}
	free, created, empty := object, object, object
	free.Required = nil
	created.Status = 201
	empty.Status, empty.Empty, empty.Required = 204, true, nil
	anyEmpty := empty
	anyEmpty.Status = 200
	for _, test := range []struct {
		op        *dingtalk.Operation
		status    int
		good, bad []string
	}{
		{&object, 200, []string{`{"id":"a","count":0,"new":{}}`, `{"ID":"a","Count":0}`}, []string{
			`{"id":"a"}`, `{"id":"","count":1}`, `{"id":" ","count":1}`, `{"id":null,"count":1}`, `{"id":"a","count":1} x`, `[]`, `null`, ``, `<html>`,
		}},
		{&object, 201, nil, []string{`{"id":"a","count":0}`}}, {&object, 204, nil, []string{``}},
		{&created, 201, []string{`{"id":"a","count":0}`}, nil}, {&created, 200, nil, []string{`{"id":"a","count":0}`}},
		{&free, 200, []string{
			`{}`, `{"errcode":0,"errmsg":"ok"}`, `{"errcode":0.0,"errmsg":"ok"}`, `{"errcode":"0","errmsg":"ok"}`, `{"code":"a code of its own"}`,
			`{"code":"200","message":"ok","requestid":"r"}`, `{"punish":"deny","status":3}`,
		}, []string{
			`null`, `{"errcode":404,"errmsg":"请求的URI地址不存在"}`, `{"status":1111,"wait":5,"punish":"deny"}`, `{"code":"systemError","message":"m","requestid":"r"}`,
		}},
		{&empty, 204, []string{``}, nil}, {&empty, 200, nil, []string{``}}, {&anyEmpty, 200, []string{``, `{}`}, []string{`{"errcode":404}`, `<html>`}},
	} {
		for i, body := range append(test.good, test.bad...) {
			client := newClient(t, serve(t, answers(test.status, body)), dingtalk.StaticToken("t0ken"), oneAttempt)
			_, err := dingtalk.Do[map[string]any](within(t), client, dingtalk.NewRequest(test.op))
			errorIf(t, (err == nil) != (i < len(test.good)), "%d %s for status %d, required %v: %v", test.status, body, test.op.Status, test.op.Required, err)
			failed := new(dingtalk.Error)
			errorIf(t, err != nil && (!errors.As(err, &failed) || failed.Op != "get"), "%d %s: %v", test.status, body, err)
		}
	}
}

func TestDecodedTypes(t *testing.T) {
	request := dingtalk.NewRequest(&dingtalk.Operation{ID: "get", Method: http.MethodGet, Path: "/v1.0/get", Status: 200})
	const large int64 = 9007199254740993
	of := func(body string) *dingtalk.Client {
		return newForeign(t, func(*http.Request) (*http.Response, error) { return answerOf(200, body), nil })
	}
	number, err := dingtalk.Do[int64](within(t), of(fmt.Sprint(large)), request)
	errorIf(t, number != large || err != nil, "%d, %v", number, err)
	body := fmt.Sprintf(`{"a":[%d,true,"text"]}`, large)
	got, err := dingtalk.Do[any](within(t), of(body), request)
	again, _ := json.Marshal(got)
	errorIf(t, err != nil || string(again) != body, "%s, %v", again, err)
}

// TestDoOfNoContract: an operation without a contract is sent unchanged, and once.
func TestDoOfNoContract(t *testing.T) {
	type seen struct{ method, uri, token, contentType, body string }
	var got []seen
	status, answer := 200, `{"result":{"id":7}}`
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, seen{r.Method, r.RequestURI, r.Header.Get(generated.TokenHeader), r.Header.Get("Content-Type"), string(body)})
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
	client := newClient(t, address+"/prefix", dingtalk.StaticToken("t0ken"), newHandClock().option())
	var out struct{ Result struct{ ID int } }
	err := client.Do(within(t), http.MethodPut, "/v1.0/a%2Fb?q=1%262&r=%20", map[string]int{"n": 1}, &out)
	errorIf(t, err != nil || out.Result.ID != 7, "got %+v, %v", out, err)
	want := []seen{{"PUT", "/prefix/v1.0/a%2Fb?q=1%262&r=+", "t0ken", "application/json", `{"n":1}`}}
	errorIf(t, !slices.Equal(got, want), "sent %+v, want %+v", got, want)
	status, answer, got = 204, "", nil
	err = client.Do(within(t), http.MethodDelete, "/v1.0/x", nil, nil)
	errorIf(t, err != nil || len(got) != 1 || got[0].body != "" || got[0].contentType != "", "sent %+v, %v", got, err)
	status, got = 500, nil
	err = client.Do(within(t), http.MethodGet, "/v1.0/x", nil, &out)
	errorIf(t, !errors.Is(err, dingtalk.ErrUnavailable) || len(got) != 1 || !strings.Contains(err.Error(), "GET /v1.0/x"), "sent %d times, %v", len(got), err)
}

// TestServerOfAnOperation: an operation's own server must use HTTPS; WithBaseURL receives its requests, too. A public
// operation sends no token and fetches none.
func TestServerOfAnOperation(t *testing.T) {
	op := dingtalk.Operation{
		ID: "send", Method: http.MethodPost, Server: "https://oapi.dingtalk.com/pre", Path: "/v1.0/test/send", Public: true,
		Body: generated.BodyRequired, Status: 200, Required: []string{"id"},
	}
	send := func(client *dingtalk.Client) (got struct{ ID string }, err error) {
		r := dingtalk.NewRequest(&op)
		r.SetBody(map[string]string{"text": "hello"})
		return dingtalk.Do[struct{ ID string }](within(t), client, r)
	}
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec([]generated.Route{{Operation: &op, Example: `{"id":"m1"}`}}))
	got, err := send(newClient(t, server.URL, appCredentials))
	sent := server.Requests()[0]
	_, has := sent.Header[http.CanonicalHeaderKey(generated.TokenHeader)]
	errorIf(t, err != nil || got.ID != "m1" || sent.Path != "/pre/v1.0/test/send" || server.Count(tokenOp) != 0 || has, "%v, %v to %s, a token %t", got, err, sent.Path, has)
	var hosts []string
	client, err := dingtalk.NewClient(dingtalk.StaticToken("t0ken"), oneAttempt, through(roundTripper(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.String())
		return nil, errors.New("no network")
	})))
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{op.Server, "http://oapi.dingtalk.com", "https://user:hunter2@oapi.dingtalk.com", "https://oapi.dingtalk.com?x=1", "ftp://x"} {
		op.Server = address
		_, err = send(client)
		errorIf(t, err == nil || strings.Contains(err.Error(), "hunter2"), "%s: %v", address, err)
	}
	errorIf(t, fmt.Sprint(hosts) != "[https://oapi.dingtalk.com/pre/v1.0/test/send]", "sent to %v", hosts)
}
