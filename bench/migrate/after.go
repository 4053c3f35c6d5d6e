package migrate

import (
	"context"
	"errors"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// newAfter makes a client of this SDK.
func newAfter(baseURL, appKey, appSecret string) (*dingtalk.Client, error) {
	// snippet: config
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: appKey, AppSecret: appSecret},
		dingtalk.WithBaseURL(baseURL), // or dingtalk.WithRegion(dingtalk.MainlandChina)
	)
	// end
	return client, err
}

func after(ctx context.Context, client *dingtalk.Client, chatID string) (string, error) {
	// snippet: call
	id, err := client.OpenConversationID(ctx, chatID)
	// end
	return id, err
}

// codeAfter is the service's code of an error, and whether it says that the chat is unknown.
func codeAfter(err error) (code string, unknown bool) {
	// snippet: error
	unknown = errors.Is(err, dingtalk.ErrInvalidChatID)
	var failure *dingtalk.Error
	if errors.As(err, &failure) {
		code = string(failure.Code) // or compare with generated.CodeInvalidChatID
	}
	// end
	return code, unknown
}
