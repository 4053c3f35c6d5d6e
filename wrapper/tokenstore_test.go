package dingtalk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// sharedMap is a store for the clients of one process.
type sharedMap struct {
	mu     sync.Mutex
	tokens map[string]dingtalk.Token
	drops  int
	deaf   bool // it ignores Drop
}

func (m *sharedMap) Token(ctx context.Context, key string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token, ok := m.tokens[key]; ok {
		return token, nil
	}
	token, err := fetch(ctx)
	if err == nil {
		if m.tokens == nil {
			m.tokens = map[string]dingtalk.Token{}
		}
		m.tokens[key] = token
	}
	return token, err
}

func (m *sharedMap) Drop(_ context.Context, key, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drops++
	if m.deaf {
		return errors.New("not now")
	}
	if m.tokens[key].Value == token {
		delete(m.tokens, key)
	}
	return nil
}

func TestTokenStore(t *testing.T) {
	store := new(sharedMap)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	var clients []*dingtalk.Client
	for range 4 {
		clients = append(clients, newClient(t, server.URL, appCredentials, dingtalk.WithTokenStore(store)))
	}
	all := func() {
		var wg sync.WaitGroup
		for n, client := range clients {
			for range 4 {
				wg.Go(func() { convert(t, client, fmt.Sprint(n)) })
			}
		}
		wg.Wait()
	}
	all()
	wantRequests(t, server.Emulator, 16, 1)
	for key, token := range store.tokens {
		if strings.Contains(key, appCredentials.AppSecret) || !strings.Contains(key, server.URL) || !strings.Contains(key, appCredentials.AppKey) {
			t.Errorf("the key is %q", key)
		}
		if token.Lifetime < 2*time.Hour-time.Minute || token.Lifetime > 2*time.Hour {
			t.Errorf("the lifetime is %s", token.Lifetime)
		}
	}
	server.RejectTokens()
	all()
	if n := server.Count(tokenOp); n != 2 {
		t.Errorf("%d token calls after one rejection, want 2", n)
	}
}

// A rejected token is not used again, even if the store's Drop failed.
func TestTokenStoreThatKeepsARejectedToken(t *testing.T) {
	store := &sharedMap{deaf: true}
	client, server := newEmulated(t, dingtalk.WithTokenStore(store))
	convert(t, client, "before")
	server.RejectTokens()
	convert(t, client, "after")
	wantRequests(t, server.Emulator, 3, 2)
	if store.drops < 1 {
		t.Error("the store was not told")
	}
}

// storeFuncs is a store of two functions.
type storeFuncs struct {
	token func(context.Context, func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error)
	drop  func(context.Context) error
}

func (s storeFuncs) Token(ctx context.Context, _ string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	return s.token(ctx, fetch)
}

func (s storeFuncs) Drop(ctx context.Context, _, _ string) error { return s.drop(ctx) }

type fetchFunc = func(context.Context) (dingtalk.Token, error)

