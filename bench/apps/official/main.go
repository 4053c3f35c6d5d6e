// Command official is an app that makes one call with DingTalk's official SDK.
package main

import (
	"fmt"
	"os"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	official "github.com/alibabacloud-go/dingtalk/im_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {
	client, err := official.NewClient(&openapi.Config{Protocol: tea.String("https"), RegionId: tea.String("central")})
	if err != nil {
		fmt.Println(err)
		return
	}
	headers := &official.ChatIdToOpenConversationIdHeaders{XAcsDingtalkAccessToken: tea.String(os.Args[2])}
	resp, err := client.ChatIdToOpenConversationIdWithOptions(tea.String(os.Args[1]), headers, &util.RuntimeOptions{})
	fmt.Println(resp, err)
}
