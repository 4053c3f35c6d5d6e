// Command sdk is an app that makes one call with this SDK.
package main

import (
	"context"
	"fmt"
	"os"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func main() {
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: os.Args[2], AppSecret: os.Args[3]})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.OpenConversationID(context.Background(), os.Args[1]))
}
