package dingtalktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
)

// ConfigureJSON applies options as [Emulator.Configure] does, which it reads as [OptionsFromJSON] does. If one is wrong,
// nothing is changed.
func (e *Emulator) ConfigureJSON(raw []byte) error {
	opts, err := OptionsFromJSON(raw)
	if err != nil {
		return err
	}
	meant := defaults()
	for _, opt := range opts {
		opt(meant)
	}
	if err := e.CheckFaults(meant.faults...); err != nil {
		return err
	}
	e.Configure(opts...)
	return nil
}

// SettingsJSON returns the settings as [OptionsFromJSON] reads them, without secrets: "appKeys", which cannot be set, lists the
// app keys.
func (e *Emulator) SettingsJSON() json.RawMessage { return e.state.settings.Load().asJSON() }

// FailNext queues faults. Each request takes the first that is meant for its operation, so that they apply in order;
// a request that finds none gets the regular answer. A fault that is not bound to an operation by [Fault.For] also
// applies to requests that match none, and one that rejects the token only to requests that carry one.
func (e *Emulator) FailNext(queue ...Fault) { e.state.faults.add(queue) }

// ClearFaults empties the queue. Requests that a fault already holds stay held: [Emulator.Reset] and
// [Emulator.Close] do that.
func (e *Emulator) ClearFaults() { e.state.faults.clear() }

// Pending returns how many faults are queued. A repeated fault counts once.
func (e *Emulator) Pending() int { return int(e.state.faults.queued.Load()) }

// Faults returns what is queued, in its order, with the repeats that are left.
func (e *Emulator) Faults() []Fault { return e.state.faults.list() }

// CheckFaults says whether a fault is meant for an operation that the emulator does not have, so that no request would
// ever take it.
func (e *Emulator) CheckFaults(queue ...Fault) error {
	routes := e.state.settings.Load().routes
	for _, f := range queue {
		if f.operation != "" && !slices.ContainsFunc(routes, func(r *call.Route) bool { return r.Operation.ID == f.operation }) {
			return fmt.Errorf("fault %s: there is no operation %q", f.Name(), f.operation)
		}
	}
	return nil
}

// RejectTokens makes every token issued so far invalid before its time. The next token call issues a new one, unless
// [WithStickyToken] is set.
func (e *Emulator) RejectTokens() { e.state.tokens.RejectAll() }

// RejectToken does that to one token, and says whether it was one of the last that an app was given.
func (e *Emulator) RejectToken(token string) bool { return e.state.tokens.Reject(token) }

// ExpireTokens ends the time of every token issued so far. The next token call issues a new one.
func (e *Emulator) ExpireTokens() { e.state.tokens.ExpireAll() }

// IssueToken returns a token of the first app, as the token call would, without a request: for clients that are given
// a token instead of credentials.
func (e *Emulator) IssueToken() string {
	s := e.state.settings.Load()
	return e.state.tokens.Issue(s.firstApp, s.tokenLifetime, s.stickyToken, e.state.now(s))
}

// Credentials are those of the first app.
func (e *Emulator) Credentials() (appKey, appSecret string) {
	s := e.state.settings.Load()
	return s.firstApp, s.apps[s.firstApp]
}

// QuotaUsed returns how many conversions have counted towards the monthly quota this month.
func (e *Emulator) QuotaUsed() int { return e.state.limits.Used(e.Now()) }

// ResetQuota begins the month's count again.
func (e *Emulator) ResetQuota() { e.state.limits.ForgetMonth() }

// Now is the emulator's time.
func (e *Emulator) Now() time.Time { return e.state.now(e.state.settings.Load()) }

// AdvanceClock moves the emulator's time: tokens grow older, months end, limits per second begin again. A negative d moves it
// back.
func (e *Emulator) AdvanceClock(d time.Duration) { e.state.offset.Add(int64(d)) }

// SetGroup puts a group in the place of the one with its chat id: to disband it, or to take a robot out of it.
func (e *Emulator) SetGroup(g Group) { e.state.groups.keep(g.complete()) }

// MarkRead adds users to those who have read a message, and reports whether there is a message of this key. A user counts
// once.
func (e *Emulator) MarkRead(processQueryKey string, userIDs ...string) bool {
	return e.state.messages.markRead(processQueryKey, userIDs)
}
