package dingtalktest

import (
	"net/http"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

// Option sets up an emulator: see [New] and [Emulator.Configure].
type Option func(*settings)

// WithChat adds a chat. It may be given more than once.
func WithChat(chatID, openConversationID string) Option {
	return func(s *settings) { s.chats[chatID] = openConversationID }
}

// WithGroup adds a group chat, with more than [WithChat] says of it. It may be given more than once.
func WithGroup(g Group) Option {
	g = g.clone().complete()
	return func(s *settings) { s.groups[g.ChatID] = g }
}

// WithAnyChat makes the emulator know every chat id, apart from those that begin with "unknown" or "cid", are longer
// than 256 bytes, hold control characters or are not UTF-8. Each has the openConversationId that
// [OpenConversationIDOf] makes up for it; chats of [WithChat] keep theirs.
func WithAnyChat() Option {
	return func(s *settings) { s.anyChat = true }
}

// WithOwnerNotVisible answers permession.checkFailed (HTTP 400) for these chats: their owners are outside the app's
// visible range.
func WithOwnerNotVisible(chatIDs ...string) Option {
	return func(s *settings) {
		for _, id := range chatIDs {
			s.hiddenOwners[id] = true
		}
	}
}

// WithCredentials accepts these credentials instead of [AppKey] and [AppSecret]. Given more than once it adds apps,
// each with a token and a limit per second of its own; the monthly quota is shared, as within an organisation.
func WithCredentials(appKey, appSecret string) Option {
	return func(s *settings) {
		if !s.ownApps {
			s.apps, s.firstApp, s.ownApps = map[string]string{}, appKey, true
		}
		s.apps[appKey] = appSecret
	}
}

// WithTokenLifetime says how long a token lasts after it was last asked for; 7200 seconds if not given. The answer's
// expireIn is this in seconds, rounded towards zero. A token whose lifetime is zero or negative is never valid.
func WithTokenLifetime(d time.Duration) Option {
	return func(s *settings) { s.tokenLifetime = d }
}

// WithExpireIn makes token answers claim this lifetime in seconds, whatever tokens really last.
func WithExpireIn(seconds int32) Option {
	return func(s *settings) { s.expireIn = &seconds }
}

// WithStickyToken makes the token call hand back a token that [Emulator.RejectTokens] made invalid, as the service may
// do, until that token's time is up.
func WithStickyToken() Option {
	return func(s *settings) { s.stickyToken = true }
}

// WithoutPermission answers conversions with AccessTokenPermissionDenied (HTTP 403), naming these scopes as missing;
// [Scope] if none is given.
func WithoutPermission(scopes ...string) Option {
	if len(scopes) == 0 {
		scopes = []string{Scope}
	}
	scopes = slices.Clone(scopes)
	return func(s *settings) { s.missingScopes = scopes }
}

// WithPermission takes [WithoutPermission] back. It is meant for [Emulator.Configure].
func WithPermission() Option {
	return func(s *settings) { s.missingScopes = nil }
}

// WithAddressNotAllowed says whether conversions are answered IpNotInWhiteList (HTTP 403): the caller's address is not
// in the app's allow list. Token calls are answered all the same.
func WithAddressNotAllowed(refused bool) Option {
	return func(s *settings) { s.addressRefused = refused }
}

// WithBannedAddress says whether every request gets the page that a banned address gets: HTML, here with status 403.
// Page and status are synthetic. [Ban] and [BanJSON] do this to single requests.
func WithBannedAddress(banned bool) Option {
	return func(s *settings) { s.banned = banned }
}

// WithQPS lets each app make n conversions in any one second, and answers the others QpsLimitForAppkeyAndApi
// (HTTP 403); 0 means no limit. The window slides: a conversion passes if fewer than n passed in the second before it.
// How the real gateway measures is not known; a caller that stays within this limit stays within one counted by the
// clock's seconds, and within a bucket of n. Refused conversions count neither here nor towards [WithMonthlyQuota].
func WithQPS(n int) Option {
	return func(s *settings) { s.qps = max(n, 0) }
}

// WithMonthlyQuota lets n conversions pass in a calendar month (UTC+8, by the emulator's clock), all apps together, and
// answers the others ApiCountLimitForOrg (HTTP 403); a negative n means no limit. Token calls do not count. Nor do
// requests that were refused earlier: for their token, address, permission or rate, or by a queued fault. Conversions
// of unknown chats do.
func WithMonthlyQuota(n int) Option {
	return func(s *settings) { s.monthlyQuota = n }
}

// WithLatency holds every answer back for d of real time, or until the client leaves.
func WithLatency(d time.Duration) Option {
	return func(s *settings) { s.latency = d }
}

// WithClock tells the time by now, which must be safe for concurrent use: when tokens die, limits count and requests
// were recorded. Latency and delays take real time all the same.
func WithClock(now func() time.Time) Option {
	return func(s *settings) { s.clock = now }
}

// WithTime sets the emulator's time to t, from where it goes on as its clock does.
func WithTime(t time.Time) Option {
	return func(s *settings) { s.time = t }
}

// WithFaults queues faults as [Emulator.FailNext] does. Given to [New], they are queued again by [Emulator.Reset].
func WithFaults(queue ...Fault) Option {
	return func(s *settings) { s.faults = append(slices.Clone(s.faults), queue...) }
}

// WithBodyTime is how long the body of a request may take to arrive, in real time; 10 seconds if not given. The connection
// of a request that takes longer is cut.
func WithBodyTime(d time.Duration) Option {
	return func(s *settings) { s.bodyTime = d }
}

// WithObserver has observe called with each request before its answer leaves, as [Emulator.Requests] returns it but without
// its header. It is called from many goroutines, also where nothing is recorded, and answers wait for it.
func WithObserver(observe func(Request)) Option {
	return func(s *settings) { s.observe = observe }
}

// WithRecordSize keeps the last n requests for [Emulator.Requests], but not more than 8 MiB of them; 1,000 if not given,
// none if not positive.
func WithRecordSize(n int) Option {
	return func(s *settings) { s.recordSize = max(n, 0) }
}

// WithSpec adds the operations of a contract of your own. What openconversation-gen writes has them as Routes:
//
//	dingtalktest.NewServer(t, dingtalktest.WithSpec(robot.Routes))
//
// A request that has what the operation requires gets the contract's example of a success; see [WithAnswer] for another.
// Token, permission, limits, latency and faults are those of every operation. Operations that were there before keep their
// answers, unless one of the same ID, or method and path, is added.
func WithSpec(routes []generated.Route) Option {
	return func(s *settings) { s.routes = call.Table(s.routes, routes) }
}

// WithAnswer answers successes of an operation, which is named by its operationId, with what answer returns, as JSON: a
// model, or a [json.RawMessage] for bytes as they are. answer is called from many goroutines, after the request was found to
// have what the operation requires, and may read the request's URL, header and body.
func WithAnswer(operationID string, answer func(*http.Request) any) Option {
	return func(s *settings) { s.answers[operationID] = answer }
}
