package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// part is every part that a client's caller may bring. It does the same whenever it is called.
type part struct {
	does  func(ctx context.Context)
	level slog.Level
	asked bool // also when it is asked for its level
}

func (p *part) Enabled(ctx context.Context, level slog.Level) bool {
	if p.asked {
		p.does(ctx)
	}
	return level >= p.level
}

func (p *part) WithAttrs([]slog.Attr) slog.Handler               { return p }
func (p *part) WithGroup(string) slog.Handler                    { return p }
func (p *part) Handle(ctx context.Context, _ slog.Record) error  { p.does(ctx); return nil }
func (p *part) Get(ctx context.Context, _ string) (string, bool) { p.does(ctx); return "", false }
func (p *part) Set(ctx context.Context, _, _ string)             { p.does(ctx) }
func (p *part) Wait(ctx context.Context) error                   { p.does(ctx); return ctx.Err() }
func (p *part) Spend(ctx context.Context) error                  { p.does(ctx); return ctx.Err() }
func (p *part) Answered(bool)                                    { p.does(context.Background()) }
func (p *part) Drop(ctx context.Context, _, _ string) error      { p.does(ctx); return nil }
func (p *part) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.does(r.Context()); r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (p *part) Token(ctx context.Context, _ string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	p.does(ctx)
	return fetch(ctx)
}

// uses are the ways in which a client may use a part.
var uses = map[string]func(*part) dingtalk.Option{
	"token source": func(*part) dingtalk.Option { return nil }, // see newWithPart
	"transport":    func(p *part) dingtalk.Option { return through(p) },
	"token call":   func(p *part) dingtalk.Option { return through(p) },
	"token store":  func(p *part) dingtalk.Option { return dingtalk.WithTokenStore(p) },
	"limiter":      func(p *part) dingtalk.Option { return dingtalk.WithLimiter(p) },
	"budget":       func(p *part) dingtalk.Option { return dingtalk.WithBudget(p) },
	"cache":        func(p *part) dingtalk.Option { return dingtalk.WithCache(p) },
	"logger":       func(p *part) dingtalk.Option { return dingtalk.WithLogger(slog.New(p)) },
	"log level":    func(p *part) dingtalk.Option { p.asked = true; return dingtalk.WithLogger(slog.New(p)) },
}

// newWithPart makes a client that fetches its token by itself where fetches is set.
func newWithPart(t *testing.T, use string, fetches bool, does func(context.Context)) (*dingtalk.Client, *dingtalktest.Server) {
	t.Helper()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	creds := dingtalk.Credentials(appCredentials)
	switch {
	case use == "token source":
		creds = dingtalk.TokenSourceFunc(func(ctx context.Context) (string, error) { does(ctx); return server.IssueToken(), ctx.Err() })
	case !fetches:
		creds = dingtalk.StaticToken(server.IssueToken())
	}
	return newClient(t, server.URL, creds, uses[use](&part{does: does, level: slog.LevelDebug})), server
}

// A log handler that alerts a group through the client that it serves.
func ExampleWithLogger_alerts() {
	server := dingtalktest.NewServer(nil)
	defer server.Close()
	var client *dingtalk.Client
	alerts := &part{level: slog.LevelWarn, does: func(ctx context.Context) {
		_, err := client.OrgGroupSend(ctx, generated.OrgGroupSendRequest{
			MsgKey: "sampleText", MsgParam: map[string]string{"content": "alert"},
			RobotCode: dingtalktest.RobotCode, OpenConversationID: dingtalktest.OpenConversationID,
		})
		fmt.Println("alert:", err)
	}}
	client, err := dingtalk.NewClient(appCredentials, dingtalk.WithBaseURL(server.URL), dingtalk.WithLogger(slog.New(alerts)))
	if err != nil {
		panic(err)
	}
	server.FailNext(dingtalktest.Raw(200, "", []byte(`{"accessToken":"`+server.IssueToken()+`"}`)).For(tokenOp)) // no lifetime: a warning
	id, err := client.OpenConversationID(context.Background(), dingtalktest.ChatID)
	fmt.Println(id, err)
	// Output:
	// alert: <nil>
	// cidl1B8RVUFmkO50OC9uEbySQ== <nil>
}

