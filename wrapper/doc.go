// Package dingtalk converts the legacy chatId of a DingTalk group chat into the openConversationId that newer APIs
// require, and calls other operations of DingTalk:
//
//	import dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
//
//	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: key, AppSecret: secret},
//		dingtalk.WithRegion(dingtalk.MainlandChina)) // the default is International
//	...
//	id, err := client.OpenConversationID(ctx, chatID)
//
// A [Client] is safe for concurrent use: make one and keep it. [WithRegion] or [WithBaseURL] selects the host. Every
// failed call returns an *[Error]; no error, log entry or formatted value holds a secret.
//
// # Other operations
//
// Each operation of the contract has a method, whose requests and answers are in package generated, as are the codes of
// errors. openconversation-gen generates such methods from your own contract, as a package of your own module. They call
// [Do], and so share the client's token, limits, errors and retries. [Client.Do] calls an operation without a contract.
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
// A transport, limiter, token source, token store, budget, cache or log handler of the caller's own is called from many
// goroutines. It may block, or call the client itself: it delays only its own call. A log handler that calls the client
// with the context it got is not logged again. If one panics, the panic reaches the caller. In a goroutine of this
// package (a token fetch, or a run over many chats) the panic becomes an error with [ErrPanicked]. A panic of a cache,
// token store or log handler does not fail the call.
//
// # Many chats, many processes
//
// [ConvertEach] and [Client.OpenConversationIDs] convert a sequence in its order, at the rate of a [Limiter]. Limits
// apply to the app, not to a process: [WithTokenStore], [WithLimiter], [WithBudget] and [WithCache] take what processes
// share, and package dingtalkredis shares all four through Redis. Package dingtalkcache keeps conversions in memory, and
// package dingtalktest emulates the service for an app's own tests.
package dingtalk
