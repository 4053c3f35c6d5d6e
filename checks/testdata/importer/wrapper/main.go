// Command app converts a chat, as a user's app would.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func main() {
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{
		AppKey:    os.Getenv("DINGTALK_APP_KEY"),
		AppSecret: os.Getenv("DINGTALK_APP_SECRET"),
	}, dingtalk.WithBaseURL(os.Getenv("DINGTALK_BASE_URL")))
	if err != nil {
		log.Fatal(err)
	}
	id, err := client.OpenConversationID(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
}