// Each part of the caller's that calls the client, blocks, panics or ends its goroutine concerns its own call alone.
func TestCallersCodeHoldsNoOther(t *testing.T) {
	for what, does := range map[string]func(context.Context, *testing.T, *dingtalk.Client){
		"calls the client": func(ctx context.Context, _ *testing.T, c *dingtalk.Client) { _, _ = c.OpenConversationID(ctx, "inner") },
		"calls it with a context of its own": func(_ context.Context, t *testing.T, c *dingtalk.Client) {
			_, _ = c.OpenConversationID(within(t), "inner")
		},
		"blocks":             func(_ context.Context, t *testing.T, _ *dingtalk.Client) { <-t.Context().Done() },
		"panics":             func(context.Context, *testing.T, *dingtalk.Client) { panic("the caller's own") },
		"ends its goroutine": func(context.Context, *testing.T, *dingtalk.Client) { runtime.Goexit() },
	} {
		for _, use := range []string{"logger", "cache", "token store", "limiter", "budget", "token source", "transport"} {
			callers := 70 // more than a new client's circuit breaker allows in flight
			if use == "transport" {
				callers = 1 // which alone keeps the breaker's pass, for the attempt's limit
			}
			t.Run(what+"/"+use, func(t *testing.T) {
				t.Parallel()
				var client *dingtalk.Client
				var server *dingtalktest.Server
				var armed, inside atomic.Bool
				client, server = newWithPart(t, use, use != "transport", func(ctx context.Context) {
					if armed.Load() && (what == "blocks" || inside.CompareAndSwap(false, true)) {
						defer inside.Store(false)
						does(ctx, t, client)
					}
				})
				armed.Store(true)
				together(callers, func() {
					ctx, cancel := context.WithTimeout(within(t), 500*ms)
					defer cancel()
					done := make(chan struct{})
					go func() {
						defer close(done)
						defer func() { _ = recover() }()
						_, _ = client.OpenConversationID(ctx, "first")
					}()
					if what == "blocks" {
						<-ctx.Done() // it does not return
					} else {
						<-done
					}
				})
				armed.Store(false)
				if use != "transport" {
					server.RejectTokens()
				}
				together(70, func() { convert(t, client, "other") })
			})
		}
	}
}

// The caller's trace sees the caller's own requests, and no other call waits for it, also over HTTP/2.
func TestTraceOfACaller(t *testing.T) {
	const traced = 70 // more than a new client's circuit breaker allows in flight
	emulator := dingtalktest.New(dingtalktest.WithAnyChat())
	server, transport := encrypted(t, true, emulator.ServeHTTP)
	client := newClient(t, server.URL, appCredentials, through(transport), dingtalk.WithTimeout(sec))
	var seen atomic.Int32
	entered := make(chan struct{}, 2*traced)
	ctx := httptrace.WithClientTrace(within(t), &httptrace.ClientTrace{GetConn: func(string) {
		seen.Add(1)
		entered <- struct{}{}
		<-t.Context().Done()
	}})
	for range traced {
		go func() { _, _ = client.OpenConversationID(ctx, "traced") }()
	}
	for range 64 {
		<-entered
	}
	errorIf(t, emulator.Count(tokenOp) != 1, "the trace saw the token's request, for which others wait")
	together(100, func() { convert(t, client, "other") })
	errorIf(t, seen.Load() > traced, "the trace was called %d times", seen.Load())
}

// testPartEnds: whatever a part does to its goroutine, a run loses no worker and no row; a single call gets a panic as it
// is, or an error. A cache, a token store and a logger are aids: their panic costs nothing.
func testPartEnds(t *testing.T) {
	for use := range uses {
		for ending, end := range map[string]func(){
			"panics":             func() { panic("mock: unexpected call") },
			"panics with nil":    func() { panic(nil) },
			"panics twice":       func() { panic((*runtime.TypeAssertionError)(nil)) }, // its text does, too
			"ends its goroutine": runtime.Goexit,
		} {
			aid := use == "token store" || (use == "cache" || strings.HasPrefix(use, "log")) && ending != "ends its goroutine"
			t.Run(use+" "+ending, func(t *testing.T) {
				t.Parallel()
				client, _ := newWithPart(t, use, use == "token call" || use == "token store", func(context.Context) { end() })
				met := 0
				for c, err := range client.OpenConversationIDs(within(t), slices.Values(chatIDs(6)), dingtalk.WithConcurrency(2)) {
					if met++; aid && err == nil && c.OpenConversationID != "" {
						continue
					}
					e := asError(t, c.OpenConversationID, err, dingtalk.ErrPanicked)
					errorIf(t, aid || e.Op != convertOp.ID, "%s: %v", c.ChatID, err)
				}
				errorIf(t, met != 6, "%d results, want 6", met)
				for range 200 { // more than the breaker allows in flight: the client holds nothing afterwards
					if ending == "panics" {
						recovered := panicOf(func() { _, _ = client.OpenConversationID(within(t), "any") })
						errorIf(t, (recovered == nil) != (aid || use == "token call"), "at the caller: panic %v", recovered)
					}
				}
			})
		}
	}
}

