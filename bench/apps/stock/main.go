// Command stock is an app that makes one call with oapi-codegen's own client.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/bench/stock"
)

func main() {
	client, err := stock.NewClientWithResponses("https://api.dingtalk.io", stock.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set("x-acs-dingtalk-access-token", os.Args[2])
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.ChatIDToOpenConversationIDWithResponse(context.Background(), os.Args[1])
	fmt.Println(resp, err)
}
