package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() { addRow("row_67_foreign_code_panics_or_ends_its_goroutine", testForeignEnds) }

// endings are the ways in which foreign code does not return.
var endings = map[string]func(){
	"panics":             func() { panic("mock: unexpected call") },
	"panics with an err": func() { panic(fmt.Errorf("mock: unexpected call")) },
	"panics with nil":    func() { panic(nil) }, //nolint:govet // people write it
	"ends its goroutine": runtime.Goexit,
}

// endingParts do not return for the chat "ends".
type endingParts struct {
	token string
	end   func()
}

func (p endingParts) Wait(context.Context) error { p.end(); return nil }

func (p endingParts) Spend(context.Context) error { p.end(); return nil }

func (p endingParts) Token(context.Context) (string, error) { p.end(); return p.token, nil }

func (p endingParts) Get(context.Context, string) (string, bool) { p.end(); return "", false }

func (p endingParts) Set(context.Context, string, string) { p.end() }

func (p endingParts) RoundTrip(*http.Request) (*http.Response, error) { p.end(); return nil, nil }

func testForeignEnds(t *testing.T) {
	parts := map[string]func(p endingParts) (dingtalk.Credentials, dingtalk.Option){
		"transport": func(p endingParts) (dingtalk.Credentials, dingtalk.Option) {
			return dingtalk.StaticToken(p.token), dingtalk.WithHTTPClient(&http.Client{Transport: p})
		},
		"transport of a token call": func(p endingParts) (dingtalk.Credentials, dingtalk.Option) {
			return appCredentials, dingtalk.WithHTTPClient(&http.Client{Transport: p})
		},
		"limiter": func(p endingParts) (dingtalk.Credentials, dingtalk.Option) {
			return dingtalk.StaticToken(p.token), dingtalk.WithLimiter(p)
		},
		"budget": func(p endingParts) (dingtalk.Credentials, dingtalk.Option) {
			return dingtalk.StaticToken(p.token), dingtalk.WithBudget(p)
		},
		"token source": func(p endingParts) (dingtalk.Credentials, dingtalk.Option) { return p, nil },
		"cache": func(p endingParts) (dingtalk.Credentials, dingtalk.Option) {
			return dingtalk.StaticToken(p.token), dingtalk.WithCache(p)
		},
	}
	for part, with := range parts {
		for ending, end := range endings {
			t.Run(part+" "+ending, func(t *testing.T) {
				t.Parallel()
				server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
				creds, opt := with(endingParts{server.IssueToken(), end})
				client := newClient(t, server.URL, creds, opt, newHandClock().option())
				aid := part == "cache" && ending != "ends its goroutine" // a cache's panic counts as a miss
				met := 0
				for c, err := range client.OpenConversationIDs(within(t), slices.Values(chatIDs(6)), dingtalk.WithConcurrency(2)) {
					met++
					var e *dingtalk.Error
					switch {
					case (c.OpenConversationID == "") == (err == nil):
						t.Errorf("%q, %v: a result or an error, not both or neither", c.OpenConversationID, err)
					case err == nil && !aid:
						t.Errorf("%s was converted", c.ChatID)
					case err != nil && (aid || !errors.Is(err, dingtalk.ErrPanicked) || !errors.As(err, &e) || e.Op != convertOp.ID):
						t.Errorf("%v", err)
					}
				}
				if met != 6 {
					t.Errorf("%d results, want 6", met)
				}
				if ending == "panics" && part != "cache" {
					client := newClient(t, server.URL, creds, opt, newHandClock().option())
					if got := panicOf(func() { _, _ = client.OpenConversationID(within(t), "any") }); (got == nil) != (part == "transport of a token call") {
						t.Errorf("at the caller: panic %v", got)
					}
				}
			})
		}
	}
	for ending, end := range endings {
		t.Run("input sequence "+ending, func(t *testing.T) {
			t.Parallel()
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
			for c, err := range client.OpenConversationIDs(within(t), ids) {
				if err == nil {
					converted++
				}
				if last = err; err != nil && c.ChatID != "" {
					t.Errorf("%s: %v", c.ChatID, err)
				}
			}
			if e := asError(t, "", last, dingtalk.ErrPanicked); converted != 5 || ending != "ends its goroutine" && ending != "panics with nil" && !strings.Contains(e.Message, "unexpected call") {
				t.Errorf("%d converted, then %v", converted, last)
			}
			convert(t, client, "any")
			wantRequests(t, server.Emulator, 6, 1)
		})
	}
	t.Run("a secret in a panic", func(t *testing.T) {
		client := newClient(t, "https://example.test", appCredentials, dingtalk.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			panic(fmt.Errorf("unexpected %s with secret %s", req.URL, dingtalktest.AppSecret))
		})}))
		e := refused(t, client, dingtalk.ErrPanicked)
		if text := fmt.Sprintf("%v %+v %v", e, *e, e.Err); strings.Contains(text, dingtalktest.AppSecret) || !strings.Contains(text, "unexpected") {
			t.Error(text)
		}
	})
}

func panicOf(f func()) (recovered any) {
	defer func() { recovered = recover() }()
	f()
	return nil
}

// An error names each invalid option; a nil option is skipped.
func TestOddInput(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	client := newClient(t, server.URL, appCredentials, nil, dingtalk.WithLimiter(nil), nil)
	run := func(ids iter.Seq[string], opts ...dingtalk.BulkOption) (results int, err error) {
		for _, err = range client.OpenConversationIDs(within(t), ids, opts...) {
			results++
		}
		return results, err
	}
	if n, err := run(slices.Values(chatIDs(3)), nil, dingtalk.WithStop(nil)); n != 3 || err != nil {
		t.Errorf("nil options: %d results, %v", n, err)
	}
	for says, results := range map[string]func() (int, error){
		"sequence is nil":    func() (int, error) { return run(nil) },
		"WithConcurrency: 0": func() (int, error) { return run(slices.Values(chatIDs(3)), dingtalk.WithConcurrency(0)) },
		"WithMemory: -1":     func() (int, error) { return run(slices.Values(chatIDs(3)), dingtalk.WithMemory(-1)) },
		"names a row's chat id": func() (n int, err error) {
			for _, err = range dingtalk.ConvertEach(within(t), client, slices.Values([]int{1}), nil) {
				n++
			}
			return n, err
		},
	} {
		n, err := results()
		if e := asError(t, "", err, dingtalk.ErrRejected); n != 1 || !e.Local || !strings.Contains(e.Message, says) {
			t.Errorf("%s: %d results, %v", says, n, err)
		}
	}
	nan := 0.0
	for _, perSecond := range []float64{nan / nan, 0, -1} {
		limiter := dingtalk.NewLimiter(perSecond)
		limiter.Answered(true)
		if err := limiter.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "NewLimiter") || limiter.Rate() != 0 {
			t.Errorf("NewLimiter(%g): %v", perSecond, err)
		}
		if client, err := dingtalk.NewClient(appCredentials, dingtalk.WithLimiter(limiter)); client != nil || err == nil || !strings.Contains(err.Error(), "WithLimiter: NewLimiter") {
			t.Errorf("NewLimiter(%g): %v", perSecond, err)
		}
	}
	if client, err := dingtalk.NewClient(appCredentials, dingtalk.WithRegion(dingtalk.MainlandChina), dingtalk.WithBaseURL("https://example.com")); client != nil || err == nil || !strings.Contains(err.Error(), "WithRegion and WithBaseURL") {
		t.Errorf("region and base URL: %v", err)
	}
	wantRequests(t, server.Emulator, 3, 1)
}
