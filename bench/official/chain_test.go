package official

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alibabacloud-go/tea/tea"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func drawnOf(name string) Drawn {
	return drawn[slices.IndexFunc(drawn, func(d Drawn) bool { return d.Name == name })]
}

func clientOf(t *testing.T, server *dingtalktest.Server, transport http.RoundTripper) *dingtalk.Client {
	creds := dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
	return must(dingtalk.NewClient(creds, dingtalk.WithBaseURL(server.URL), dingtalk.WithHTTPClient(&http.Client{Transport: transport})))(t)
}

// code is the service's code in an error of either SDK.
func code(err error) string {
	ours, official := (*dingtalk.Error)(nil), (*tea.SDKError)(nil)
	switch {
	case errors.As(err, &ours):
		return string(ours.Code)
	case errors.As(err, &official):
		return tea.StringValue(official.Code)
	}
	return fmt.Sprint(err)
}

// TestChain goes from a token to the state of a message with both SDKs, each against an emulator of its own: the same calls
// succeed and are refused with the same codes, and both emulators hold the same in the end.
func TestChain(t *testing.T) {
	c := newComparison(t)
	run := func(official bool) (told []string, groups []dingtalktest.Group, messages []dingtalktest.Message) {
		server := dingtalktest.NewServer(t, dingtalktest.WithGroup(dingtalktest.Group{ChatID: "chatgone", Disbanded: true}))
		host, client := strings.TrimPrefix(server.URL, "http://"), clientOf(t, server, http.DefaultTransport)
		token := ""
		call := func(operation string, path map[string]string, body map[string]any) (map[string]any, error) {
			name, id, _ := strings.Cut(operation, ".")
			d := drawnOf(name)
			pair, _ := c.pair(t, d, d.Ours(client), name+".yaml", host, token)
			side := pair.Ours
			if official {
				side = pair.Official
			}
			values := Values{Path: path}
			if body != nil {
				values.Body = body
			}
			answer, err := side.Send(id, values)
			fields, _ := answer.(map[string]any)
			return fields, err
		}
		succeeds := func(operation string, path map[string]string, body map[string]any) map[string]any {
			return must(call(operation, path, body))(t)
		}
		message := func(group any, robot, text string) map[string]any {
			param, _ := json.Marshal(map[string]string{"content": text})
			return map[string]any{"openConversationId": group, "robotCode": robot, "msgKey": "sampleText", "msgParam": string(param)}
		}
		state := func(key any) {
			answer := succeeds("robot_1_0.orgGroupQuery", nil, map[string]any{"processQueryKey": key})
			told = append(told, fmt.Sprint(answer["sendStatus"], answer["readUserIds"]))
		}

		token = succeeds("oauth2_1_0.getAccessToken", nil, map[string]any{"appKey": dingtalktest.AppKey, "appSecret": dingtalktest.AppSecret})["accessToken"].(string)
		created := succeeds("im_1_0.createGroup", nil, map[string]any{"name": "项目", "owner": "user1", "useridlist": []any{"user1", "user2"}})
		chat, group := created["chatid"].(string), created["openConversationId"]
		if got := succeeds("im_1_0.chatIdToOpenConversationId", map[string]string{"chatId": chat}, nil); got["openConversationId"] != group {
			t.Errorf("converted to %v, want %v", got, group)
		}
		robots := succeeds("robot_1_0.getBotListInGroup", nil, map[string]any{"openConversationId": group})
		told = append(told, fmt.Sprint(len(robots["chatbotInstanceVOList"].([]any))))
		key := succeeds("robot_1_0.orgGroupSend", nil, message(group, dingtalktest.RobotCode, `你好 <b> & "quotes"`))["processQueryKey"]
		server.MarkRead(key.(string), "user2")
		state(key)
		succeeds("robot_1_0.orgGroupRecall", nil, map[string]any{"openConversationId": group, "robotCode": dingtalktest.RobotCode, "processQueryKeys": []any{key}})
		state(key)
		for _, refused := range []struct {
			operation string
			body      map[string]any
		}{
			{"robot_1_0.orgGroupSend", message(group, "other", "x")},
			{"robot_1_0.orgGroupSend", message("cidunknown", dingtalktest.RobotCode, "x")},
			{"robot_1_0.orgGroupSend", message(dingtalktest.OpenConversationIDOf("chatgone"), dingtalktest.RobotCode, "x")},
			{"im_1_0.createGroup", map[string]any{"name": "", "owner": "user1", "useridlist": []any{"user1"}}},
			{"robot_1_0.getBotListInGroup", map[string]any{"openConversationId": "cidunknown"}},
		} {
			_, err := call(refused.operation, nil, refused.body)
			told = append(told, code(err))
		}
		groups, messages = server.Groups(), server.Messages()
		for i := range groups { // what is made up anew each time
			groups[i].ChatID, groups[i].OpenConversationID = "", ""
		}
		for i := range messages {
			messages[i].ProcessQueryKey, messages[i].ChatID, messages[i].OpenConversationID, messages[i].Time = "", "", "", time.Time{}
		}
		return told, groups, messages
	}
	told, groups, messages := run(false)
	want := []string{"1", "SUCCESS[user2]", "RECALLED[user2]", "invalidParameter.robotCode.notExsit", "invalid.openConversationId", "group.disbanded", "parameter.invalid", "illegal.openconevrsation.id"}
	if !reflect.DeepEqual(told, want) || len(groups) != 1 || len(messages) != 1 {
		t.Errorf("%q\n%+v %+v", told, groups, messages)
	}
	if theirs, theirGroups, theirMessages := run(true); !reflect.DeepEqual(told, theirs) || !reflect.DeepEqual(groups, theirGroups) || !reflect.DeepEqual(messages, theirMessages) {
		t.Errorf("official %q %+v %+v\nours     %q %+v %+v", theirs, theirGroups, theirMessages, told, groups, messages)
	}
}

