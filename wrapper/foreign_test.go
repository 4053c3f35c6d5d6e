package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func bodyOf(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

func newWithPart(t *testing.T, use string, does func(context.Context), opts ...dingtalk.Option) (*dingtalk.Client, *dingtalktest.Server) {
	t.Helper()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	token := server.IssueToken()
	creds := dingtalk.Credentials(dingtalk.StaticToken(token))
	switch use {
	case "token source":
		return newClient(t, server.URL, dingtalk.TokenSourceFunc(func(ctx context.Context) (string, error) { does(ctx); return token, ctx.Err() }), opts...), server
	case "token call", "token store":
		creds = appCredentials
	}
	return newClient(t, server.URL, creds, append(opts, uses[use](&alarm{ring: does, level: slog.LevelDebug}))...), server
}

// testPartEnds: whatever a part does to its goroutine, a run loses no worker and no row; a single call gets a panic as it
// is, or an error. A cache, a token store and a logger are aids: their panic costs nothing.
func testPartEnds(t *testing.T) {
	for use := range uses {
		for ending, end := range map[string]func(){
			"panics":             func() { panic("mock: unexpected call") },
			"panics with nil":    func() { panic(nil) },
			"ends its goroutine": runtime.Goexit,
		} {
			aid := use == "token store" || (use == "cache" || strings.HasPrefix(use, "log")) && ending != "ends its goroutine"
			t.Run(use+" "+ending, func(t *testing.T) {
				t.Parallel()
				client, _ := newWithPart(t, use, func(context.Context) { end() }, newHandClock().option())
				met := 0
				for c, err := range client.OpenConversationIDs(within(t), slices.Values(chatIDs(6)), dingtalk.WithConcurrency(2)) {
					if met++; aid && err == nil && c.OpenConversationID != "" {
						continue
					}
					if e := asError(t, c.OpenConversationID, err, dingtalk.ErrPanicked); aid || e.Op != convertOp.ID {
						t.Errorf("%s: %v", c.ChatID, err)
					}
				}
				if met != 6 {
					t.Errorf("%d results, want 6", met)
				}
				if ending != "panics" {
					return
				}
				for range 200 { // more than the breaker allows in flight: the client holds nothing afterwards
					recovered := panicOf(func() { _, _ = client.OpenConversationID(within(t), "any") })
					if (recovered == nil) != (aid || use == "token call") {
						t.Fatalf("at the caller: panic %v", recovered)
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
		ids := func(yield func(string) bool) {
			for _, id := range chatIDs(5) {
				if !yield(id) {
					return
				}
			}
			end()
		}
		var last error
		converted := 0
		for _, err := range client.OpenConversationIDs(within(t), ids) {
			if last = err; err == nil {
				converted++
			}
		}
		if e := asError(t, "", last, dingtalk.ErrPanicked); converted != 5 || !strings.Contains(e.Message, says) {
			t.Errorf("%d converted, then %v", converted, last)
		}
		convert(t, client, "any")
		wantRequests(t, server.Emulator, 6, 1)
	}
	client := newClient(t, "https://example.test", appCredentials, through(roundTripper(func(req *http.Request) (*http.Response, error) {
		panic(fmt.Errorf("unexpected %s with secret %s", req.URL, appCredentials.AppSecret))
	})))
	if e := refused(t, client, dingtalk.ErrPanicked); !strings.Contains(e.Error(), "unexpected") || strings.Contains(fmt.Sprint(e.Err), appCredentials.AppSecret) {
		t.Errorf("%v", e)
	}
	// A round tripper may also return what no server sends.
	empty := func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, nil }
	_ = refused(t, newForeign(t, empty), dingtalk.ErrUnexpectedResponse)
	_ = refused(t, newClient(t, "https://example.test", appCredentials, through(roundTripper(empty))), dingtalk.ErrUnexpectedResponse)
}

type blockedKey struct{}

// testPartBlocks: one throttle limits the circuit breaker to one call. A part that blocks one caller must then not block
// the others.
func testPartBlocks(t *testing.T) {
	for use := range uses {
		if use == "token call" || use == "token store" || strings.HasPrefix(use, "log") {
			continue // all wait for the one token; a logger may not block
		}
		t.Run(use, func(t *testing.T) {
			t.Parallel()
			blocked := make(chan struct{}, 100)
			client, server := newWithPart(t, use, func(ctx context.Context) {
				if ctx.Value(blockedKey{}) != nil {
					blocked <- struct{}{}
					<-ctx.Done()
				}
			}, newHandClock().option(), oneAttempt)
			if use != "transport" { // which alone keeps the breaker's pass, for the attempt's limit
				server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(convertOp))
				_ = refused(t, client, dingtalk.ErrThrottled)
			}
			ctx, leave := context.WithCancel(context.WithValue(t.Context(), blockedKey{}, true))
			returned := make(chan struct{})
			go func() {
				defer close(returned)
				if _, err := client.OpenConversationID(ctx, "blocked"); !errors.Is(err, context.Canceled) {
					t.Errorf("the one that blocked got %v", err)
				}
			}()
			receive(t, "one caller blocks", blocked)
			together(5, func() { convert(t, client, "others") })
			leave()
			receive(t, "it returns", returned)
		})
	}
}
