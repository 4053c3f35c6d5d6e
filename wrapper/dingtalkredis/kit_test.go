//go:build redis

package dingtalkredis_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var (
	convertOp = generated.OperationChatIDToOpenConversationID
	tokenOp   = generated.OperationGetAccessToken
	creds     = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
)

// usual is the default time limit, for tests of a Redis that does not answer. The others are patient: on a busy machine, a
// Redis that is late counts as none, and a process goes on without it.
var usual = dingtalkredis.WithTimeout(250 * time.Millisecond)

func newFleet(t testing.TB, client redis.UniversalClient, url string, opts ...dingtalkredis.Option) *dingtalkredis.Fleet {
	t.Helper()
	return newFleetOf(t, client, creds, url, opts...)
}

func newFleetOf(t testing.TB, client redis.UniversalClient, creds dingtalk.AppCredentials, url string, opts ...dingtalkredis.Option) *dingtalkredis.Fleet {
	t.Helper()
	fleet, err := dingtalkredis.New(client, creds, append([]dingtalkredis.Option{dingtalkredis.WithBaseURL(url), dingtalkredis.WithTimeout(patience)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return fleet
}

func newClient(t testing.TB, url string, creds dingtalk.AppCredentials, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := dingtalk.NewClient(creds, append([]dingtalk.Option{
		dingtalk.WithBaseURL(url), dingtalk.WithHTTPClient(&http.Client{Transport: transport}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newApp(t testing.TB, fleet *dingtalkredis.Fleet, url string, rate float64, budget *dingtalkredis.Budget, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	return newClient(t, url, creds, append(opts, dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithLimiter(fleet.Limiter(rate)),
		dingtalk.WithBudget(budget), dingtalk.WithCache(fleet.Cache(time.Hour)))...)
}

func convert(t testing.TB, client *dingtalk.Client, chatID string) {
	t.Helper()
	convertWithin(t, patience, client, chatID)
}

func convertWithin(t testing.TB, limit time.Duration, client *dingtalk.Client, chatID string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	id, err := client.OpenConversationID(ctx, chatID)
	if want := dingtalktest.OpenConversationIDOf(chatID); id != want || err != nil {
		t.Fatalf("OpenConversationID(%q) = %q, %v; want %q", chatID, id, err, want)
	}
}

func wantRequests(t testing.TB, e *dingtalktest.Server, converts, tokens int) {
	t.Helper()
	if c, n := e.Count(convertOp), e.Count(tokenOp); c != converts || n != tokens {
		t.Errorf("%d conversions and %d token calls arrived, want %d and %d", c, n, converts, tokens)
	}
}

func wantQuota(t testing.TB, err error) {
	t.Helper()
	var e *dingtalk.Error
	if !errors.As(err, &e) || !errors.Is(err, dingtalk.ErrQuotaExhausted) || !e.Local {
		t.Errorf("got %v; want a local *Error that is ErrQuotaExhausted", err)
	}
}

type lines struct {
	mu   sync.Mutex
	text string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(p)
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
func (l *lines) warnings() int        { return strings.Count(l.String(), "level=WARN") }

// spoil runs a command on a key, which is replaced unless that is HSET.
func spoil(t testing.TB, client redis.UniversalClient, key string, command ...any) {
	t.Helper()
	if command[0] != "HSET" {
		client.Del(t.Context(), key)
	}
	if err := client.Do(t.Context(), append([]any{command[0], key}, command[1:]...)...).Err(); err != nil {
		t.Fatal(err)
	}
}
