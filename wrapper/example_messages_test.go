package dingtalk_test

import (
	"context"
	"fmt"
	"log"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Convert a chatId, send a message to its group and query its state. The robot must be in the group.
func ExampleClient_OrgGroupSend() {
	server := dingtalktest.NewServer(nil) // emulates DingTalk
	defer server.Close()
	creds := dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
	client, err := dingtalk.NewClient(creds, dingtalk.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	group, err := client.OpenConversationID(ctx, "chatfaabe59a460527f5fb72fbbdfe3f061e")
	if err != nil {
		log.Fatal(err)
	}
	sent, err := client.OrgGroupSend(ctx, generated.OrgGroupSendRequest{
		OpenConversationID: group, RobotCode: dingtalktest.RobotCode,
		MsgKey: "sampleText", MsgParam: map[string]string{"content": "It works."},
	})
	if err != nil {
		log.Fatal(err) // an *Error; with MayBeDone, check before sending again
	}
	state, err := client.OrgGroupQuery(ctx, generated.OrgGroupQueryRequest{ProcessQueryKey: sent.ProcessQueryKey})
	fmt.Println(group, state.SendStatus, err)
	// Output: cidl1B8RVUFmkO50OC9uEbySQ== SUCCESS <nil>
}
