package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// What the callers of a client share: its token and its circuit breakers. Their own rooms have most of the tests; here
// they stand in a client, some in bubbles of testing/synctest, where a request takes a second.

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

type toldLimiter struct{ atomic.Bool } // a limiter: of a throttle

func (*toldLimiter) Wait(context.Context) error { return nil }
func (l *toldLimiter) Answered(throttled bool)  { l.Store(l.Load() || throttled) }

// What fails in one operation stays with it: beside it, conversions through the same client succeed.
func TestOthersGoOn(t *testing.T) {
	var turn atomic.Int64
	odd := answers(401, `{"code":"Forbidden.NotThisApp","message":"m"}`)
	for name, fault := range map[string]http.HandlerFunc{
		"401 with an unknown code": odd,
		"401 without a body":       answers(401, ""),
		"40014":                    answers(200, `{"errcode":40014,"errmsg":"m"}`),
		"InvalidAuthentication":    answers(400, `{"code":"InvalidAuthentication","message":"m"}`),
		"88 with a sub_code":       answers(200, `{"errcode":88,"sub_code":"60011","errmsg":"m"}`),
		"401 and 200 in turn": func(w http.ResponseWriter, r *http.Request) {
			[]http.HandlerFunc{answers(200, "{}"), odd}[turn.Add(1)%2](w, r)
		},
		"throttle per minute": answers(403, `{"code":"Forbidden.AccessDenied.QpmLimitForAppkeyAndApi","message":"m"}`),
		"429":                 answers(429, ""),
		"500":                 answers(500, ""),
		"serviceBusy":         answers(503, `{"code":"serviceBusy","message":"m"}`),
		"hangs":               func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"resets":              func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"words of a ban":      answers(404, `{"code":"NotFound","message":"punish","punish":"deny"}`),
		"HTML with an echo":   answers(404, "<html>no such chat: punish"),
		"redirect":            answers(302, ""),
	} {
		for _, renewal := range []string{"renews", "same token", "down"} {
			t.Run(name+" "+renewal, func(t *testing.T) {
				t.Parallel()
				limiter, tokens, faults := new(toldLimiter), new(atomic.Int64), new(atomic.Int64)
				client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					switch {
					case r.URL.Path == tokenOp.Path:
						n := tokens.Add(1)
						w.WriteHeader(map[bool]int{true: 500, false: 200}[renewal == "down" && n > 1])
						fmt.Fprintf(w, `{"accessToken":"t0ken-number-%d","expireIn":7200}`, map[string]int64{"renews": n}[renewal])
					case strings.HasSuffix(r.URL.Path, "/convertToOpenConversationId"):
						fmt.Fprint(w, successBody)
					default:
						faults.Add(1)
						fault(w, r)
					}
				}), appCredentials, dingtalk.WithTimeout(500*ms), dingtalk.WithLimiter(limiter))
				if renewal == "down" { // otherwise, the bad ones come first
					convert(t, client, dingtalktest.ChatID)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var bad sync.WaitGroup
				for n := range 20 { // of three operations
					bad.Go(func() {
						for ctx.Err() == nil {
							limit := time.Duration(20+n) * ms
							_ = client.Do(ctx, http.MethodGet, fmt.Sprintf("/%c/%d", 'a'+n%3, n), nil, nil, dingtalk.WithCallTimeout(limit))
							time.Sleep(limit)
						}
					})
				}
				eventually(t, "the fault was met", func() bool { return faults.Load() > 0 })
				const calls = 100
				failed := 0
				pace := time.Tick(5 * ms) // as a service's own callers come
				for n := 0; n < calls && failed <= calls/20; n++ {
					<-pace
					patient, end := context.WithTimeout(ctx, 5*time.Second)
					if _, err := client.OpenConversationID(patient, dingtalktest.ChatID); err != nil {
						failed++
						t.Log(err)
					}
					end()
				}
				cancel()
				bad.Wait()
				errorIf(t, failed > calls/20 || tokens.Load() > 50 || renewal == "down" && limiter.Load(),
					"%d of %d failed, %d token calls, the limiter was told of a throttle: %t", failed, calls, tokens.Load(), limiter.Load())
			})
		}
	}
}

