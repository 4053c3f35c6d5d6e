package shapes_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/shapes"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// robot is a client of an emulator that serves the contract of this package. What passes between them is checked.
func robot(t *testing.T, opts ...dingtalktest.Option) (*shapes.Client, *dingtalktest.Server) {
	t.Helper()
	server := dingtalktest.NewServer(t, append([]dingtalktest.Option{dingtalktest.WithSpec(shapes.Routes)}, opts...)...)
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return shapes.New(newClient(t, server, dingtalk.WithHTTPClient(&http.Client{Transport: checked{t, doc}}))), server
}

func ptr[T any](v T) *T { return &v }

// TestEveryShape sends each operation and decodes the contract's example.
func TestEveryShape(t *testing.T) {
	ctx := t.Context()
	c, server := robot(t)
	list, err := c.ListUsers(ctx, "a/b 群", 1<<62, shapes.ListUsersParams{
		MaxResults: 10, IDs: []string{"a,b", "c&d"}, Kinds: []shapes.ListUsersParamsKindsItem{shapes.ListUsersParamsKindsItemA, shapes.ListUsersParamsKindsItemBC},
		State: ptr(shapes.ListUsersParamsStateOpen), Ratio: ptr(0.5), Deep: ptr(false), XUnionID: ptr("u"), XFlags: []int64{1, 2},
	})
	if err != nil || len(list.List) != 1 || list.List[0].UserID != "text" || list.List[0].Self.ID != 1 || !*list.HasMore {
		t.Errorf("ListUsers: %+v, %v", list, err)
	}
	if got := server.Requests()[1].Path; got != "/v1.0/users/a%2Fb%20%E7%BE%A4/lists/4611686018427387904" {
		t.Errorf("path %s", got)
	}
	if err := c.ReplaceUser(ctx, "u", 1, shapes.User{UnionID: "x", Name: "n", AdditionalProperties: map[string]any{"big": json.Number("9007199254740993")}}); err != nil {
		t.Error(err)
	}
	if ids, err := c.SendMessage(ctx, &shapes.SendMessageRequestBody{Text: "t"}); err != nil || !slices.Equal(ids, []int64{1}) {
		t.Errorf("SendMessage: %v, %v", ids, err)
	}
	if ids, err := c.SendMessage(ctx, nil); err != nil || !slices.Equal(ids, []int64{1}) {
		t.Errorf("SendMessage without a body: %v, %v", ids, err)
	}
	if err := c.DeleteMessages(ctx, shapes.DeleteMessagesParams{ID: []int64{1, 2}}); err != nil {
		t.Error(err)
	}
	if nodes, err := c.PatchMap(ctx, map[string]int64{"a": 1}); err != nil || len(nodes) != 0 {
		t.Errorf("PatchMap: %v, %v", nodes, err)
	}
	if n, err := c.CountAll(ctx); err != nil || n != 1 {
		t.Errorf("CountAll: %v, %v", n, err)
	}
	for value, err := range c.QueryPagesAll(ctx, nil) {
		if err != nil || value != "text" {
			t.Errorf("QueryPagesAll: %v, %v", value, err)
		}
		break
	}
	for _, o := range shapes.Routes {
		if server.Count(*o.Operation) == 0 {
			t.Errorf("%s was not sent", o.Operation.ID)
		}
	}
}

// TestExactNumbers: no whole number is rounded, neither in a field nor in a value that the contract does not describe.
func TestExactNumbers(t *testing.T) {
	const big = "9007199254740993" // 2^53+1, which a float64 has no room for
	c, _ := robot(t, dingtalktest.WithAnswer("patch-map", func(r *http.Request) any {
		return json.RawMessage(`{"a":{"id":` + big + `,"children":[],"unknown":1}}`)
	}), dingtalktest.WithAnswer("listUsers", func(*http.Request) any {
		return json.RawMessage(`{"list":[{"userid":"u","extra":{"n":` + big + `}}],"unknown":{"deep":[1]}}`)
	}))
	nodes, err := c.PatchMap(t.Context(), nil)
	if err != nil || nodes["a"].ID != 9007199254740993 {
		t.Errorf("got %v, %v", nodes, err)
	}
	list, err := c.ListUsers(t.Context(), "u", 1, shapes.ListUsersParams{MaxResults: 1})
	if err != nil || list.List[0].Extra["n"] != json.Number(big) {
		t.Errorf("got %#v, %v", list, err)
	}
	var user shapes.User
	if err := json.Unmarshal([]byte(`{"unionid":"u","name":"n","more":`+big+`}`), &user); err != nil || user.AdditionalProperties["more"] != json.Number(big) {
		t.Errorf("got %#v, %v", user, err)
	}
	if again, err := json.Marshal(user); err != nil || !strings.Contains(string(again), `"more":`+big) {
		t.Errorf("got %s, %v", again, err)
	}
}

// TestPages: an iterator asks for page after page, each time that it is ranged over.
func TestPages(t *testing.T) {
	c, server := robot(t, dingtalktest.WithAnswer("listUsers", func(r *http.Request) any {
		switch r.URL.Query().Get("nextToken") {
		case "":
			return json.RawMessage(`{"list":[{"userid":"1"},{"userid":"2"}],"nextToken":"p2","hasMore":true}`)
		case "p2":
			return json.RawMessage(`{"list":[],"nextToken":"p3","hasMore":true}`)
		default:
			return json.RawMessage(`{"list":[{"userid":"3"}],"nextToken":"p3","hasMore":false}`)
		}
	}))
	all := c.ListUsersAll(t.Context(), "u", 1, shapes.ListUsersParams{MaxResults: 2})
	for range 2 {
		var ids []string
		for user, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, user.UserID)
		}
		if strings.Join(ids, " ") != "1 2 3" {
			t.Errorf("got %v", ids)
		}
	}
	for _, err := range all {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if n := server.Count(*shapes.Routes[2].Operation); n != 7 {
		t.Errorf("%d requests, want 7", n)
	}
}

// TestCodesOfAnOperation: a code that the contract gives an operation means there what its row says.
func TestCodesOfAnOperation(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(shapes.Routes))
	client := newClient(t, server, dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 1}))
	server.FailNext(dingtalktest.Code("user.busy").For(generated.Operation{ID: "listUsers"}))
	_, err := shapes.New(client).ListUsers(t.Context(), "u", 1, shapes.ListUsersParams{MaxResults: 1, Kinds: []shapes.ListUsersParamsKindsItem{"later"}})
	failed := (*dingtalk.Error)(nil)
	if !errors.As(err, &failed) || failed.Code != shapes.CodeListUsersUserBusy || !errors.Is(err, dingtalk.ErrUnavailable) || failed.RetryAfter != 3*time.Second || failed.StatusCode != 503 {
		t.Errorf("got %v", err)
	}
}
