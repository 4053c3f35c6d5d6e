package dingtalk_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_63_token_endpoint_hangs", testConvoy)
	addRow("row_64_one_callers_code_blocks", testOneBlocks)
	addRow("row_65_hung_service_and_short_deadlines", testHastyCallers)
}

var hasty = dingtalk.WithRetry(dingtalk.Retry{BaseDelay: ms, MaxDelay: 2 * sec})

// All callers that wait for a token share one fetch (single flight), even with a nearly open circuit breaker or a new
// client, and fail with it.
func testConvoy(t *testing.T) {
	for name, test := range map[string]struct {
		calls  int
		narrow bool
	}{"fresh client": {640, false}, "after a throttle": {20, true}} {
		t.Run(name, func(t *testing.T) {
			clock := newStillClock()
			g := newGateway(t, true, nil)
			client := newClient(t, g.URL, appCredentials, clock.option(), oneAttempt, dingtalk.WithTimeout(time.Hour))
			if test.narrow {
				g.FailNext(
					dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp),
					dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+g.IssueToken()+`","expireIn":30}`)).For(tokenOp),
				)
				go func() { g.wait(t); g.release(t) }()
				_ = refused(t, client, dingtalk.ErrThrottled)
				clock.Move(31 * sec) // the token has ended
			}
			g.ResetRequests()
			g.FailNext(dingtalktest.Code(generated.CodeServiceBusy).For(tokenOp))
			var group sync.WaitGroup
			for range test.calls {
				group.Go(func() {
					if e := refused(t, client, dingtalk.ErrUnavailable); !e.TokenEndpoint || e.Attempts != 1 {
						t.Errorf("%+v", e)
					}
				})
			}
			g.wait(t)
			eventually(t, "all wait for the one fetch", func() bool { return client.TokenWaiters() == test.calls })
			g.release(t)
			group.Wait()
			wantRequests(t, g.Emulator, 0, 1)
			if got := client.BreakerLeft(); got != dingtalk.BreakerBudget-1 {
				t.Errorf("the circuit breaker takes %d more failures", got)
			}
		})
	}
	t.Run("attempts of one fetch", func(t *testing.T) {
		server := dingtalktest.NewServer(t)
		server.FailNext(dingtalktest.Hang().Always().For(tokenOp))
		client := newClient(t, server.URL, appCredentials, newHandClock().option(), dingtalk.WithTimeout(50*ms))
		if e := refused(t, client, dingtalk.ErrUnavailable); !e.TokenEndpoint || !e.Timeout() || e.Attempts != 3 {
			t.Errorf("%+v", e)
		}
		wantRequests(t, server.Emulator, 0, 3)
	})
}

type blockedKey struct{}

// waits blocks the one caller marked in its context.
func waits(ctx context.Context) {
	if blocked, ok := ctx.Value(blockedKey{}).(chan struct{}); ok {
		select {
		case blocked <- struct{}{}:
		default:
		}
		<-ctx.Done()
	}
}

// blockingParts implements all of a client's parts, each of which blocks that caller.
type blockingParts struct{ token string }

func (blockingParts) Wait(ctx context.Context) error {
	waits(ctx)
	return ctx.Err()
}

func (blockingParts) Spend(ctx context.Context) error {
	waits(ctx)
	return ctx.Err()
}

func (p blockingParts) Token(ctx context.Context) (string, error) {
	waits(ctx)
	return p.token, ctx.Err()
}

func (blockingParts) Get(ctx context.Context, _ string) (string, bool) {
	waits(ctx)
	return "", false
}

func (blockingParts) Set(ctx context.Context, _, _ string) { waits(ctx) }

