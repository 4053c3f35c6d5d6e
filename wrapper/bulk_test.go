package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// chatIDs makes n distinct ids.
func chatIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("chat%032x", i)
	}
	return ids
}

// unlimited is a client's limiter where the default rate would make a test slow.
var unlimited = dingtalk.WithLimiter(rate.NewLimiter(rate.Inf, 1))

// results makes a run, whose rows must be ids in their order.
func results(t *testing.T, client *dingtalk.Client, ids []string, opts ...dingtalk.BulkOption) (errs []error) {
	t.Helper()
	for c, err := range client.OpenConversationIDs(within(t), slices.Values(ids), opts...) {
		n, converted := len(errs), c.OpenConversationID == dingtalktest.OpenConversationIDOf(c.ChatID)
		if n == len(ids) || c.ChatID != ids[n] || (err == nil) != converted {
			t.Fatalf("row %d: %+v, %v", n, c, err)
		}
		errs = append(errs, err)
	}
	errorIf(t, len(errs) != len(ids), "%d rows, want %d", len(errs), len(ids))
	return errs
}

func TestBulkKeepsOrderAndCallsEachIDOnce(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t, unlimited)
	distinct := chatIDs(400)
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = distinct[i*7%len(distinct)]
	}
	errorIf(t, errors.Join(results(t, client, ids)...) != nil, "a row failed")
	wantRequests(t, server.Emulator, len(distinct), 1)

	client, server = newEmulated(t, unlimited, newHandClock().option()) // throttles are waited out
	server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp).Times(6))
	errorIf(t, errors.Join(results(t, client, chatIDs(20), dingtalk.WithConcurrency(1))...) != nil, "a row failed")
	wantRequests(t, server.Emulator, 26, 1)

	client, server = newEmulated(t, unlimited) // what is beyond a run's memory is called again
	results(t, client, append(chatIDs(10), chatIDs(10)...), dingtalk.WithMemory(5))
	wantRequests(t, server.Emulator, 20, 1)
}

// Results come with the caller's own rows, also for several rows of one chat, and go on after failures of one chat.
func TestConvertEach(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), func(s *dingtalktest.Settings) { s.OwnersNotVisible = []string{"chatOwner"} })
	type row struct {
		line int
		chat string
		want error
	}
	rows := []row{
		{1, "chatA", nil}, {2, "unknown1", dingtalk.ErrInvalidChatID}, {3, "..", dingtalk.ErrInvalidChatID},
		{4, "chatOwner", dingtalk.ErrOwnerNotVisible}, {5, "", dingtalk.ErrInvalidChatID}, {6, "chatB", nil},
		{7, "cidAlready==", dingtalk.ErrInvalidChatID}, {8, "chatB", nil},
	}
	line, client := 0, newClient(t, server.URL, appCredentials, unlimited)
	for got, err := range dingtalk.ConvertEach(within(t), client, slices.Values(rows), func(r row) string { return r.chat }) {
		line++
		errorIf(t, got.Row != rows[line-1] || got.ChatID != got.Row.chat || !errors.Is(err, got.Row.want) ||
			(err == nil) != (got.OpenConversationID == dingtalktest.OpenConversationIDOf(got.ChatID)), "row %d: %+v, %v", line, got, err)
		e := (*dingtalk.Error)(nil)
		errorIf(t, errors.As(err, &e) && e.Scope() != dingtalk.ScopeChat, "row %d: %+v", line, e)
	}
	errorIf(t, line != len(rows), "%d rows", line)
	wantRequests(t, server.Emulator, 4, 1)
}

