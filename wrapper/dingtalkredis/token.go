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
	leaseTime = 3 * time.Second // of a process that fetches a token, and renews the lease until it is killed
	// dueTime is how long before its end a token is renewed, or a quarter of its lifetime: a client that asks then gets one.
	dueTime = generated.TokenRenewalTime + 5*time.Second
)

// TokenStore keeps the app's access token in Redis, sealed. It implements [dingtalk.TokenStore].
type TokenStore struct{ fleet *Fleet }

// TokenStore shares the access token: only one process at a time fetches it. Pass it to [dingtalk.WithTokenStore].
func (f *Fleet) TokenStore() *TokenStore { return &TokenStore{fleet: f} }

// tokenScript looks for a token, or takes the lease of a fetch. KEYS: 1 the token; 2 the lease. ARGV: 1 who asks; 2 the ms of the
// lease; 3 a value that counts as none. It returns the value, the ms that it has left, and whether the lease was taken.
var tokenScript = redis.NewScript(`
local kept, left = redis.pcall('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
if type(kept) ~= 'string' or left < 0 or kept == ARGV[3] then kept, left = '', 0 end
if left > tonumber(string.match(kept, '^(%d+) ') or 0) then return {kept, left, 0} end
return {kept, left, redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0}
`)

// Token returns the token in Redis, or fetches one. While another process fetches, it returns the old token if that is
// still valid, or [dingtalk.ErrTokenFetching]. A value of another schema, or somebody else's, counts as none.
func (s *TokenStore) Token(ctx context.Context, key string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	name, lease, mine := s.fleet.tokenKey(key), s.fleet.tokenKey(key, "fetching"), rand.Text()
	for unusable := ""; ; {
		var value string
		var left time.Duration
		leased, err := do(ctx, s.fleet, func(ctx context.Context) (bool, error) {
			kept, err := tokenScript.Run(ctx, s.fleet.redis, []string{name, lease}, mine, leaseTime.Milliseconds(), unusable).Slice()
			if err != nil {
				return false, err
			}
			ms, leased := kept[1].(int64), kept[2].(int64) == 1
			value, left = kept[0].(string), time.Duration(ms)*time.Millisecond
			return leased, nil
		})
		switch {
		case err != nil:
			return dingtalk.Token{}, err
		case leased:
			return s.fetch(ctx, name, lease, mine, fetch)
		case value == "":
			return dingtalk.Token{}, dingtalk.ErrTokenFetching
		}
		if token, err := s.fleet.seal.open(name, value); err == nil {
			return dingtalk.Token{Value: token, Lifetime: left}, nil
		}
		unusable = value
	}
}

// fetch fetches a token and keeps it. If Redis cannot keep it, it is returned all the same.
func (s *TokenStore) fetch(ctx context.Context, name, lease, mine string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	stop := s.hold(lease)
	defer stop()
	token, failed := fetch(ctx)
	stop()
	_, err := do(ctx, s.fleet, func(ctx context.Context) (any, error) {
		pipe := s.fleet.redis.Pipeline()
		if failed == nil && token.Lifetime > time.Millisecond {
			pipe.Set(ctx, name, s.fleet.seal.close(name, token.Value, min(dueTime, token.Lifetime/4)), token.Lifetime)
		}
		unlock.Eval(ctx, pipe, []string{lease}, mine)
		_, err := pipe.Exec(ctx)
		return nil, err
	})
	if failed != nil {
		return dingtalk.Token{}, failed
	}
	return token, err
}

// hold renews the lease of a fetch until stop is called.
func (s *TokenStore) hold(lease string) (stop func()) {
	held, stop := context.WithCancel(context.Background())
	go func() {
		for sleep(held, leaseTime/3) == nil {
			_, _ = do(held, s.fleet, func(ctx context.Context) (any, error) { return nil, s.fleet.redis.PExpire(ctx, lease, leaseTime).Err() })
		}
	}()
	return stop
}

// unlock deletes a key if it holds the given value. Drop uses it, too.
var unlock = redis.NewScript(`if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`)

// Drop deletes token from Redis, unless Redis keeps another by now.
func (s *TokenStore) Drop(ctx context.Context, key, token string) error {
	name := s.fleet.tokenKey(key)
	_, err := do(ctx, s.fleet, func(ctx context.Context) (any, error) {
		value, err := s.fleet.redis.Get(ctx, name).Result()
		if found, foreign := s.fleet.seal.open(name, value); err == nil && foreign == nil && found == token {
			err = unlock.Run(ctx, s.fleet.redis, []string{name}, value).Err()
		}
		if isNone(err) || redis.HasErrorPrefix(err, "WRONGTYPE") {
			err = nil
		}
		return nil, err
	})
	return err
}
