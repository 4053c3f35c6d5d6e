// Package dingtalktest is an emulator of the part of DingTalk's gateway that this module calls, for the tests of apps.
// It speaks HTTP over real sockets, holds to the contract in openapi.yaml, and misbehaves on command.
//
//	server := dingtalktest.NewServer(t)
//	// Point the client at server.URL, with dingtalktest.AppKey and dingtalktest.AppSecret.
//
// # What it knows
//
// The chat of the reference page, [ChatID], is always known and converts to [OpenConversationID]; [WithChat] adds more,
// and [WithAnyChat] makes up an answer for every id. Other ids are answered invalideChatId, as unknown chats are.
//
// Every operation of the contract is served, with the contract's example of its success; [WithSpec] adds the operations of
// a contract of your own, and [WithAnswer] gives an operation another answer.
//
// # What it does as the service does
//
//   - The token call returns the same token while that is valid and renews it, and a new one after its expiry.
//   - A rejected token is answered 400 InvalidAuthentication, not 401; a missing one has a code of its own.
//   - Permissions, addresses, limits and quota are refused with 403; only the code tells them apart.
//   - A path outside the gateway is answered 200 with an error of the legacy API.
//   - The conversion accepts any content type, or none, and ignores a body.
//   - Every answer of the gateway has a made-up request id in the header x-acs-request-id, errors also in their body.
//
// Some things are not documented and therefore chosen: the order in which a request's token, address, permission,
// rate, quota and chat are checked; the month's time zone; how a second is measured. The options say what was chosen.
// Bodies of errors are those of captured answers where there are any, and are synthetic otherwise:
// [generated.ErrorCode.Observed] tells which.
//
// A raw space in a request line is refused by net/http with a plain 400 before the emulator sees it. Other sloppy
// escaping is read as net/http reads it. A chat id is one path segment: a%2Fb is the id a/b, and a/b is another path.
//
// # Making it fail
//
// [Emulator.FailNext] queues faults: an error code, an answer of any shape, bytes on the bare connection, a reset, a
// connection that hangs. [Fault.For] binds one to an operation, [Fault.Times] and [Fault.Always] repeat it, others give
// it a delay, a Retry-After, another status. [Emulator.RejectTokens] makes the tokens issued so far invalid.
// [Emulator.Configure] applies options while the emulator runs.
//
// # What it saw
//
// [Emulator.Count] and [Emulator.Counts] count every request by operation, status and code. [Emulator.Requests] returns
// the last ones without secrets; their number and size are bounded, so an emulator may run for long. [Emulator.Groups] and
// [Emulator.Messages] return the groups that were created and the messages that robots sent; [Emulator.SetGroup] and
// [Emulator.MarkRead] change them.
package dingtalktest

//go:generate go run ./internal/describe
