package dingtalk

import (
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// Scope says how far a failure reaches.
type Scope int

// The scopes.
const (
	ScopeUnclear Scope = iota // this chat alone, or every one: several in a row end a run over many chats
	ScopeChat                 // this chat alone
	ScopeAll                  // every further call would meet it: a run ends
)

func (s Scope) String() string { return [...]string{"unclear", "chat", "all"}[s] }

// Kind is what a failure means: the type of every sentinel of this package. It is one of a fixed list; see [Kinds].
type Kind struct { //nolint:errname // it is what Error.Kind holds; the error is Error
	name   generated.Kind
	text   string
	inARow int
}

// Name is the kind's name, such as "invalid-chat-id": the contract's, where its catalogue has the kind.
func (k *Kind) Name() generated.Kind { return k.name }

// Error is the kind's text for people.
func (k *Kind) Error() string { return k.text }

// InARow is how many failures of this kind in a row end a run over many chats: 1 is the first, 0 is any number.
func (k *Kind) InARow() int { return k.inARow }

// Scope says how far a failure of this kind reaches.
func (k *Kind) Scope() Scope { return scopeOf(k.inARow) }

func scopeOf(inARow int) Scope {
	switch inARow {
	case 0:
		return ScopeChat
	case 1:
		return ScopeAll
	default:
		return ScopeUnclear
	}
}

// How many failures in a row end a run that may be about one chat alone: of the network or the service, and of answers
// that are not the service's.
const (
	outages   = 5
	oddities  = 3
	firstOne  = 1
	anyNumber = 0
)

// Kinds returns all kinds.
func Kinds() []*Kind {
	list := make([]*Kind, len(kinds))
	for i, k := range kinds {
		list[i] = k.(*Kind) //nolint:errorlint // a sentinel is never wrapped
	}
	return list
}

// The kinds of failure. Error.Kind is one of them, or [context.Canceled] or [context.DeadlineExceeded] if the caller's
// own context ended the call. [errors.Is] also matches the kinds of what Error.Err holds: failures of earlier attempts,
// or what ended a run ([ErrNotTried]). To look at the last failure alone, compare Error.Kind.
var (
	// ErrInvalidChatID: no chat has this id, or it cannot be one. Other chats are not affected.
	ErrInvalidChatID error = &Kind{generated.KindInvalidChatID, "chat id is unknown or malformed", anyNumber}
	// ErrOwnerNotVisible: the group's owner is outside the app's visible range. Other chats are not affected; widen
	// the range in the developer console.
	ErrOwnerNotVisible error = &Kind{generated.KindOwnerNotVisible, "group owner is outside the app's visible range", anyNumber}
	// ErrUnauthenticated: the credentials are wrong, or the token was rejected and a new one did not help.
	ErrUnauthenticated error = &Kind{generated.KindUnauthenticated, "credentials or access token rejected", firstOne}
	// ErrPermissionDenied: the app lacks a permission; Error.RequiredScopes may name it.
	ErrPermissionDenied error = &Kind{generated.KindPermissionDenied, "permission denied", firstOne}
	// ErrIPNotAllowed: this machine's address is not in the app's allow list.
	ErrIPNotAllowed error = &Kind{generated.KindIPNotAllowed, "address not allowed", firstOne}
	// ErrThrottled: a limit per second or minute was passed, and waiting as long as allowed did not help.
	ErrThrottled error = &Kind{generated.KindThrottled, "throttled", firstOne}
	// ErrQuotaExhausted: the organisation's calls of this month are used up. Every further call would fail.
	ErrQuotaExhausted error = &Kind{generated.KindQuotaExhausted, "monthly quota exhausted", firstOne}
	// ErrBlocked: this machine's address is banned for some minutes (Error.RetryAfter). The client sends nothing
	// until then. No sample is known of the page that a banned address gets, so any HTML page with status 403 counts as
	// one: behind a proxy, look at its log first.
	ErrBlocked error = &Kind{"blocked", "address banned for a while", firstOne}
	// ErrUnavailable: the service could not be reached, or failed, more often than the client repeats a call.
	ErrUnavailable error = &Kind{generated.KindUnavailable, "service unavailable", outages}
	// ErrUnexpectedResponse: the answer was not one that the contract knows, such as HTML with status 200.
	ErrUnexpectedResponse error = &Kind{"unexpected-response", "unexpected response", oddities}
	// ErrRedirect: the service redirected, which is never followed: the access token would go along.
	ErrRedirect error = &Kind{"redirect", "redirect refused", firstOne}
	// ErrTLS: no trustworthy connection could be made. Repeating does not help.
	ErrTLS error = &Kind{"tls", "TLS failed", firstOne}
	// ErrRejected: the service refused the request for a reason that has no sentinel. See Error.Code.
	ErrRejected error = &Kind{generated.KindRejected, "request rejected", oddities}
	// ErrPanicked: the caller's own code panicked, or ended its goroutine, in a goroutine of this package's own. That code
	// is the transport, limiter, budget, token source or input sequence; [runtime.Goexit] and t.FailNow end a goroutine.
	// In the caller's goroutine, a panic reaches the caller as it is.
	ErrPanicked error = &Kind{"panicked", "the caller's own code panicked", oddities}
	// ErrNotTried: no call was made for this id, because an earlier one of the same run met what every other would meet.
	// The error wraps the cause, which may also be that the caller stopped the run.
	ErrNotTried error = &Kind{"not-tried", "not tried", firstOne}
)

// kinds are all of them.
var kinds = [...]error{
	ErrInvalidChatID, ErrOwnerNotVisible, ErrUnauthenticated, ErrPermissionDenied,
	ErrIPNotAllowed, ErrThrottled, ErrQuotaExhausted, ErrBlocked,
	ErrUnavailable, ErrUnexpectedResponse, ErrRedirect, ErrTLS,
	ErrRejected, ErrPanicked, ErrNotTried,
}

// ErrTooLarge is found, in addition to [ErrUnexpectedResponse], when a body passed the limit of 1 MiB after decompression.
var ErrTooLarge = wire.ErrTooLarge

// Sentinel returns the sentinel of a kind of the contract's catalogue, such as [ErrThrottled] for
// [generated.KindThrottled]: [ErrRejected] for one that has none.
func Sentinel(name generated.Kind) error {
	for _, k := range kinds {
		if k.(*Kind).name == name { //nolint:errorlint // a sentinel is never wrapped
			return k
		}
	}
	return ErrRejected
}

// inARow is how many failures like this one in a row end a run.
func (e *Error) inARow() int {
	k, ok := e.Kind.(*Kind) //nolint:errorlint // a kind is never wrapped
	switch {
	case !ok: // the caller's context
		return firstOne
	case e.Kind == ErrPermissionDenied && generated.LookupErrorCode(string(e.Code)) == nil: //nolint:errorlint // likewise
		return oddities // a 403 without a known code may be a proxy's
	default:
		return k.inARow
	}
}

// Scope says whether the failure is about this chat, every one, or either. [ConvertEach] and
// [Client.OpenConversationIDs] go by it.
func (e *Error) Scope() Scope { return scopeOf(e.inARow()) }
