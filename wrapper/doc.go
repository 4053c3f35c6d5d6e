// Package dingtalk turns the legacy chatId of a DingTalk group chat into the openConversationId that newer APIs
// require. It is the one package that apps import:
//
//	import dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
//
//	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: key, AppSecret: secret})
//	...
//	id, err := client.OpenConversationID(ctx, chatID)
//
// A Client fetches and caches the app's access token, repeats what may succeed later, and returns every failure as
// one *[Error], in which [errors.Is] finds a sentinel such as [ErrThrottled] and whose Code is one of the generated
// package's constants or the server's own text. It is safe for concurrent use; make one and keep it.
//
// What the service documents, its limits and its error codes are in openapi.yaml; what to do about each is decided
// here. Package dingtalktest, below this one, is an emulator of the service for an app's own tests.
package dingtalk
