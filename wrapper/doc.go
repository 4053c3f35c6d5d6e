// Package dingtalk turns the legacy chatId of a DingTalk group chat into the openConversationId that newer APIs
// require. It is the one package that apps import:
//
//	import dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
//
//	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: key, AppSecret: secret})
//	...
//	id, err := client.OpenConversationID(ctx, chatID)
//
// A [Client] is safe for concurrent use: make one and keep it. [WithRegion] or [WithBaseURL] says which host it calls.
//
// # Errors
//
// Every failure of a call is one *[Error]. [errors.Is] finds its kind, a sentinel such as [ErrInvalidChatID] or
// [ErrThrottled]; decide by that, and by Error.Kind where a failure before it could match too. Its Code is one of the constants of package generated, or the service's own text if
// it is a new one; Code, Message and RequestID are for people and for DingTalk's support. When the caller's own context
// ended the call, the kind is [context.Canceled] or [context.DeadlineExceeded].
//
// # Credentials
//
// With [AppCredentials] the client fetches the app's access token, once for all calls that wait for it, renews it in the
// background before its end, and replaces it when the service rejects it. [StaticToken] and [TokenSource] take a token
// that is kept elsewhere. No error, log entry or formatted value holds a secret.
//
// # What is repeated
//
// Network faults, 5xx answers and throttles are repeated, three attempts in all, each of at most ten seconds, with
// random pauses that never pass the caller's deadline: see [Retry] and [WithTimeout]. While the service fails, all calls
// of a client together send one probe at a time. A refusal is never repeated.
//
// # Many chats
//
// [Client.OpenConversationIDs] converts a sequence of ids in its order, at the pace of a [Limiter], and stops making
// calls at an error that every further chat would meet, such as the end of the month's quota. [WithCache] keeps
// conversions, so that a chat costs one call; package dingtalkcache keeps them in memory.
//
// # Many processes
//
// The limits belong to the app, not to a process. [WithTokenStore], [WithLimiter], [WithBudget] and [WithCache] take
// what processes share; package dingtalkredis shares all four through Redis.
//
// # Tests
//
// Package dingtalktest is an emulator of the service for an app's own tests.
//
// What the service documents, its limits and its error codes are in openapi.yaml, as [generated.ErrorCodes] in Go; what
// to do about each is decided here.
package dingtalk