// A failure that every further chat would meet stops a run, others do after a few in a row: it is marked with EndsRun.
// Only calls in flight may follow; each id without a call wraps the cause.
func TestBulkStopsAtWhatEveryChatWouldMeet(t *testing.T) {
	t.Parallel()
	const good = 30
	code, raw := dingtalktest.Code, func(status int, body string) dingtalktest.Fault {
		return dingtalktest.Raw(status, "text/html", []byte(body))
	}
	for name, test := range map[string]struct {
		fault dingtalktest.Fault
		kind  error
		at    int // which failure ends the run; 1: every chat would meet it
	}{
		"quota":      {code(generated.CodeOrgQuotaExhausted), dingtalk.ErrQuotaExhausted, 1},
		"permission": {code(generated.CodePermissionDenied), dingtalk.ErrPermissionDenied, 1},
		"address":    {code(generated.CodeIPNotAllowed), dingtalk.ErrIPNotAllowed, 1},
		"ban":        {dingtalktest.Fault{Kind: "ban-json"}, dingtalk.ErrBlocked, 1},
		"redirect":   {raw(302, "").WithHeader("Location", "https://example.com/"), dingtalk.ErrRedirect, 1},
		"strange":    {raw(200, "<html>"), dingtalk.ErrUnexpectedResponse, 3},
		"403":        {raw(403, `{"code":"n"}`), dingtalk.ErrPermissionDenied, 3},
		"outage":     {code("serviceBusy"), dingtalk.ErrUnavailable, 5},
	} {
		for _, concurrency := range []int{1, 4} {
			t.Run(fmt.Sprint(name, concurrency), func(t *testing.T) {
				t.Parallel()
				client, server := newEmulated(t, unlimited, oneAttempt, newHandClock().option())
				server.FailNext(dingtalktest.Pass().For(convertOp).Times(good), test.fault.For(convertOp).Always())
				var end *dingtalk.Error
				converted, failed, ids := 0, 0, chatIDs(300)
				for i, err := range results(t, client, ids, dingtalk.WithConcurrency(concurrency)) {
					if err == nil {
						converted++
						continue
					}
					e := asError(t, "", err, test.kind)
					switch tried := !errors.Is(e.Kind, dingtalk.ErrNotTried); {
					case e.ChatID != ids[i], tried && (e.Scope() == dingtalk.ScopeAll) != (test.at == 1), tried && e.Scope() == dingtalk.ScopeChat, tried && end != nil && concurrency == 1, e.EndsRun && end != nil:
						t.Errorf("row %d: %+v", i, e)
					case tried:
						if failed++; e.EndsRun {
							end = e
						}
					case concurrency == 1 && e.Err != end: //nolint:errorlint // it is to be the very same
						t.Errorf("row %d: %+v", i, e)
					}
				}
				// As the first call fails, concurrency-1 good answers may be on their way: each begins the count anew.
				errorIf(t, end == nil || converted != good || failed < test.at || failed > test.at*concurrency,
					"%d converted, %d failures before the run ended, want %d and %d", converted, failed, good, test.at)
				n := server.Count(convertOp)
				errorIf(t, n > good+failed || n < good+failed && name != "ban", "%d calls", n) // a banned client sends none
			})
		}
	}
}

// Without a limiter, a client limits the rate of runs but not of single calls.
func TestBulkHasAPaceOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := newVirtual(t)
		begun := time.Now()
		together(60, func() { convert(t, client, "any") })
		if took := time.Since(begun); took != 2*sec { // a token and a conversion
			t.Errorf("single calls took %s", took)
		}
		begun = time.Now()
		results(t, client, chatIDs(10*dingtalk.DefaultRate))
		took := time.Since(begun)
		errorIf(t, took < 9*sec || took > 15*sec, "a run took %s", took)
	})
}

// A run ends with its loop and with its context, whatever its input does; a bubble notices a goroutine that is left.
func TestBulkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, emulator := newVirtual(t, unlimited)
		endless := func(yield func(string) bool) {
			for i := 0; yield(fmt.Sprint("chat", i)); i++ {
			}
		}
		rows := 0
		for _, err := range client.OpenConversationIDs(t.Context(), endless) {
			if rows++; err != nil || rows == 50 {
				break
			}
		}
		made := emulator.Count(convertOp)
		errorIf(t, made > 50+16*10, "%d calls for 50 rows", made)
		for name, goes := range map[string]func(i int) bool{ // its source is at rest afterwards
			"break": func(i int) bool { return i < 3 }, "to the end": func(int) bool { return true }, "panic": func(int) bool { panic(0) },
		} {
			var inside atomic.Bool
			_ = panicOf(func() {
				n := 0
				for _, _ = range client.OpenConversationIDs(t.Context(), func(yield func(string) bool) {
					inside.Store(true)
					defer inside.Store(false)
					for i := 0; i < 50 && yield(fmt.Sprint("chat", i)); i++ {
					}
					time.Sleep(sec)
				}) {
					if n++; !goes(n) {
						break
					}
				}
			})
			errorIf(t, inside.Load(), "%s: inside the source", name)
		}
		blocked := func(yield func(string) bool) { // like a pipe that nobody closes
			_ = yield("chat")
			<-t.Context().Done()
		}
		for name, input := range map[string]iter.Seq[string]{"endless": endless, "blocked": blocked} {
			ctx, cancel := context.WithTimeout(t.Context(), 2500*ms)
			var last error
			for _, last = range client.OpenConversationIDs(ctx, input) {
			}
			cancel()
			errorIf(t, !errors.Is(last, context.DeadlineExceeded), "%s: the last error is %v", name, last)
		}
	})
}

