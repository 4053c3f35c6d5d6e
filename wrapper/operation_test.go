package dingtalk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// sendOp is not safe to repeat.
var sendOp = dingtalk.Operation{ID: "send", Method: http.MethodPost, Path: "/v1.0/test/send", Body: generated.BodyRequired, Status: 200, Required: []string{"id"}}

type sentMessage struct{ ID string }

func send(t *testing.T, client *dingtalk.Client, op *dingtalk.Operation) (sentMessage, error) {
	t.Helper()
	r := dingtalk.NewRequest(op)
	r.SetBody(map[string]string{"text": "hello"})
	return dingtalk.Do[sentMessage](within(t), client, r)
}

// answering makes a client of a server with one answer for every operation but the token call.
func answering(t *testing.T, status int, contentType, body string) *dingtalk.Client {
	t.Helper()
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	return newClient(t, address, dingtalk.StaticToken("t0ken"), oneAttempt)
}

// TestSuccess: what counts as a success of an operation, and what does not.
func TestSuccess(t *testing.T) {
	object := dingtalk.Operation{ID: "get", Method: http.MethodGet, Path: "/v1.0/get", Status: 200, Required: []string{"id", "count"}}
	free, created, empty := object, object, object
	free.Required = nil
	created.Status = 201
	empty.Status, empty.Empty, empty.Required = 204, true, nil
	anyEmpty := empty
	anyEmpty.Status = 200
	for _, tt := range []struct {
		op     *dingtalk.Operation
		status int
		body   string
		ok     bool
	}{
		{&object, 200, `{"id":"a","count":0,"new":{}}`, true},
		{&object, 200, `{"ID":"a","Count":0}`, true},
		{&object, 200, `{"id":"a"}`, false},
		{&object, 200, `{"id":"","count":1}`, false},
		{&object, 200, `{"id":" ","count":1}`, false},
		{&object, 200, `{"id":null,"count":1}`, false},
		{&object, 200, `{"id":"a","count":1} x`, false},
		{&object, 200, `[]`, false},
		{&object, 200, `null`, false},
		{&object, 200, ``, false},
		{&object, 200, `<html>`, false},
		{&object, 201, `{"id":"a","count":0}`, false},
		{&object, 204, ``, false},
		{&created, 201, `{"id":"a","count":0}`, true},
		{&created, 200, `{"id":"a","count":0}`, false},
		{&free, 200, `{}`, true},
		{&free, 200, `null`, false},
		{&free, 200, `{"errcode":404,"errmsg":"请求的URI地址不存在"}`, false},
		{&free, 200, `{"errcode":0,"errmsg":"ok"}`, true},
		{&free, 200, `{"status":1111,"wait":5,"punish":"deny"}`, false},
		{&free, 200, `{"code":"systemError","message":"m","requestid":"r"}`, false},
		{&free, 200, `{"code":"a code of its own"}`, true},
		{&empty, 204, ``, true},
		{&empty, 200, ``, false},
		{&anyEmpty, 200, ``, true},
		{&anyEmpty, 200, `{}`, true},
		{&anyEmpty, 200, `{"errcode":404}`, false},
		{&anyEmpty, 200, `<html>`, false},
	} {
		client := answering(t, tt.status, "application/json", tt.body)
		_, err := dingtalk.Do[map[string]any](within(t), client, dingtalk.NewRequest(tt.op))
		if tt.ok != (err == nil) {
			t.Errorf("%d %s for status %d, required %v: %v", tt.status, tt.body, tt.op.Status, tt.op.Required, err)
		}
		if failed := (*dingtalk.Error)(nil); err != nil && (!errors.As(err, &failed) || failed.Op != "get") {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
	}
}

func TestDecodedTypes(t *testing.T) {
	request := dingtalk.NewRequest(&dingtalk.Operation{ID: "get", Method: http.MethodGet, Path: "/v1.0/get", Status: 200})
	const large int64 = 9007199254740993
	if got, err := dingtalk.Do[int64](within(t), answering(t, 200, "text/plain", fmt.Sprint(large)), request); got != large || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	got, err := dingtalk.Do[any](within(t), answering(t, 200, "text/plain", fmt.Sprintf(`{"a":[%d,true,"text"]}`, large)), request)
	if again, _ := json.Marshal(got); err != nil || string(again) != fmt.Sprintf(`{"a":[%d,true,"text"]}`, large) {
		t.Errorf("%s, %v", again, err)
	}
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
	if err := client.Do(within(t), http.MethodPut, "/v1.0/a%2Fb?q=1%262&r=%20", map[string]int{"n": 1}, &out); err != nil || out.Result.ID != 7 {
		t.Errorf("got %+v, %v", out, err)
	}
	if want := (seen{"PUT", "/prefix/v1.0/a%2Fb?q=1%262&r=+", "t0ken", "application/json", `{"n":1}`}); len(got) != 1 || got[0] != want {
		t.Errorf("sent %+v, want %+v", got, want)
	}
	status, answer, got = 204, "", nil
	if err := client.Do(within(t), http.MethodDelete, "/v1.0/x", nil, nil); err != nil || len(got) != 1 || got[0].body != "" || got[0].contentType != "" {
		t.Errorf("sent %+v, %v", got, err)
	}
	status, got = 500, nil
	err := client.Do(within(t), http.MethodGet, "/v1.0/x", nil, &out)
	if !errors.Is(err, dingtalk.ErrUnavailable) || len(got) != 1 || !strings.Contains(err.Error(), "GET /v1.0/x") {
		t.Errorf("sent %d times, %v", len(got), err)
	}
}

// TestServerOfAnOperation: an operation's own server must use HTTPS; WithBaseURL receives its requests, too.
func TestServerOfAnOperation(t *testing.T) {
	op := sendOp
	op.Server = "https://oapi.dingtalk.com/pre"
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec([]generated.Route{{Operation: &op, Example: `{"id":"m1"}`}}))
	if got, err := send(t, newClient(t, server.URL, appCredentials), &op); err != nil || got.ID != "m1" {
		t.Errorf("got %v, %v", got, err)
	}
	if path := server.Requests()[1].Path; path != "/pre/v1.0/test/send" {
		t.Errorf("path %s", path)
	}
	var hosts []string
	client, err := dingtalk.NewClient(dingtalk.StaticToken("t0ken"), oneAttempt, through(roundTripper(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.String())
		return nil, errors.New("no network")
	})))
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"https://oapi.dingtalk.com/pre", "http://oapi.dingtalk.com", "https://user:hunter2@oapi.dingtalk.com", "https://oapi.dingtalk.com?x=1", "ftp://x"} {
		op.Server = address
		_, err = send(t, client, &op)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if fmt.Sprint(hosts) != "[https://oapi.dingtalk.com/pre/v1.0/test/send]" {
		t.Errorf("sent to %v", hosts)
	}
}

// TestPublicOperation: a public operation sends no token and fetches none.
func TestPublicOperation(t *testing.T) {
	op := sendOp
	op.Public = true
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec([]generated.Route{{Operation: &op, Example: `{"id":"m1"}`}}))
	if got, err := send(t, newClient(t, server.URL, appCredentials), &op); err != nil || got.ID != "m1" || server.Count(tokenOp) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, has := server.Requests()[0].Header[http.CanonicalHeaderKey(generated.TokenHeader)]; has {
		t.Error("it carries a token")
	}
}
