// Command fasthttp is an app that makes one call with fasthttp.
package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"github.com/valyala/fasthttp"
)

func main() {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	req.Header.SetMethod("POST")
	req.SetRequestURI("https://api.dingtalk.io/v1.0/im/chat/" + url.PathEscape(os.Args[1]) + "/convertToOpenConversationId")
	req.Header.Set("x-acs-dingtalk-access-token", os.Args[2])
	err := fasthttp.Do(req, resp)
	var out struct {
		OpenConversationID string `json:"openConversationId"`
	}
	fmt.Println(out, err, json.Unmarshal(resp.Body(), &out))
}
