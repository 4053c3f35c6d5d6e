package official

import (
	std "context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	im "github.com/alibabacloud-go/dingtalk/im_1_0"
	oauth2 "github.com/alibabacloud-go/dingtalk/oauth2_1_0"
	robot "github.com/alibabacloud-go/dingtalk/robot_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// sender goes from a token to a message's state, with one of the two SDKs.
type sender interface {
	create(name, owner string, members ...string) (chatID, openConversationID string, err error)
	convert(chatID string) (string, error)
	robots(group string) ([]string, error)
	send(group, robotCode, text string) (key string, err error)
	state(key string) (status string, readers []string, err error)
	recall(group, robotCode, key string) (recalled []string, err error)
}

// theirs is DingTalk's official SDK.
type theirs struct {
	im    *im.Client
	robot *robot.Client
	token *string
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func newTheirs(t *testing.T, server *dingtalktest.Server) theirs {
	t.Helper()
	config := func() *openapi.Config {
		return &openapi.Config{Endpoint: tea.String(strings.TrimPrefix(server.URL, "http://")), Protocol: tea.String("http"), RegionId: tea.String("central")}
	}
	tokens := must[*oauth2.Client](t)(oauth2.NewClient(config()))
	token := must[*oauth2.GetAccessTokenResponse](t)(tokens.GetAccessToken(&oauth2.GetAccessTokenRequest{
		AppKey: tea.String(dingtalktest.AppKey), AppSecret: tea.String(dingtalktest.AppSecret),
	}))
	return theirs{must[*im.Client](t)(im.NewClient(config())), must[*robot.Client](t)(robot.NewClient(config())), token.Body.AccessToken}
}

func (s theirs) create(name, owner string, members ...string) (string, string, error) {
	headers := &im.CreateGroupHeaders{XAcsDingtalkAccessToken: s.token}
	got, err := s.im.CreateGroupWithOptions(&im.CreateGroupRequest{Name: &name, Owner: &owner, Useridlist: tea.StringSlice(members)}, headers, &util.RuntimeOptions{})
	if err != nil {
		return "", "", err
	}
	return tea.StringValue(got.Body.Chatid), tea.StringValue(got.Body.OpenConversationId), nil
}

func (s theirs) convert(chatID string) (string, error) {
	got, err := s.im.ChatIdToOpenConversationIdWithOptions(&chatID, &im.ChatIdToOpenConversationIdHeaders{XAcsDingtalkAccessToken: s.token}, &util.RuntimeOptions{})
	if err != nil {
		return "", err
	}
	return tea.StringValue(got.Body.OpenConversationId), nil
}

func (s theirs) robots(group string) (codes []string, err error) {
	got, err := s.robot.GetBotListInGroupWithOptions(&robot.GetBotListInGroupRequest{OpenConversationId: &group}, &robot.GetBotListInGroupHeaders{XAcsDingtalkAccessToken: s.token}, &util.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	for _, r := range got.Body.ChatbotInstanceVOList {
		codes = append(codes, tea.StringValue(r.RobotCode))
	}
	return codes, nil
}

func (s theirs) send(group, robotCode, text string) (string, error) {
	var param strings.Builder
	encoder := json.NewEncoder(&param)
	encoder.SetEscapeHTML(false) // as this project makes it
	if err := encoder.Encode(map[string]string{"content": text}); err != nil {
		return "", err
	}
	got, err := s.robot.OrgGroupSendWithOptions(&robot.OrgGroupSendRequest{
		OpenConversationId: &group, RobotCode: &robotCode, MsgKey: tea.String("sampleText"), MsgParam: tea.String(strings.TrimSpace(param.String())),
	}, &robot.OrgGroupSendHeaders{XAcsDingtalkAccessToken: s.token}, &util.RuntimeOptions{})
	if err != nil {
		return "", err
	}
	return tea.StringValue(got.Body.ProcessQueryKey), nil
}

func (s theirs) state(key string) (string, []string, error) {
	got, err := s.robot.OrgGroupQueryWithOptions(&robot.OrgGroupQueryRequest{ProcessQueryKey: &key}, &robot.OrgGroupQueryHeaders{XAcsDingtalkAccessToken: s.token}, &util.RuntimeOptions{})
	if err != nil {
		return "", nil, err
	}
	return tea.StringValue(got.Body.SendStatus), tea.StringSliceValue(got.Body.ReadUserIds), nil
}

func (s theirs) recall(group, robotCode, key string) ([]string, error) {
	got, err := s.robot.OrgGroupRecallWithOptions(&robot.OrgGroupRecallRequest{
		OpenConversationId: &group, RobotCode: &robotCode, ProcessQueryKeys: tea.StringSlice([]string{key}),
	}, &robot.OrgGroupRecallHeaders{XAcsDingtalkAccessToken: s.token}, &util.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	return tea.StringSliceValue(got.Body.SuccessResult), nil
}

// wrapped is this project's SDK.
type wrapped struct{ client *dingtalk.Client }

func (s wrapped) create(name, owner string, members ...string) (string, string, error) {
	got, err := s.client.CreateGroup(std.Background(), generated.CreateGroupRequest{Name: name, Owner: owner, UserIDs: members})
	return got.ChatID, got.OpenConversationID, err
}

func (s wrapped) convert(chatID string) (string, error) {
	return s.client.OpenConversationID(std.Background(), chatID)
}

func (s wrapped) robots(group string) (codes []string, err error) {
	got, err := s.client.GetBotListInGroup(std.Background(), generated.GetBotListInGroupRequest{OpenConversationID: group})
	for _, r := range got.ChatbotInstanceVOList {
		codes = append(codes, tea.StringValue(r.RobotCode))
	}
	return codes, err
}

func (s wrapped) send(group, robotCode, text string) (string, error) {
	got, err := s.client.OrgGroupSend(std.Background(), generated.OrgGroupSendRequest{
		OpenConversationID: group, RobotCode: robotCode, MsgKey: "sampleText", MsgParam: map[string]string{"content": text},
	})
	return got.ProcessQueryKey, err
}

func (s wrapped) state(key string) (string, []string, error) {
	got, err := s.client.OrgGroupQuery(std.Background(), generated.OrgGroupQueryRequest{ProcessQueryKey: key})
	return got.SendStatus, got.ReadUserIDs, err
}

func (s wrapped) recall(group, robotCode, key string) ([]string, error) {
	got, err := s.client.OrgGroupRecall(std.Background(), generated.OrgGroupRecallRequest{OpenConversationID: group, RobotCode: robotCode, ProcessQueryKeys: []string{key}})
	return got.SuccessResult, err
}

// code is the service's code in an error of either SDK.
func code(t *testing.T, err error) string {
	t.Helper()
	ours, official := (*dingtalk.Error)(nil), (*tea.SDKError)(nil)
	switch {
	case errors.As(err, &ours):
		return string(ours.Code)
	case errors.As(err, &official):
		return tea.StringValue(official.Code)
	}
	t.Errorf("%v is no error of either SDK", err)
	return ""
}

// TestChain goes from a token to the state of a message with both SDKs, against one emulator each: the same calls succeed and
// are refused with the same codes, what one has made the other can use, and both emulators hold the same in the end.
func TestChain(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	type outcome struct {
		Groups   []dingtalktest.Group
		Messages []dingtalktest.Message
		Codes    []string
		Readers  []string
		States   []string
	}
	run := func(side func(*dingtalktest.Server) sender) outcome {
		server := dingtalktest.NewServer(t, dingtalktest.WithGroup(dingtalktest.Group{ChatID: "chatgone", Disbanded: true}))
		s := side(server)
		chatID, group, err := s.create("项目", "user1", "user1", "user2")
		if err != nil {
			t.Fatal(err)
		}
		if converted, err := s.convert(chatID); err != nil || converted != group {
			t.Errorf("converted to %q, %v; want %q", converted, err, group)
		}
		if codes, err := s.robots(group); err != nil || !reflect.DeepEqual(codes, []string{dingtalktest.RobotCode}) {
			t.Errorf("robots %q, %v", codes, err)
		}
		key, err := s.send(group, dingtalktest.RobotCode, `你好 <b> & "quotes"`)
		if err != nil {
			t.Fatal(err)
		}
		server.MarkRead(key, "user2")
		out := outcome{}
		for _, step := range []func() error{
			func() error { return nil },
			func() error {
				recalled, err := s.recall(group, dingtalktest.RobotCode, key)
				if len(recalled) != 1 || recalled[0] != key {
					t.Errorf("recalled %q", recalled)
				}
				return err
			},
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
			status, readers, err := s.state(key)
			if err != nil {
				t.Fatal(err)
			}
			out.States, out.Readers = append(out.States, status), readers
		}
		for _, refused := range []func() error{
			func() error { _, err := s.send(group, "other", "x"); return err },
			func() error { _, err := s.send("cidunknown", dingtalktest.RobotCode, "x"); return err },
			func() error {
				_, err := s.send(dingtalktest.OpenConversationIDOf("chatgone"), dingtalktest.RobotCode, "x")
				return err
			},
			func() error { _, err := s.send(group, dingtalktest.RobotCode, strings.Repeat("x", 14_986)); return err }, // 15,000 bytes in all
			func() error { _, _, err := s.create("", "user1", "user1"); return err },
			func() error { _, err := s.robots("cidunknown"); return err },
		} {
			if err := refused(); err == nil {
				out.Codes = append(out.Codes, "")
			} else {
				out.Codes = append(out.Codes, code(t, err))
			}
		}
		out.Groups, out.Messages = server.Groups(), server.Messages()
		for i := range out.Groups { // what is made up anew each time
			out.Groups[i].ChatID, out.Groups[i].OpenConversationID = "", ""
		}
		for i := range out.Messages {
			m := &out.Messages[i]
			m.ProcessQueryKey, m.ChatID, m.OpenConversationID = "", "", ""
			m.Time = time.Time{}
		}
		return out
	}
	official := run(func(server *dingtalktest.Server) sender { return newTheirs(t, server) })
	ours := run(func(server *dingtalktest.Server) sender {
		creds := dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
		return wrapped{must[*dingtalk.Client](t)(dingtalk.NewClient(creds, dingtalk.WithBaseURL(server.URL)))}
	})
	if !reflect.DeepEqual(official, ours) {
		t.Errorf("official %+v\nours     %+v", official, ours)
	}
	want := []string{"invalidParameter.robotCode.notExsit", "invalid.openConversationId", "group.disbanded", "", "parameter.invalid", "illegal.openconevrsation.id"}
	if !reflect.DeepEqual(ours.Codes, want) {
		t.Errorf("codes %q, want %q", ours.Codes, want)
	}
	if !reflect.DeepEqual(ours.States, []string{"SUCCESS", "RECALLED"}) || len(ours.Messages) != 2 || len(ours.Groups) != 1 {
		t.Errorf("%+v", ours)
	}
}