// Whatever a store does, calls succeed, each token is fetched once, and one warning is logged.
func TestTokenStoreThatFails(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	deaf := make(chan struct{})
	t.Cleanup(func() { close(deaf) })
	for name, store := range map[string]storeFuncs{
		"error": {
			func(context.Context, fetchFunc) (dingtalk.Token, error) { return dingtalk.Token{}, errors.New("down") },
			func(context.Context) error { return errors.New("down") },
		},
		"panic": {
			func(context.Context, fetchFunc) (dingtalk.Token, error) { panic("store") },
			func(context.Context) error { panic("store") },
		},
		"slow": {
			func(ctx context.Context, _ fetchFunc) (dingtalk.Token, error) { return dingtalk.Token{}, hang(ctx) },
			hang,
		},
		"deaf to its context": {
			func(context.Context, fetchFunc) (dingtalk.Token, error) { <-deaf; return dingtalk.Token{}, nil },
			func(context.Context) error { <-deaf; return nil },
		},
		"slow after the fetch": {
			func(ctx context.Context, fetch fetchFunc) (dingtalk.Token, error) {
				_, _ = fetch(ctx)
				return dingtalk.Token{}, hang(ctx)
			},
			hang,
		},
		"error after the fetch": {
			func(ctx context.Context, fetch fetchFunc) (dingtalk.Token, error) {
				_, _ = fetch(ctx)
				_, _ = fetch(ctx)
				return dingtalk.Token{}, errors.New("full")
			},
			func(context.Context) error { return errors.New("down") },
		},
		"no token": {
			func(context.Context, fetchFunc) (dingtalk.Token, error) { return dingtalk.Token{}, nil },
			func(context.Context) error { return errors.New("down") },
		},
		"no lifetime": {
			func(context.Context, fetchFunc) (dingtalk.Token, error) { return dingtalk.Token{Value: "x"}, nil },
			func(context.Context) error { return errors.New("down") },
		},
		"a token that cannot be sent": {
			func(context.Context, fetchFunc) (dingtalk.Token, error) {
				return dingtalk.Token{Value: "x\r\nHost: y", Lifetime: time.Hour}, nil
			},
			func(context.Context) error { return errors.New("down") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log counter
			client, server := newEmulated(t, dingtalk.WithTokenStore(store), dingtalk.WithLogger(slog.New(&log)))
			convert(t, client, "before")
			wantRequests(t, server.Emulator, 1, 1)
			server.RejectTokens()
			convert(t, client, "after")
			wantRequests(t, server.Emulator, 3, 2)
			if n := log.at(slog.LevelWarn); n != 1 {
				t.Errorf("%d warnings, want 1", n)
			}
		})
	}
}

// Somebody else's token is handled like a rejected one.
func TestTokenStoreWithAForeignToken(t *testing.T) {
	store := new(sharedMap)
	client, server := newEmulated(t, dingtalk.WithTokenStore(store))
	convert(t, client, "first")
	for key := range store.tokens {
		store.tokens[key] = dingtalk.Token{Value: "foreign", Lifetime: time.Hour}
	}
	other := newClient(t, server.URL, appCredentials, dingtalk.WithTokenStore(store))
	convert(t, other, "second")
	wantRequests(t, server.Emulator, 3, 2)
}

func TestTokenStoreKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, base := range []string{"http://127.0.0.1:1", "http://127.0.0.1:2"} {
		for _, creds := range []dingtalk.AppCredentials{{AppKey: "a", AppSecret: "s"}, {AppKey: "b", AppSecret: "s"}, {AppKey: "a", AppSecret: "t"}} {
			store := keyStore{seen}
			_, _ = newClient(t, base, creds, dingtalk.WithTokenStore(store), oneAttempt).Token(t.Context())
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d keys for 6 pairs of host and credentials: %v", len(seen), seen)
	}
}

type keyStore struct{ seen map[string]bool }

func (s keyStore) Token(_ context.Context, key string, _ func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	s.seen[key] = true
	return dingtalk.Token{Value: "t", Lifetime: time.Hour}, nil
}

func (keyStore) Drop(context.Context, string, string) error { return nil }

func TestTokenStoreNeedsAppCredentials(t *testing.T) {
	if _, err := dingtalk.NewClient(dingtalk.StaticToken("t"), dingtalk.WithTokenStore(new(sharedMap))); err == nil {
		t.Error("a store was accepted with a static token")
	}
	if _, err := dingtalk.NewClient(dingtalk.StaticToken("t"), dingtalk.WithTokenStore(nil)); err != nil {
		t.Errorf("no store was refused: %v", err)
	}
}

func TestTokenIsNotPrinted(t *testing.T) {
	token := dingtalk.Token{Value: "very-secret", Lifetime: time.Hour}
	text := fmt.Sprint(token, slog.AnyValue(token)) + fmt.Sprintf("%v %+v %#v %s %q", token, token, token, token, token)
	if raw, err := json.Marshal(token); err == nil || strings.Contains(text+string(raw), "very-secret") {
		t.Errorf("it is printed: %s, %v", text, err)
	}
}
