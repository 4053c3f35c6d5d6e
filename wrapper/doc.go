// Package dingtalk converts the legacy chatId of a DingTalk group chat into the openConversationId that newer APIs
// require, and calls other operations of DingTalk:
//
//	import dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
//
//	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: key, AppSecret: secret})
//	...
//	id, err := client.OpenConversationID(ctx, chatID)
//
// The requests and answers of its typed methods, and the codes of errors, are in package generated: import it, too, to call
// [Client.OrgGroupSend] or to compare Error.Code.
//
// A [Client] is safe for concurrent use: make one and keep it. [WithRegion] or [WithBaseURL] selects the host.
//
// # Errors
//
// Every failed call returns an *[Error]. [errors.Is] finds its kind, a sentinel such as [ErrInvalidChatID] or
// [ErrThrottled]. It also matches failures of earlier attempts kept in Error.Err: to look at the last failure alone,
// compare Error.Kind. [Error.Scope] tells failures of this chat from failures of every chat. Error.Code is one of the
// constants of package generated, or the service's own text for an unknown code. Code, Message and RequestID are for
// people and for DingTalk's support. If the caller's own context ended the call, the kind is [context.Canceled] or
// [context.DeadlineExceeded].
//
// # Credentials
//
// With [AppCredentials] the client fetches the app's access token (single flight), renews it in the background before
// it expires, and refreshes it when the service rejects it. [StaticToken], [TokenSource] and [TokenSourceFunc] use a
// token kept elsewhere. No error, log entry or formatted value holds a secret.
//
// # Any other operation
//
// Each operation of the contract has a method. openconversation-gen generates such methods from your own contract, as a
// package of your own module. They call [Do], and so share the client's token, limits, errors and retries. [Client.Do]
// calls an operation without a contract. A [CallOption] changes one call, and [WithCallOptions] all of a client.
//
// # Retries
//
// The client retries network faults, 5xx answers and throttles: three attempts, each of at most ten seconds, with
// backoff and full jitter, never past the caller's deadline (see [Retry] and [WithTimeout]). It never retries a
// refusal. An operation that is not safe to repeat, such as one that sends a message, is retried only if the service
// surely did not process it: no connection, a throttle, or a rejected token. One attempt is at most one request on the
// wire, over HTTP/2, too: what net/http would send again by itself ends the attempt.
//
// Failures and throttles concern their operation at its host (without a contract: the method and the path without ids).
// While an operation fails, its circuit breaker sends one probe at a time, at most every 0.8 s. A caller's deadline that
// passes counts as a failure if no answer came meanwhile; a call that can wait twice as long is sent all the same. A ban,
// the quota and rejected credentials concern the client, but not a token that others use with success meanwhile.
//
// # The caller's own code
//
// A transport, limiter, token source, token store, budget, cache or log handler of the caller's own may block, or call
// the client itself: it delays only its own call. A log handler that calls the client with the context it got is not
// logged again. If one panics, the panic reaches the caller. In a goroutine of this package (a token fetch, or a run
// over many chats) the panic becomes an error with [ErrPanicked]. A panic of a cache, token store or log handler does
// not fail the call.
//
// # Many chats
//
// [ConvertEach] and [Client.OpenConversationIDs] convert a sequence in its order, at the rate of a [Limiter]. They stop
// at an error that every further chat would meet, such as an exhausted monthly quota. [WithCache] keeps conversions,
// and so saves calls; package dingtalkcache keeps them in memory.
//
// # Many processes
//
// Limits apply to the app, not to a process. [WithTokenStore], [WithLimiter], [WithBudget] and [WithCache] take
// implementations that processes share; package dingtalkredis shares all four through Redis.
//
// Package dingtalktest emulates the service for an app's own tests.
package dingtalk
