// The Go sample of DingTalk's page. Changed are the endpoint, the scheme, the token and the chat id, which come from the
// command line, and two import paths: the page's are those of an older SDK. Added is what is printed.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	dingtalkim_1_0 "github.com/alibabacloud-go/dingtalk/im_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
)

/**
 * Initialize the account Client using Token
 * @return Client
 * @throws Exception
 */
func CreateClient(protocol, endpoint string) (_result *dingtalkim_1_0.Client, _err error) {
	config := &openapi.Config{}
	config.Protocol = tea.String(protocol)
	config.RegionId = tea.String("central")
	config.Endpoint = tea.String(endpoint)
	_result = &dingtalkim_1_0.Client{} //nolint:ineffassign // as the page has it
	_result, _err = dingtalkim_1_0.NewClient(config)
	return _result, _err
}

func _main(args []*string) (_err error) {
	client, _err := CreateClient(*args[0], *args[1])
	if _err != nil {
		return _err
	}

	chatIdToOpenConversationIdHeaders := &dingtalkim_1_0.ChatIdToOpenConversationIdHeaders{} //nolint:revive // as the page has it
	chatIdToOpenConversationIdHeaders.XAcsDingtalkAccessToken = args[2]
	tryErr := func() (_e error) {
		defer func() {
			if r := tea.Recover(recover()); r != nil {
				_e = r
			}
		}()
		answer, _err := client.ChatIdToOpenConversationIdWithOptions(args[3], chatIdToOpenConversationIdHeaders, &util.RuntimeOptions{})
		if _err != nil {
			return _err
		}
		report("id", answer.Body.OpenConversationId)

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
			report("code", err.Code, "message", err.Message)
		} else {
			report("failure", err.Message)
		}
	}
	return _err
}

// report prints what the runner reads: names and values.
func report(fields ...any) {
	values := map[string]any{}
	for i := 0; i < len(fields); i += 2 {
		values[fmt.Sprint(fields[i])] = fields[i+1]
	}
	if err := json.NewEncoder(os.Stdout).Encode(values); err != nil {
		panic(err)
	}
}

func main() {
	err := _main(tea.StringSlice(os.Args[1:]))
	if err != nil {
		panic(err)
	}
}
