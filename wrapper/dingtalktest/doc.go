// Package dingtalktest emulates DingTalk's gateway for the tests of apps. It speaks HTTP over real sockets, answers as openapi.yaml
// describes, and fails on command.
//
//	server := dingtalktest.NewServer(t)
//	// Point the client at server.URL, with dingtalktest.AppKey and dingtalktest.AppSecret.
//
// # What it knows
//
// An emulator knows the chat of DingTalk's reference page: [ChatID] converts to [OpenConversationID]. [WithChat] and [WithGroup] add
// chats, and [WithAnyChat] makes up an openConversationId for any id. Other ids are answered invalideChatId.
//
// It serves every operation of openapi.yaml. Groups that are created can be converted, described and sent to; messages can be
// queried and recalled; the rest answers the example of openapi.yaml. [WithSpec] adds the operations of another contract, and
// [WithAnswer] replaces an operation's answer.
//
// # How it resembles the service
//
//   - The token call returns the current token and renews it, and a new one after its expiry.
//   - A rejected token is answered 400 InvalidAuthentication, not 401; a missing token has a code of its own.
//   - Missing permissions, refused addresses, limits and the quota are answered 403; only the code tells them apart.
//   - Parameters and bodies are checked for required fields, types and bounds, as the contract of the operation describes them.
//   - A path outside the gateway is answered 200 with an error of the legacy API.
//   - The conversion accepts any content type, or none, and ignores a body.
//   - Every answer of the gateway has a made-up request id in the header x-acs-request-id; errors have it in the body, too.
//
// Bodies of errors are captured ones where any are known, and synthetic otherwise: see [generated.ErrorCode.Observed]. [Settings]
// lists what is not documented and was chosen here. A chat id is one path segment: a%2Fb is the id a/b, and a/b is another path.
//
// # Make it fail
//
// [Emulator.FailNext] queues faults: an error code, any status and body, bytes on the bare connection, a reset, a lost answer, a
// connection that hangs. A [Fault] can wait for an operation, a chat, an app, a header or a reused connection, apply to
// several requests, and have a delay. [Emulator.RejectTokens] revokes the issued tokens. [Emulator.Configure] changes
// the settings while the emulator runs.
//
// # See what arrived
//
// [Emulator.Counts] counts all requests by operation, status and code. [Emulator.Requests] returns the last ones with their bodies,
// without secrets. [Emulator.Groups] and [Emulator.Messages] return the groups that were created and the messages that were
// sent; [Emulator.SetGroup] and [Emulator.MarkRead] change them. Everything is bounded, so an emulator may run for long.
package dingtalktest

//go:generate go run ./internal/describe
