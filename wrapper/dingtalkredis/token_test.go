//go:build redis

package dingtalkredis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestTokenIsSealed(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	client := newClient(t, server.URL, creds, dingtalk.WithTokenStore(newFleet(t, rdb, server.URL).TokenStore()))
	token, err := client.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := rdb.Keys(t.Context(), "*").Val()
	if len(found) != 1 {
		t.Fatalf("Redis holds %q, want one key", found)
	}
	for _, secret := range []string{token, creds.AppSecret, creds.AppKey} {
		if value := rdb.Get(t.Context(), found[0]).Val(); value == "" || strings.Contains(found[0]+value, secret) {
			t.Errorf("Redis holds a secret, or nothing: %q", found[0])
		}
	}
	if left := rdb.PTTL(t.Context(), found[0]).Val(); left < 7190*time.Second || left > 7200*time.Second {
		t.Errorf("Redis keeps the token for %s, want 2h", left)
	}
}

// Another secret, another app and another host never meet each other's token.
func TestForeignTokensAreNotFound(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	a := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithCredentials("app", "old"), dingtalktest.WithCredentials("other", "old"))
	b := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithCredentials("app", "new"))
	for n, c := range []struct {
		server *dingtalktest.Server
		creds  dingtalk.AppCredentials
	}{
		{a, dingtalk.AppCredentials{AppKey: "app", AppSecret: "old"}},
		{a, dingtalk.AppCredentials{AppKey: "other", AppSecret: "old"}},
		{b, dingtalk.AppCredentials{AppKey: "app", AppSecret: "new"}},
	} {
		fleet := newFleetOf(t, rdb, c.creds, c.server.URL)
		convert(t, newClient(t, c.server.URL, c.creds, dingtalk.WithTokenStore(fleet.TokenStore())), "chat")
		if found := rdb.Keys(t.Context(), "*:token:*").Val(); len(found) != n+1 {
			t.Errorf("Redis holds %d tokens, want %d", len(found), n+1)
		}
	}
	wantRequests(t, a, 2, 2)
	wantRequests(t, b, 1, 1)
}

// What is not a sealed token of this app counts as none, and is replaced.
func TestGarbageTokenIsReplaced(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	fleet := newFleet(t, rdb, server.URL)
	convert(t, newClient(t, server.URL, creds, dingtalk.WithTokenStore(fleet.TokenStore())), "first")
	name := rdb.Keys(t.Context(), "*").Val()[0]
	good := rdb.Get(t.Context(), name).Val()
	for n, command := range [][]any{{"SET", "garbage", "EX", 3600}, {"SET", "", "EX", 3600}, {"SET", good[:len(good)-1] + "x", "EX", 3600},
		{"SET", good}, {"HSET", "a", "b"}, {"RPUSH", good}} { // the fourth would never end
		rdb.Del(t.Context(), name)
		spoil(t, rdb, name, command...)
		var log lines
		convert(t, newClient(t, server.URL, creds, dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithLogger(log.logger())), fmt.Sprint(n))
		convert(t, newClient(t, server.URL, creds, dingtalk.WithTokenStore(fleet.TokenStore())), fmt.Sprint(n, "again"))
		if got := server.Count(tokenOp); got != n+2 {
			t.Errorf("spoilt %d: %d token calls, want %d", n, got, n+2)
		}
		if log.warnings() > 0 {
			t.Errorf("spoilt %d: %s", n, &log)
		}
	}
}

// A token near its end is renewed by one process, while the others go on with it.
func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), func(s *dingtalktest.Settings) { s.TokenLifetime = dingtalktest.Duration(5 * time.Second) })
	var clients []*dingtalk.Client
	for range 4 {
		clients = append(clients, newClient(t, server.URL, creds, dingtalk.WithTokenStore(newFleet(t, rdb, server.URL).TokenStore())))
	}
	for renewal := range 3 {
		eventually(t, "the token is renewed", func() bool {
			for n, client := range clients {
				convert(t, client, fmt.Sprint(n))
			}
			return server.Count(tokenOp) > renewal
		})
		if n := server.Count(tokenOp); n != renewal+1 {
			t.Errorf("%d token calls, want %d: the first, and the renewals", n, renewal+1)
		}
	}
}

// Wrong credentials fail all the same, and leave nothing behind.
func TestFetchThatFails(t *testing.T) {
	t.Parallel()
	rdb := newRedis(t, redistest.Start(t).Addr)
	server := dingtalktest.NewServer(t)
	wrong := dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: "wrong"}
	client := newClient(t, server.URL, wrong, dingtalk.WithTokenStore(newFleetOf(t, rdb, wrong, server.URL).TokenStore()))
	if _, err := client.OpenConversationID(t.Context(), "chat"); err == nil {
		t.Error("wrong credentials were accepted")
	}
	if found := rdb.Keys(t.Context(), "*").Val(); len(found) != 0 {
		t.Errorf("Redis holds %q", found)
	}
}
