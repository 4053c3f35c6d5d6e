package dingtalkredis

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

const (
	// fetchTime is the lease of a process that fetches a token. If that process is killed, the others wait as long as
	// they wait for any fetch.
	fetchTime = 10 * time.Second
	// waitTime is how long a process waits for another's fetch before it fetches a token itself.
	waitTime = 1500 * time.Millisecond
	pollTime = 20 * time.Millisecond
	// tokenPatience is below the client's time limit of a store.
	tokenPatience = 500 * time.Millisecond
	// dueTime is how long before its end a token is renewed, but at most a quarter of its lifetime. It is a little
	// longer than the client's own value: a client that asks for a renewal then gets one.
	dueTime = generated.TokenRenewalTime + 5*time.Second
)

// TokenStore keeps the app's access token in Redis, sealed. It implements [dingtalk.TokenStore].
type TokenStore struct {
	fleet *Fleet
}

// TokenStore shares the access token: only one process at a time fetches it. Pass it to [dingtalk.WithTokenStore].
func (f *Fleet) TokenStore() *TokenStore {
	return &TokenStore{fleet: f.patient(tokenPatience, awayTime)}
}

// kept is a token kept in Redis.
type kept struct {
	sealed string
	value  string
	left   time.Duration
	due    bool // due for renewal
}

// Token returns the token in Redis, or fetches one. While another process fetches, it returns the old token if that is
// still valid, or waits up to 1.5 s for the new one.
func (s *TokenStore) Token(ctx context.Context, key string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	name, lock := s.fleet.key("token", key), s.fleet.key("token", key, "fetching")
	for deadline := time.Now().Add(waitTime); ; {
		found, err := s.find(ctx, name)
		if err != nil {
			return dingtalk.Token{}, err
		}
		if found.value != "" && !found.due {
			return dingtalk.Token{Value: found.value, Lifetime: found.left}, nil
		}
		mine := rand.Text()
		locked, err := ask(ctx, s.fleet, func(ctx context.Context) (bool, error) {
			return s.fleet.redis.SetNX(ctx, lock, mine, fetchTime).Result()
		})
		switch {
		case err != nil:
			return dingtalk.Token{}, err
		case locked || time.Now().After(deadline):
			return s.fetch(ctx, name, lock, mine, locked, fetch)
		case found.value != "":
			return dingtalk.Token{Value: found.value, Lifetime: found.left}, nil
		}
		select {
		case <-time.After(pollTime):
		case <-ctx.Done():
			return dingtalk.Token{}, ctx.Err()
		}
	}
}

// find reads the token. An unreadable value, of another schema or somebody else's, counts as missing.
func (s *TokenStore) find(ctx context.Context, name string) (kept, error) {
	return ask(ctx, s.fleet, func(ctx context.Context) (kept, error) {
		pipe := s.fleet.redis.Pipeline()
		value, ttl := pipe.Get(ctx, name), pipe.PTTL(ctx, name)
		if _, err := pipe.Exec(ctx); err != nil && !isNone(err) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
			return kept{}, err
		}
		token, lifetime, err := s.fleet.seal.open(name, value.Val())
		if left := ttl.Val(); err == nil && left > 0 {
			return kept{sealed: value.Val(), value: token, left: left, due: left <= min(dueTime, lifetime/4)}, nil
		}
		return kept{}, nil
	})
}

// fetch fetches a token and keeps it, unless another process did so between the lookup and the lock. If Redis cannot
// keep the token, it is returned all the same.
func (s *TokenStore) fetch(ctx context.Context, name, lock, mine string, locked bool, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	if locked {
		if found, err := s.find(ctx, name); err == nil && found.value != "" && !found.due {
			_, err := ask(ctx, s.fleet, func(ctx context.Context) (any, error) {
				return unlock.Run(ctx, s.fleet.redis, []string{lock}, mine).Result()
			})
			return dingtalk.Token{Value: found.value, Lifetime: found.left}, err
		}
	}
	token, failed := fetch(ctx)
	_, err := ask(ctx, s.fleet, func(ctx context.Context) (any, error) {
		pipe := s.fleet.redis.Pipeline()
		if failed == nil && token.Lifetime > time.Millisecond {
			pipe.Set(ctx, name, s.fleet.seal.close(name, token.Value, token.Lifetime), token.Lifetime)
		}
		unlock.Eval(ctx, pipe, []string{lock}, mine)
		_, err := pipe.Exec(ctx)
		return nil, err
	})
	if failed != nil {
		return dingtalk.Token{}, failed
	}
	return token, err
}

// unlock deletes a key if it holds the given value. Drop uses it, too.
var unlock = redis.NewScript(`if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Drop deletes token from Redis, unless Redis keeps another by now.
func (s *TokenStore) Drop(ctx context.Context, key, token string) error {
	name := s.fleet.key("token", key)
	found, err := s.find(ctx, name)
	if err != nil || found.value != token {
		return err
	}
	_, err = ask(ctx, s.fleet, func(ctx context.Context) (any, error) {
		return unlock.Run(ctx, s.fleet.redis, []string{name}, found.sealed).Result()
	})
	return err
}
