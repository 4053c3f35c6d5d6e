package dingtalkredis

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

const (
	// leaseTime is the lease of a process that fetches a token, which it renews while it fetches. If it is killed, another
	// process fetches then.
	leaseTime = 3 * time.Second
	// dueTime is how long before its end a token is renewed, but at most a quarter of its lifetime. It is a little
	// longer than the client's own value: a client that asks for a renewal then gets one.
	dueTime = generated.TokenRenewalTime + 5*time.Second
)

// TokenStore keeps the app's access token in Redis, sealed. It implements [dingtalk.TokenStore].
type TokenStore struct {
	fleet   *Fleet
	waiting atomic.Bool // another process was fetching a moment ago
}

// TokenStore shares the access token: only one process at a time fetches it. Pass it to [dingtalk.WithTokenStore].
func (f *Fleet) TokenStore() *TokenStore { return &TokenStore{fleet: f} }

// kept is a token kept in Redis.
type kept struct {
	sealed string
	value  string
	left   time.Duration
	due    bool // due for renewal
}

func (k kept) token() dingtalk.Token { return dingtalk.Token{Value: k.value, Lifetime: k.left} }

// Token returns the token in Redis, or fetches one. While another process fetches, it returns the old token if that is
// still valid, or [dingtalk.ErrTokenFetching].
func (s *TokenStore) Token(ctx context.Context, key string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	name, lock := s.fleet.tokenKey(key), s.fleet.tokenKey(key, "fetching")
	if s.waiting.Load() { // one command a look
		left, err := do(ctx, s.fleet, func(ctx context.Context) (time.Duration, error) { return s.fleet.redis.PTTL(ctx, lock).Result() })
		if err != nil {
			return dingtalk.Token{}, err
		}
		if left > 0 {
			return dingtalk.Token{}, dingtalk.ErrTokenFetching
		}
		s.waiting.Store(false)
	}
	found, _, err := s.find(ctx, name, "", "")
	if err != nil || found.value != "" && !found.due {
		return found.token(), err
	}
	mine := rand.Text()
	found, locked, err := s.find(ctx, name, lock, mine) // it may have been kept meanwhile
	switch {
	case err != nil:
		return dingtalk.Token{}, err
	case locked:
		return s.fetch(ctx, name, lock, mine, found, fetch)
	case found.value != "":
		return found.token(), nil
	}
	s.waiting.Store(true)
	return dingtalk.Token{}, dingtalk.ErrTokenFetching
}

// find takes a lock, if it is given one, and reads the token. An unreadable value, of another schema or somebody else's,
// counts as missing.
func (s *TokenStore) find(ctx context.Context, name, lock, mine string) (found kept, locked bool, err error) {
	found, err = do(ctx, s.fleet, func(ctx context.Context) (kept, error) {
		pipe := s.fleet.redis.Pipeline()
		taken := redis.NewBoolCmd(ctx)
		if lock != "" {
			taken = pipe.SetNX(ctx, lock, mine, leaseTime)
		}
		value, ttl := pipe.Get(ctx, name), pipe.PTTL(ctx, name)
		if _, err := pipe.Exec(ctx); err != nil && !isNone(err) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
			return kept{}, err
		}
		locked = taken.Val()
		token, lifetime, err := s.fleet.seal.open(name, value.Val())
		if left := ttl.Val(); err == nil && left > 0 {
			return kept{sealed: value.Val(), value: token, left: left, due: left <= min(dueTime, lifetime/4)}, nil
		}
		return kept{}, nil
	})
	return found, locked && err == nil, err
}

// fetch fetches a token and keeps it, unless another process did so between the lookup and the lock. If Redis cannot
// keep the token, it is returned all the same.
func (s *TokenStore) fetch(ctx context.Context, name, lock, mine string, found kept, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	var token dingtalk.Token
	var failed error
	fresh := found.value != "" && !found.due
	if fresh {
		token = found.token()
	} else {
		stop := s.hold(lock)
		token, failed = fetch(ctx)
		stop()
	}
	_, err := do(ctx, s.fleet, func(ctx context.Context) (any, error) {
		pipe := s.fleet.redis.Pipeline()
		if !fresh && failed == nil && token.Lifetime > time.Millisecond {
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

// hold renews the lease of a fetch until stop is called.
func (s *TokenStore) hold(lock string) (stop func()) {
	held, stop := context.WithCancel(context.Background())
	go func() {
		for sleep(held, leaseTime/3) == nil {
			_, _ = do(held, s.fleet, func(ctx context.Context) (bool, error) { return s.fleet.redis.PExpire(ctx, lock, leaseTime).Result() })
		}
	}()
	return stop
}

// unlock deletes a key if it holds the given value. Drop uses it, too.
var unlock = redis.NewScript(`if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Drop deletes token from Redis, unless Redis keeps another by now.
func (s *TokenStore) Drop(ctx context.Context, key, token string) error {
	name := s.fleet.tokenKey(key)
	found, _, err := s.find(ctx, name, "", "")
	if err != nil || found.value != token {
		return err
	}
	_, err = do(ctx, s.fleet, func(ctx context.Context) (any, error) {
		return unlock.Run(ctx, s.fleet.redis, []string{name}, found.sealed).Result()
	})
	return err
}
