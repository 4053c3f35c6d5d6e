// Package migrate is one call written twice: with DingTalk's official SDK, and with this one. Its tests run both against
// the emulator, and compare what docs/migrating-from-the-official-sdk.md shows with the parts between the marks here.
package migrate

import (
	"errors"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	im "github.com/alibabacloud-go/dingtalk/im_1_0"
	oauth2 "github.com/alibabacloud-go/dingtalk/oauth2_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
)

// before converts with the official SDK.
type before struct {
	config         *openapi.Config
	key, secret    string
	token          string
	runtimeOptions *util.RuntimeOptions
}

// newBefore takes the protocol and the host apart, as the official SDK does. An empty protocol is left to it.
func newBefore(protocol, host, key, secret string) *before {
	// snippet: config
	config := &openapi.Config{
		RegionId: tea.String("central"),
		Endpoint: tea.String(host), // "api.dingtalk.com" if it is not set
	}
	if protocol != "" {
		config.Protocol = tea.String(protocol) // "HTTP" if it is not set
	}
	// end
	return &before{config: config, key: key, secret: secret, runtimeOptions: &util.RuntimeOptions{}}
}

func (b *before) fetchToken() error {
	config, appKey, appSecret := b.config, b.key, b.secret
	// snippet: token
	auth, err := oauth2.NewClient(config)
	if err != nil {
		return err
	}
	answer, err := auth.GetAccessToken(&oauth2.GetAccessTokenRequest{
		AppKey:    tea.String(appKey),
		AppSecret: tea.String(appSecret),
	})
	if err != nil {
		return err
	}
	token := tea.StringValue(answer.Body.AccessToken) // yours to keep, for answer.Body.ExpireIn seconds
	// end
	b.token = token
	return nil
}

func (b *before) convert(chatID string) (string, error) {
	config, token, runtimeOptions := b.config, b.token, b.runtimeOptions
	// snippet: call
	client, err := im.NewClient(config)
	if err != nil {
		return "", err
	}
	headers := &im.ChatIdToOpenConversationIdHeaders{XAcsDingtalkAccessToken: tea.String(token)}
	answer, err := client.ChatIdToOpenConversationIdWithOptions(tea.String(chatID), headers, runtimeOptions)
	if err != nil {
		return "", err
	}
	id := tea.StringValue(answer.Body.OpenConversationId) // empty if the answer had none
	// end
	return id, nil
}

// codeBefore is the service's code of an error, and whether it says that the chat is unknown.
func codeBefore(err error) (code string, unknown bool) {
	// snippet: error
	var failure *tea.SDKError
	if errors.As(err, &failure) {
		code = tea.StringValue(failure.Code)
		unknown = code == "invalideChatId"
	}
	// end
	return code, unknown
}
