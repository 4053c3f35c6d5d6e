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
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// besides is a service whose conversions work, and whose other paths meet a fault.
type besides struct {
	URL            string
	tokens, faults atomic.Int64
	renews         bool // each token call gives another token
}

func newBesides(t *testing.T, renews bool, fault http.HandlerFunc) *besides {
	b := &besides{renews: renews}
	b.URL = serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.URL.Path == tokenOp.Path:
			n := b.tokens.Add(1)
			if !b.renews {
				n = 1
			}
			fmt.Fprintf(w, `{"accessToken":"t0ken-number-%d","expireIn":7200}`, n)
		case strings.HasSuffix(r.URL.Path, "/convertToOpenConversationId"):
			fmt.Fprint(w, successBody)
		default:
			b.faults.Add(1)
			fault(w, r)
		}
	})
	return b
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

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
			if turn.Add(1)%2 == 0 {
				odd(w, r)
			} else {
				fmt.Fprint(w, "{}")
			}
		},
		"throttle per minute": answers(403, `{"code":"Forbidden.AccessDenied.QpmLimitForAppkeyAndApi","message":"m"}`),
		"429":                 answers(429, ""),
		"500":                 answers(500, ""),
		"serviceBusy":         answers(503, `{"code":"serviceBusy","message":"m"}`),
		"hangs":               func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"resets":              func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"words of a ban":      answers(404, `{"code":"NotFound","message":"punish","punish":"deny"}`),
		"HTML with an echo": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			fmt.Fprint(w, "<html>no such chat: punish")
		},
		"redirect": answers(302, ""),
	} {
		for _, renews := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s renews %t", name, renews), func(t *testing.T) {
				t.Parallel()
				b := newBesides(t, renews, fault)
				client := newClient(t, b.URL, appCredentials, dingtalk.WithTimeout(500*ms))
				convert(t, client, dingtalktest.ChatID)
				ctx, cancel := context.WithCancel(t.Context())
				var bad sync.WaitGroup
				for n := range 20 { // of three operations
					bad.Go(func() {
						for ctx.Err() == nil {
							short, end := context.WithTimeout(ctx, time.Duration(20+n)*ms)
							_ = client.Do(short, http.MethodGet, fmt.Sprintf("/v1.0/%c/%d", 'a'+n%3, n), nil, nil)
							<-short.Done()
							end()
						}
					})
				}
				const calls = 200
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
				eventually(t, "the fault was met", func() bool { return b.faults.Load() > 0 })
				cancel()
				bad.Wait()
				t.Logf("%d of %d failed beside %d faults, %d token calls", failed, calls, b.faults.Load(), b.tokens.Load())
				if failed > calls/20 || name != "401 and 200 in turn" && b.tokens.Load() > 10 {
					t.Errorf("%d of %d conversions failed, %d token calls", failed, calls, b.tokens.Load())
				}
			})
		}
	}
}

// A token that is really bad is replaced, whoever notices it first and however many at once.
func TestDeadTokenIsReplacedForAll(t *testing.T) {
	for name, op := range map[string]*dingtalk.Operation{"of the same operation": &convertOp, "of another": {Method: http.MethodGet, Path: "/v1.0/other", Empty: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad atomic.Pointer[string]
			var tokens atomic.Int64
			first := "t0ken-number-0"
			bad.Store(&first)
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch header := r.Header.Get(generated.TokenHeader); {
				case r.URL.Path == tokenOp.Path:
					fmt.Fprintf(w, `{"accessToken":"t0ken-number-%d","expireIn":7200}`, tokens.Add(1))
				case header == *bad.Load():
					answers(401, "")(w, r)
				default:
					fmt.Fprint(w, successBody)
				}
			})
			client := newClient(t, url, appCredentials)
			call := func() {
				var err error
				if op == &convertOp {
					_, err = client.OpenConversationID(within(t), dingtalktest.ChatID)
				} else {
					_, err = dingtalk.Do[struct{}](within(t), client, dingtalk.NewRequest(op))
				}
				if err != nil {
					t.Error(err)
				}
			}
			for range 3 { // the replay's success proves each drop right, so the next is not doubted
				convert(t, client, dingtalktest.ChatID)
				together(20, call)
				dead := fmt.Sprintf("t0ken-number-%d", tokens.Load())
				bad.Store(&dead)
			}
			together(20, call)
			if got := tokens.Load(); got != 4 {
				t.Errorf("%d token calls, want 4", got)
			}
		})
	}
}

// Only the whole answer to a banned address is a ban.
func TestWordsOfABan(t *testing.T) {
	t.Parallel()
	for body, banned := range map[string]bool{
		`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`: true,
		`{"status":"1111","punish":"deny"}`:                                 true,
		`{"punish":"deny","openConversationId":""}`:                         false,
		`{"status":1111,"wait":5}`:                                          false,
		`{"status":1110,"punish":"deny"}`:                                   false,
		`{"code":"x","message":"punish"}`:                                   false,
		`<html>punish 1111`:                                                 false,
	} {
		for _, status := range []int{200, 404, 502} {
			peer := newPeer(t, nil, func(n int) script {
				if n == 1 {
					return respond(status, "application/json", body)
				}
				return success
			})
			client := newClient(t, peer.URL, dingtalk.StaticToken("t0ken"), newHandClock().option(), oneAttempt)
			_, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
			if err == nil || errors.Is(err, dingtalk.ErrBlocked) != banned {
				t.Errorf("%d %s: %v", status, body, err)
			}
			if _, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID); (err != nil) != banned {
				t.Errorf("after %d %s: %v", status, body, err)
			}
		}
	}
	b := newBesides(t, true, answers(200, `{"punish":"deny","status":3}`))
	var out map[string]any
	if err := newClient(t, b.URL, appCredentials).Do(t.Context(), http.MethodGet, "/v1.0/rules", nil, &out); err != nil || out["punish"] != "deny" {
		t.Errorf("%v, %v", out, err)
	}
}