// A token that is really bad is replaced once, whoever notices it first and however many at once.
func TestDeadTokenIsReplacedForAll(t *testing.T) {
	t.Parallel()
	for n, other := range []bool{false, true} {
		client, server := newEmulated(t)
		client = []*dingtalk.Client{client, newClient(t, server.URL, client)}[n] // one is another's token source
		call := func() {
			if !other {
				convert(t, client, "any")
			} else if _, err := client.GetChat(within(t), describe); err != nil {
				t.Error(err)
			}
		}
		for range 4 { // the replay's success proves each drop right, so the next is not doubted
			convert(t, client, "any")
			together(100, call)
			server.RejectTokens()
		}
		var rejected, all int64
		for _, tally := range server.Counts() {
			rejected, all = rejected+tally.Codes[generated.CodeInvalidAuthentication]+tally.Codes["40014"], all+tally.Requests
		}
		errorIf(t, rejected < 3 || server.Count(tokenOp) != 4 || all != 4*101+4+rejected, "%t: %d token calls, %d of %d rejected", other, server.Count(tokenOp), rejected, all)
	}
}

// testRejected: an error of a rejected token has both answers, also of the token call that failed afterwards.
func testRejected(t *testing.T) {
	client, server := newEmulated(t, newHandClock().option())
	server.FailNext(dingtalktest.Code(generated.CodeInvalidAuthentication).Times(2).For(convertOp))
	e := refused(t, client, dingtalk.ErrUnauthenticated)
	var first *dingtalk.Error
	errorIf(t, !errors.As(e.Err, &first) || first.RequestID == "" || e.RequestID == "" || first.RequestID == e.RequestID,
		"%v: does not hold the request ids of both", e)
	client, server = newEmulated(t, newHandClock().option())
	convert(t, client, "any")
	server.RejectTokens()
	server.FailNext(dingtalktest.Code(generated.CodeServiceBusy).Times(3).For(tokenOp))
	e = refused(t, client, dingtalk.ErrUnavailable)
	errorIf(t, !e.TokenEndpoint || e.Attempts != 3 || !errors.As(e.Err, &first) || first.Code != "InvalidAuthentication", "%+v", e)
}

// testConvoy: all callers that wait for a token share one fetch and its failure, in one call's time; each waits for as long as it likes.
func testConvoy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, emulator := newVirtual(t)
		leader, leave := context.WithTimeout(t.Context(), 500*ms)
		defer leave()
		go func() {
			id, err := client.OpenConversationID(leader, "any")
			e := asError(t, id, err, context.DeadlineExceeded)
			errorIf(t, !e.Timeout() || e.Attempts != 0, "%+v", e)
		}()
		synctest.Wait()
		together(20, func() { convert(t, client, "any") })
		wantRequests(t, emulator, 20, 1)

		client, emulator = newVirtual(t, dingtalk.WithTimeout(500*ms)) // in which no request arrives
		begun := time.Now()
		var own sync.Map
		together(640, func() {
			e := refused(t, client, dingtalk.ErrUnavailable)
			_, twice := own.LoadOrStore(e, true)
			errorIf(t, twice || !e.TokenEndpoint || !e.Timeout() || e.Attempts != 3, "%+v, another's: %t", e, twice)
		})
		errorIf(t, time.Since(begun) > 3*500*ms+900*ms, "they took %s", time.Since(begun))
		ended, end := context.WithCancel(t.Context())
		end()
		token, err := client.Token(ended)
		_ = asError(t, token, err, context.Canceled)
		wantRequests(t, emulator, 0, 0)
	})
}

// testClockJumps: a token that ended while the machine slept is replaced, and so is one that the service rejects after
// the clock was set back. No jump stops retries or ends a ban, or makes an hour of seconds.
func testClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{3 * time.Hour, -time.Hour} {
		clock, service := newHandClock(), newHandClock()
		server := dingtalktest.NewServer(t, dingtalktest.WithClock(service.Now))
		client := newClient(t, server.URL, appCredentials, clock.option())
		convert(t, client, dingtalktest.ChatID)
		service.Move(3 * time.Hour)
		clock.Move(jump)
		convert(t, client, dingtalktest.ChatID)
		wantRequests(t, server.Emulator, map[bool]int{true: 2, false: 3}[jump > 0], 2)

		var jumped atomic.Int64
		jumpy := dingtalk.WithClock(dingtalk.Clock{Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(jumped.Load())) }, Jumps: true})
		client = newForeign(t, func(*http.Request) (*http.Response, error) {
			return answerOf([]int{200, 503}[jumped.Add(int64(jump))/int64(jump)%2], successBody), nil
		}, jumpy, dingtalk.WithRetry(dingtalk.Retry{}))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*sec)
			id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
			errorIf(t, err != nil, "%s: %q, %v", jump, id, err)
			cancel()
		}
		client, server = newEmulated(t, jumpy)
		server.FailNext(dingtalktest.Fault{Kind: "ban-json", Operation: convertOp.ID, RetryAfter: "1e18"})
		_ = refused(t, client, dingtalk.ErrBlocked)
		jumped.Add(int64(jump))
		e := refused(t, client, dingtalk.ErrBlocked)
		errorIf(t, !e.Local || e.RetryAfter > 5*time.Minute || e.RetryAfter < 4*time.Minute, "%s: the ban became %s", jump, e.RetryAfter)
	}
	clock := newHandClock()
	server := dingtalktest.NewServer(t, dingtalktest.WithCredentials(dingtalktest.AppKey, "another"))
	client := newClient(t, server.URL, appCredentials, clock.option())
	_ = refused(t, client, dingtalk.ErrUnauthenticated)
	server.Configure(dingtalktest.WithCredentials(dingtalktest.AppKey, dingtalktest.AppSecret))
	clock.Move(3 * sec) // for which the failure is remembered, whatever the wall's clock says
	convert(t, client, dingtalktest.ChatID)
}