// One throttle limits the circuit breaker to one call. A part that blocks one caller must then not block the others.
func testOneBlocks(t *testing.T) {
	for name, part := range map[string]func(token string) (dingtalk.Credentials, dingtalk.Option){
		"limiter": func(token string) (dingtalk.Credentials, dingtalk.Option) {
			return dingtalk.StaticToken(token), dingtalk.WithLimiter(blockingParts{})
		},
		"token source": func(token string) (dingtalk.Credentials, dingtalk.Option) { return blockingParts{token}, nil },
		"budget": func(token string) (dingtalk.Credentials, dingtalk.Option) {
			return dingtalk.StaticToken(token), dingtalk.WithBudget(blockingParts{})
		},
		"cache": func(token string) (dingtalk.Credentials, dingtalk.Option) {
			return dingtalk.StaticToken(token), dingtalk.WithCache(blockingParts{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
			creds, opt := part(server.IssueToken())
			client := newClient(t, server.URL, creds, opt, newHandClock().option(), oneAttempt)
			server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp))
			_ = refused(t, client, dingtalk.ErrThrottled)

			blocked := make(chan struct{}, 1)
			ctx, leave := context.WithCancel(context.WithValue(t.Context(), blockedKey{}, blocked))
			returned := make(chan error, 1)
			go func() {
				_, err := client.OpenConversationID(ctx, "blocked")
				returned <- err
			}()
			receive(t, "one caller blocks", blocked)
			together(5, func() { convert(t, client, "others") })
			leave()
			if err := <-returned; !errors.Is(err, context.Canceled) {
				t.Errorf("the one that blocked got %v", err)
			}
		})
	}
	t.Run("transport", func(t *testing.T) { // which answers one call only after its caller cancels
		server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
		var blocked atomic.Bool
		arrived := make(chan struct{}, 1)
		client := newClient(t, server.URL, dingtalk.StaticToken(server.IssueToken()), dingtalk.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if blocked.CompareAndSwap(false, true) {
				arrived <- struct{}{}
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return http.DefaultTransport.RoundTrip(req)
		})}))
		ctx, leave := context.WithCancel(t.Context())
		returned := make(chan error, 1)
		go func() {
			_, err := client.OpenConversationID(ctx, "blocked")
			returned <- err
		}()
		receive(t, "one caller blocks", arrived)
		together(5, func() { convert(t, client, "others") })
		leave()
		if err := <-returned; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that blocked got %v", err)
		}
	})
}

// Callers with deadlines below the attempt's limit open the circuit breaker, too.
func testHastyCallers(t *testing.T) {
	for name, calls := range map[string]func(one func()){
		"one after another": func(one func()) {
			for range 1000 {
				one()
			}
		},
		"all at once": func(one func()) { together(1000, one) },
	} {
		t.Run(name, func(t *testing.T) {
			var back atomic.Bool
			peer := newPeer(t, nil, func(int) script {
				if back.Load() {
					return success
				}
				return hang("")
			})
			client := faultClient(t, peer.URL, hasty)
			one := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
				defer cancel()
				_, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
				return err
			}
			calls(func() {
				if one() == nil {
					t.Error("a call succeeded")
				}
			})
			if got := peer.requests(); got >= 100 {
				t.Errorf("%d requests to a service that answers nothing", got)
			}
			back.Store(true)
			eventually(t, "calls succeed again", func() bool { return one() == nil })
		})
	}
}

// A throttle of conversions does not stop the token call.
func TestTokenCallPassesAThrottle(t *testing.T) {
	clock := newStillClock()
	server := dingtalktest.NewServer(t)
	client := newClient(t, server.URL, appCredentials, clock.option(), oneAttempt)
	server.FailNext(
		dingtalktest.Code(generated.CodeAppQPMLimit).For(convertOp),
		dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`","expireIn":30}`)).For(tokenOp),
	)
	_ = refused(t, client, dingtalk.ErrThrottled)
	clock.Move(31 * sec)
	if token, err := client.Token(within(t)); token == "" || err != nil {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), clock.Now().Add(sec))
	defer cancel()
	id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
	if e := asError(t, id, err, dingtalk.ErrThrottled); !e.Local {
		t.Errorf("the throttle was forgotten: %+v", e)
	}
}
