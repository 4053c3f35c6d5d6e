//go:build ignore

// This file is auto-generated, don't edit it. Thanks.
// The Go sample of DingTalk's page, as gofmt formats it. Every line that differs from that says so at its end: the scheme, the endpoint, the
// token and the chat id come from the command line, what came out is printed, and two import paths have the version that the SDK of
// today has. The others are the page's.

// Command go runs the sample.
package main

import (
	"fmt"                                                            // added
	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client" // changed
	dingtalkim_1_0 "github.com/alibabacloud-go/dingtalk/im_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service" // changed
	"github.com/alibabacloud-go/tea/tea"
	"os"
)

/**
 * Initialize the account Client using Token
 * @return Client
 * @throws Exception
 */
func CreateClient(protocol, endpoint string) (_result *dingtalkim_1_0.Client, _err error) { // changed
	config := &openapi.Config{}
	config.Protocol = tea.String(protocol) // changed
	config.RegionId = tea.String("central")
	config.Endpoint = tea.String(endpoint) // added
	_result = &dingtalkim_1_0.Client{}     //nolint:ineffassign // as the page has it
	_result, _err = dingtalkim_1_0.NewClient(config)
	return _result, _err
}

func _main(args []*string) (_err error) {
	client, _err := CreateClient(*args[0], *args[1]) // changed
	if _err != nil {
		return _err
	}

	chatIdToOpenConversationIdHeaders := &dingtalkim_1_0.ChatIdToOpenConversationIdHeaders{} //nolint:revive // as the page has it
	chatIdToOpenConversationIdHeaders.XAcsDingtalkAccessToken = args[2]                      // changed
	tryErr := func() (_e error) {
		defer func() {
			if r := tea.Recover(recover()); r != nil {
				_e = r
			}
		}()
		answer, _err := client.ChatIdToOpenConversationIdWithOptions(args[3], chatIdToOpenConversationIdHeaders, &util.RuntimeOptions{}) // changed; by := an error that was printed does not make main panic
		if _err != nil {
			return _err
		}
		fmt.Printf("{\"id\": %q}\n", *answer.Body.OpenConversationId) // added

		return nil
	}()

	if tryErr != nil {
		var err = &tea.SDKError{}
		if _t, ok := tryErr.(*tea.SDKError); ok { //nolint:errorlint // as the page has it
			err = _t
		} else {
			err.Message = tea.String(tryErr.Error())
		}
		if !tea.BoolValue(util.Empty(err.Code)) && !tea.BoolValue(util.Empty(err.Message)) {
			// err contains the code and message attributes that help you locate the issue
			fmt.Printf("{\"code\": %q, \"message\": %q}\n", *err.Code, *err.Message) // added
		} else { // added
			fmt.Printf("{\"failure\": %q}\n", *err.Message) // added
		}

	}
	return _err
}

func main() {
	err := _main(tea.StringSlice(os.Args[1:]))
	if err != nil {
		panic(err)
	}
}