// testHastyCallers: callers with short deadlines open the circuit breaker of a hung service, too, but not that of a
// healthy one for patient callers.
func testHastyCallers(t *testing.T) {
	for _, at := range []int{1, 1000} { // one after another, or all at once
		synctest.Test(t, func(t *testing.T) {
			var takes, sent atomic.Int64
			takes.Store(int64(time.Hour))
			client := newForeign(t, func(r *http.Request) (*http.Response, error) {
				sent.Add(1)
				select {
				case <-time.After(time.Duration(takes.Load())):
					return answerOf(200, successBody), nil
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}, dingtalk.WithRetry(dingtalk.Retry{BaseDelay: ms, MaxDelay: 2 * sec}))
			call := func(limit time.Duration) error {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := client.OpenConversationID(ctx, "any")
				return err
			}
			for range 1000 / at {
				together(at, func() { errorIf(t, call(100*ms) == nil, "a call succeeded") })
			}
			errorIf(t, sent.Load() >= 100, "%d requests to a service that answers nothing", sent.Load())
			takes.Store(0)
			begun := time.Now()
			for call(100*ms) != nil && time.Since(begun) < 3*sec {
				time.Sleep(10 * ms)
			}
			errorIf(t, time.Since(begun) > 2*sec, "%d: calls do not succeed again within %s", at, time.Since(begun))
			takes.Store(int64(40 * ms))
			over := time.Now().Add(2 * sec)
			go together(8, func() {
				for time.Now().Before(over) {
					errorIf(t, call(10*ms) == nil, "a hasty call succeeded")
					time.Sleep(10 * ms)
				}
			})
			for time.Now().Before(over) {
				time.Sleep(100 * ms)
				errorIf(t, call(5*sec) != nil, "a patient call failed")
			}
		})
	}
}

// A service that recovers after two seconds must not cost a call; meanwhile, a thousand calls must not hammer it.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 1000
		begun, sent := time.Now(), atomic.Int64{}
		client := newForeign(t, func(*http.Request) (*http.Response, error) {
			sent.Add(1)
			return answerOf(map[bool]int{true: 503, false: 200}[time.Since(begun) < 2*sec], successBody), nil
		}, dingtalk.WithRetry(dingtalk.Retry{}))
		together(calls, func() {
			_, err := client.OpenConversationID(t.Context(), "any")
			errorIf(t, err != nil, "%v", err)
		})
		errorIf(t, sent.Load() >= 2*calls, "%d requests for %d calls", sent.Load(), calls)
		client, emulator := newVirtual(t)
		emulator.FailNext(dingtalktest.Fault{Kind: "ban-json", Operation: convertOp.ID}.Always()) // few calls ask whether it is over
		for n := range 3 {
			together(calls, func() { _ = refused(t, client, dingtalk.ErrBlocked) })
			errorIf(t, emulator.Count(convertOp) > 64+2*n, "%d requests from a banned address", emulator.Count(convertOp))
			time.Sleep(5 * time.Minute)
		}
	})
}

// Ten failures of the service in a row open the breaker; refusals and throttles are answers of one that works.
func TestWhatOpensTheBreaker(t *testing.T) {
	t.Parallel()
	for code, opens := range map[generated.Code]bool{
		"serviceBusy": true, generated.CodeUnknownError: true, generated.CodeInvalidChatID: false, generated.CodeOrgQuotaExhausted: false,
	} {
		clock := newHandClock()
		client, server := newEmulated(t, clock.option(), oneAttempt)
		server.FailNext(dingtalktest.Code(code).Always().For(convertOp))
		for range 70 { // after ten, at doubling intervals, one call each probes
			_, _ = client.OpenConversationID(within(t), "any")
		}
		waited := clock.waited()
		errorIf(t, !opens && len(waited) > 0 || opens && (len(waited) != 60 || waited[0] != 150*ms ||
			waited[1] != 300*ms || waited[59] != 800*ms), "%s: waited %v", code, waited)
		wantRequests(t, server.Emulator, 70, 1)
	}
}
