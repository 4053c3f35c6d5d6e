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
// [ErrThrottled]. It also matches failures of earlier attempts kept in Error.Err: to look at the last failure alone,
// compare Error.Kind. [Error.Scope] says whether a failure is about this chat or about every one. Code is one of the
// constants of package generated, or the service's own text if it is a new one; Code, Message and RequestID are for people
// and for DingTalk's support. When the caller's own context ended the call, the kind is [context.Canceled] or
// [context.DeadlineExceeded].
//
// Constructors refuse what makes no sense, with an error that names the option; nothing is changed in silence. A nil
// option is skipped.
//
// # Credentials
//
// With [AppCredentials] the client fetches the app's access token, once for all calls that wait for it, renews it in the
// background before its end, and replaces it when the service rejects it. [StaticToken], [TokenSource] and
// [TokenSourceFunc] take a token that is kept elsewhere. No error, log entry or formatted value holds a secret.
//
// # Any other operation
//
// Each operation of the contract has a method. openconversation-gen makes a package of such methods from a contract of your
// own, for your own module; they send through [Do], with the client's token, limits, errors and safety. [Client.Do] calls an
// operation that nobody wrote a contract for.
//
// # What is repeated
//
// Network faults, 5xx answers and throttles are repeated, three attempts in all, each of at most ten seconds, with
// random pauses that never pass the caller's deadline: see [Retry] and [WithTimeout]. A refusal is never repeated. An
// operation that is not safe to repeat, such as one that sends a message, is repeated only if the service surely did not
// process it: no connection, a throttle, a rejected token. While
// the service fails, a circuit breaker that all calls of a client share lets one probe through, at most every 0.8 s;
// attempts that a caller's deadline ends count as failures.
//
// # The caller's own code
//
// While a transport, limiter, token source, budget or cache of the caller's waits for one call, the others go on. If one
// panics, the panic reaches the caller, or becomes an error with [ErrPanicked] where it happens in a goroutine of this
// package's: a token fetch, or a run over many chats. A cache, token store or logger that panics has failed, no more.
//
// # Many chats
//
// [ConvertEach] and [Client.OpenConversationIDs] convert a sequence in its order, at the pace of a [Limiter], and stop
// making calls at an error that every further chat would meet, such as the end of the month's quota. [WithCache] keeps
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