func panicOf(f func()) (recovered any) {
	defer func() { recovered = recover() }()
	f()
	return nil
}

// testInputEnds: an input sequence that panics or ends its goroutine ends a run with an error.
func testInputEnds(t *testing.T) {
	for says, end := range map[string]func(){"unexpected call": func() { panic("mock: unexpected call") }, "Goexit": runtime.Goexit} {
		client, server := newEmulated(t)
		var last error
		met := 0
		for _, last = range client.OpenConversationIDs(within(t), func(yield func(string) bool) {
			for _, id := range chatIDs(5) {
				_ = yield(id)
			}
			end()
		}) {
			met++
		}
		e := asError(t, "", last, dingtalk.ErrPanicked)
		errorIf(t, met != 6 || !strings.Contains(e.Message, says), "%d results, then %v", met, last)
		convert(t, client, "any")
		wantRequests(t, server.Emulator, 6, 1)
	}
	client := newClient(t, "https://example.test", appCredentials, through(roundTripper(func(req *http.Request) (*http.Response, error) {
		panic(fmt.Errorf("unexpected %s with secret %s", req.URL, appCredentials.AppSecret))
	})))
	e := refused(t, client, dingtalk.ErrPanicked)
	errorIf(t, !strings.Contains(e.Error(), "unexpected") || strings.Contains(fmt.Sprint(e.Err), appCredentials.AppSecret), "%v", e)
	// A round tripper may also return what no server sends.
	empty := func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, nil }
	_ = refused(t, newForeign(t, empty), dingtalk.ErrUnexpectedResponse)
	_ = refused(t, newClient(t, "https://example.test", appCredentials, through(roundTripper(empty))), dingtalk.ErrUnexpectedResponse)
}

// budgetFunc is a budget and a limiter of one function.
type budgetFunc func(context.Context) error

func (f budgetFunc) Spend(ctx context.Context) error { return f(ctx) }
func (f budgetFunc) Wait(ctx context.Context) error  { return f(ctx) }

func asBudget(f budgetFunc) dingtalk.Option  { return dingtalk.WithBudget(f) }
func asLimiter(f budgetFunc) dingtalk.Option { return dingtalk.WithLimiter(f) }

// A budget is asked before every request, repeats included. Its refusal, like a limiter's, sends nothing; an *Error keeps
// its kind and message. What the service answered before is the reason, unless the part itself failed.
func TestPartsThatRefuse(t *testing.T) {
	t.Parallel()
	own := &dingtalk.Error{Kind: dingtalk.ErrBlocked, Local: true, Message: "by hand", Err: errors.New(dingtalktest.AppSecret)}
	away := &dingtalk.Error{Kind: dingtalk.ErrUnavailable, Local: true, Message: "not sent: Redis is away"}
	for _, test := range []struct {
		use       func(budgetFunc) dingtalk.Option
		err, kind error
	}{
		{asBudget, errors.New("enough"), dingtalk.ErrQuotaExhausted}, {asBudget, own, dingtalk.ErrBlocked},
		{asBudget, away, dingtalk.ErrUnavailable}, {asLimiter, own, dingtalk.ErrBlocked}, {asLimiter, errors.New("no"), dingtalk.ErrThrottled},
	} {
		left := 3
		client, server := newEmulated(t, newHandClock().option(), test.use(func(context.Context) error {
			if left--; left < 0 {
				return test.err
			}
			return nil
		}))
		convert(t, client, "one")
		server.RejectTokens()
		convert(t, client, "two, sent twice")
		e := refused(t, client, test.kind)
		errorIf(t, !e.Local || e.Op != convertOp.ID || e.StatusCode != 0 || errors.Is(test.err, own) && e.Message != own.Message, "%+v", e)
		wantRequests(t, server.Emulator, 3, 2)

		left = 1
		server.FailNext(dingtalktest.Code(generated.CodeServiceBusy).For(convertOp))
		e = refused(t, client, dingtalk.ErrUnavailable)
		answered := e.Code == generated.CodeServiceBusy && e.StatusCode == 503 && !e.Local && strings.Contains(e.Message, "not repeated")
		errorIf(t, answered == errors.Is(test.err, away) || !strings.Contains(e.Error(), "serviceBusy") || e.Attempts != 1, "%+v", e)
		wantRequests(t, server.Emulator, 4, 2)
	}
}
