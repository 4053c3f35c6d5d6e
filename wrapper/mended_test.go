package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// What an answer says is an id only if it can be one.
func TestIDsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{
		"NUL": `cid\u0000`, "not UTF-8": "cid\xff", "U+FFFD": `cid\ufffd`, "line break": `cid\n1`, "long": strings.Repeat("c", 512<<10),
		"the chat id": dingtalktest.ChatID, "space": "cid 1", "direction mark": `cid\u202e`,
	} {
		peer := newPeer(t, nil, func(int) script { return respond(200, "application/json", `{"openConversationId":"`+id+`"}`) })
		got, err := newClient(t, peer.URL, dingtalk.StaticToken("t0ken")).OpenConversationID(t.Context(), dingtalktest.ChatID)
		if e := asError(t, got, err, dingtalk.ErrUnexpectedResponse); e.StatusCode != 200 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// The legacy API's general code 88 says nothing of the token: its sub_code decides. Success has many spellings.
func TestEnvelopes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{"errcode":88,"sub_code":"60011","errmsg":"m"}`:  dingtalk.ErrPermissionDenied,
		`{"errcode":88,"sub_code":"90018","errmsg":"m"}`:  dingtalk.ErrThrottled,
		`{"errcode":88,"sub_code":"90019","errmsg":"m"}`:  dingtalk.ErrThrottled,
		`{"errcode":88,"sub_code":"12345","errmsg":"m"}`:  dingtalk.ErrUnexpectedResponse,
		`{"errcode":88,"sub_code":"40014","errmsg":"m"}`:  dingtalk.ErrUnauthenticated,
		`{"errcode":88,"errmsg":"m"}`:                     dingtalk.ErrUnauthenticated,
		`{"errcode":42001,"errmsg":"m"}`:                  dingtalk.ErrUnauthenticated,
		`{"code":"400007","message":"m","requestid":"r"}`: dingtalk.ErrPermissionDenied,
		`{"code":"200","message":"ok","requestid":"r"}`:   nil,
		`{"errcode":0.0,"errmsg":"ok"}`:                   nil,
		`{"errcode":"0","errmsg":"ok"}`:                   nil,
	} {
		peer := newPeer(t, nil, func(int) script { return respond(200, "application/json", body) })
		_, err := dingtalk.Do[map[string]any](t.Context(), newClient(t, peer.URL, dingtalk.StaticToken("t0ken"), oneAttempt), dingtalk.NewRequest(&dingtalk.Operation{ID: "op", Method: http.MethodGet, Path: "/", Status: 200}))
		var e *dingtalk.Error
		if want == nil && err != nil || want != nil && (!errors.As(err, &e) || !errors.Is(e.Kind, want) || peer.requests() != 1) {
			t.Errorf("%s: %v after %d requests, want %v", body, err, peer.requests(), want)
		}
	}
}

// What the service answered is the reason, if the client's own parts refuse the repeat. A part that fails itself is one.
func TestAnswerBeforeARefusal(t *testing.T) {
	t.Parallel()
	over := &dingtalk.Error{Kind: dingtalk.ErrQuotaExhausted, Local: true, Message: "not sent: used up", RetryAfter: time.Hour}
	away := &dingtalk.Error{Kind: dingtalk.ErrUnavailable, Local: true, Message: "not sent: Redis is away"}
	for name, tt := range map[string]struct {
		with func(budgetFunc) dingtalk.Option
		err  error
		kind error
	}{
		"limiter":          {asLimiter, errors.New("no"), dingtalk.ErrUnavailable},
		"budget":           {asBudget, over, dingtalk.ErrUnavailable},
		"budget's failure": {asBudget, away, dingtalk.ErrUnavailable},
	} {
		peer := newPeer(t, nil, func(int) script { return apiError(503, "serviceBusy") })
		client := newClient(t, peer.URL, dingtalk.StaticToken("t0ken"), newHandClock().option(), tt.with(refuseAfter(1, tt.err)))
		id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
		e := asError(t, id, err, tt.kind)
		if !errors.Is(tt.err, away) && (e.Code != "serviceBusy" || e.StatusCode != 503 || e.Local || !strings.Contains(e.Message, "not repeated")) ||
			!errors.Is(e.Kind, tt.kind) || !strings.Contains(err.Error(), "serviceBusy") || e.Attempts != 1 || peer.requests() != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// badStore gives another bad token each time.
type badStore struct{ given atomic.Int64 }

func (s *badStore) Token(context.Context, string, func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	return dingtalk.Token{Value: fmt.Sprint("bad", s.given.Add(1)), Lifetime: time.Hour}, nil
}
func (s *badStore) Drop(context.Context, string, string) error { return nil }

// A store whose tokens are bad costs a call two replays at most.
func TestStoreOfBadTokens(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	client := newClient(t, server.URL, appCredentials, dingtalk.WithTokenStore(new(badStore)))
	for range 3 {
		convert(t, client, dingtalktest.ChatID)
	}
	wantRequests(t, server.Emulator, 5, 1)
}

// The clock set back by an hour, or forward, neither stops a limiter nor cancels retries.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	var jump atomic.Int64
	clock := dingtalk.WithClock(dingtalk.Clock{Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(jump.Load())) }, Jumps: true})
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		peer := newPeer(t, nil, func(n int) script {
			if n%2 == 1 {
				jump.Add(int64(by))
				return apiError(503, string(generated.CodeServiceBusy))
			}
			return success
		})
		client := newClient(t, peer.URL, dingtalk.StaticToken("t0ken"), clock, dingtalk.WithLimiter(dingtalk.NewLimiter(1000)))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if id, err := client.OpenConversationID(ctx, dingtalktest.ChatID); err != nil {
				t.Errorf("%s: %q, %v", by, id, err)
			}
			cancel()
		}
	}
}