// A budget counts what is sent, also when the run is stopped while it counts.
func TestStopAsTheBudgetCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted, stop := 0, make(chan struct{})
		client, emulator := newVirtual(t, dingtalk.WithBudget(budgetFunc(func(context.Context) error {
			if counted++; counted == 3 {
				close(stop)
				synctest.Wait()
			}
			return nil
		})))
		for range results(t, client, chatIDs(20), dingtalk.WithStop(stop), dingtalk.WithConcurrency(1)) {
		}
		errorIf(t, counted != 3 || emulator.Count(convertOp) != 3, "%d counted, %d requests", counted, emulator.Count(convertOp))
	})
}

// A stopped run finishes calls in flight, and sends no waiting ones.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := make(chan struct{}, 2)
		turns <- struct{}{}
		turns <- struct{}{}
		client, emulator := newVirtual(t, dingtalk.WithLimiter(budgetFunc(func(ctx context.Context) error {
			select {
			case <-turns:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})))
		stop, converted := make(chan struct{}), 0
		time.AfterFunc(1500*ms, func() { close(stop) })
		for _, err := range results(t, client, chatIDs(20), dingtalk.WithStop(stop), dingtalk.WithConcurrency(6)) {
			if err == nil {
				converted++
			} else if e := asError(t, "", err, dingtalk.ErrNotTried); !e.Local {
				t.Errorf("%+v", e)
			}
		}
		errorIf(t, converted != 2 || emulator.Count(convertOp) != 2, "%d converted, %d requests", converted, emulator.Count(convertOp))
	})
}

// Every kind has a text, a unique name and a scope, every chat unless it is here; a kind of tomorrow is a rejection.
func TestKinds(t *testing.T) {
	t.Parallel()
	names := map[generated.Kind]bool{}
	scopes := map[error]dingtalk.Scope{
		dingtalk.ErrInvalidChatID: dingtalk.ScopeChat, dingtalk.ErrOwnerNotVisible: dingtalk.ScopeChat,
		dingtalk.ErrUnavailable: dingtalk.ScopeUnclear, dingtalk.ErrUnexpectedResponse: dingtalk.ScopeUnclear,
		dingtalk.ErrRejected: dingtalk.ScopeUnclear, dingtalk.ErrPanicked: dingtalk.ScopeUnclear,
	}
	for _, k := range dingtalk.Kinds() {
		scope, is := scopes[k]
		errorIf(t, k.Scope() != scope && (is || k.Scope() != dingtalk.ScopeAll), "%s: scope %d", k, k.Scope())
		errorIf(t, names[k.Name()] || k.Name() == "" || k.Error() == "", "%q: %v", k.Name(), k)
		names[k.Name()] = true
	}
	scope, later := (&dingtalk.Error{Kind: context.Canceled}).Scope(), dingtalk.Sentinel("a kind of tomorrow")
	errorIf(t, scope != dingtalk.ScopeAll || !errors.Is(later, dingtalk.ErrRejected), "the end of a context: %d; %v", scope, later)
}

// An error names each invalid option of a run; a nil option is skipped. A run that is stopped before it begins sends nothing.
func TestOddRuns(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t, nil, dingtalk.WithLimiter(nil), nil)
	_ = results(t, client, chatIDs(3), nil, dingtalk.WithStop(nil))
	nameless := func(yield func(dingtalk.Conversion, error) bool) {
		for _, err := range dingtalk.ConvertEach(within(t), client, slices.Values([]int{1}), nil) {
			yield(dingtalk.Conversion{}, err)
		}
	}
	run := func(ids []string, opts ...dingtalk.BulkOption) iter.Seq2[dingtalk.Conversion, error] {
		return client.OpenConversationIDs(within(t), slices.Values(ids), opts...)
	}
	for says, rows := range map[string]iter.Seq2[dingtalk.Conversion, error]{
		"sequence is nil": client.OpenConversationIDs(within(t), nil), "WithConcurrency: 0": run(chatIDs(3), dingtalk.WithConcurrency(0)),
		"WithConcurrency: 9": run(chatIDs(3), dingtalk.WithConcurrency(math.MaxInt)),
		"WithMemory: -1":     run(chatIDs(3), dingtalk.WithMemory(-1)), "names a row's chat id": nameless,
	} {
		n := 0
		for _, err := range rows {
			e := asError(t, "", err, dingtalk.ErrRejected)
			errorIf(t, !e.Local || !strings.Contains(e.Message, says) || n > 0, "%s: %v", says, err)
			n++
		}
	}
	stopped := make(chan struct{})
	close(stopped)
	for _, err := range results(t, client, chatIDs(2), dingtalk.WithStop(stopped)) {
		_ = asError(t, "", err, dingtalk.ErrNotTried)
	}
	wantRequests(t, server.Emulator, 3, 1)
}