// last keeps the last request and its answer.
type last struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
}

func (l *last) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	*l = last{r, answer.StatusCode, answer.Header, body}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, err
}

// TestEmulator makes each call to the emulator. kin-openapi's filter finds its answers valid by the contract.
func TestEmulator(t *testing.T) {
	c := newComparison(t)
	for _, d := range drawn {
		server, seen := dingtalktest.NewServer(t, dingtalktest.WithSpec(d.Routes), dingtalktest.WithChat("the-chatId_1", "cidOfTheComparison==")), &last{}
		pair, ids := c.pair(t, d, d.Ours(clientOf(t, server, seen)), d.Name+".yaml", "127.0.0.1:1", "")
		options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}
		for _, id := range ids {
			values, op := must(pair.Official.values(id, Full))(t), pair.Contract.operations[id]
			if id == "getAccessToken" && d.Name != "oauth2_1_0" {
				continue // the emulator has one operation of this name, which is the token's
			}
			if id == "getAccessToken" { // the emulator knows which credentials there are
				values.Body = map[string]any{"appKey": dingtalktest.AppKey, "appSecret": dingtalktest.AppSecret}
			}
			if _, err := pair.Ours.Send(id, values); err != nil && named[d.Name+"."+id] == "" {
				t.Errorf("%s.%s: %v", d.Name, id, err)
				continue
			}
			item := pair.Contract.document.Paths.Value(op.Template)
			err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: &openapi3filter.RequestValidationInput{
					Request: seen.request, PathParams: values.Path, Options: options,
					Route: &routers.Route{Spec: pair.Contract.document, Path: op.Template, PathItem: item, Method: op.Method, Operation: item.GetOperation(op.Method)},
				},
				Status: seen.status, Header: seen.header, Body: io.NopCloser(bytes.NewReader(seen.body)), Options: options,
			})
			if err != nil || seen.request.Method != op.Method {
				t.Errorf("%s.%s: %d %.200s: %v", d.Name, id, seen.status, seen.body, err)
			}
		}
	}
}
