package dingtalkredis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

// pingTime is the time limit of Ping if its context has none.
const pingTime = 5 * time.Second

// probes is the number of keys that Ping looks up: almost surely one on each node of a cluster.
const probes = 16

// Ping checks the setup of Redis with every command and key name that the fleet uses, without touching conversions or
// counts. Call it when the app starts. It returns a [*SetupError] for a fault that waiting does not cure; without Ping,
// the fleet logs that fault once a minute and works without Redis. Any other error is an outage, which may pass. Ping
// takes at most 5 s.
func (f *Fleet) Ping(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	err := f.probeWithin(limited)
	var found *SetupError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &found):
		return found
	}
	fault := setupFault(err, f.health.outage.moves)
	if fault == "" {
		if found := f.diagnose(limited); found != nil {
			fault, err = FaultTLS, fmt.Errorf("%w: %w", found, err)
		}
	}
	if fault != "" {
		return &SetupError{Fault: fault, Err: err}
	}
	return fmt.Errorf("dingtalkredis: %w", err)
}

// probeWithin probes, and leaves time for a diagnosis. It needs a goroutine, because the Redis client does not stop
// waiting for an answer when the context ends.
func (f *Fleet) probeWithin(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	limited, cancel := context.WithTimeout(ctx, time.Until(deadline)*2/5)
	defer cancel()
	_, err := guard.Within(limited, func() (none struct{}, err error) { return none, f.probe(limited) }, clientPanicked)
	return err
}

func clientPanicked(any) error { return errors.New("the Redis client panicked") }

// probeScript calls each command used by this package's scripts.
var probeScript = redis.NewScript(`
redis.call('TYPE', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('TIME')
redis.call('HSET', KEYS[1], 'a', '1')
redis.call('PEXPIRE', KEYS[1], 1000)
redis.call('PEXPIREAT', KEYS[1], ARGV[1])
redis.call('GET', KEYS[2])
return redis.call('HMGET', KEYS[1], 'a', 'b')
`)

func (f *Fleet) probe(ctx context.Context) error {
	if single, is := f.redis.(*redis.Client); is && !f.health.outage.moves {
		// A cluster of one node answers for every key, until a second node joins. A user may lack the right to ask.
		if info, err := single.Info(ctx, "cluster").Result(); err == nil && strings.Contains(info, "cluster_enabled:1") {
			return &SetupError{Fault: FaultCluster, Err: errors.New("the server is a node of a cluster")}
		}
	}
	for n := range probes {
		name := f.key("probe", f.scope+strconv.Itoa(n))
		if err := f.redis.Get(ctx, name).Err(); err != nil && !isNone(err) {
			return err
		}
	}
	name := f.key("probe", f.scope)
	if err := f.redis.SetNX(ctx, name, "1", time.Second).Err(); err != nil {
		return err
	}
	if err := f.redis.PTTL(ctx, name).Err(); err != nil {
		return err
	}
	hash := f.key("probe", f.scope, "hash")
	ends := time.Now().Add(time.Hour).UnixMilli()
	if err := probeScript.Run(ctx, f.redis, []string{hash, name}, ends).Err(); err != nil {
		return err
	}
	for _, kept := range []string{f.limiterKey(), f.monthKey(time.Now())} {
		if err := f.redis.HMGet(ctx, kept, "none").Err(); redis.HasErrorPrefix(err, "WRONGTYPE") {
			return &SetupError{Fault: FaultKey, Err: fmt.Errorf("the key %s holds no hash: %w", kept, err)}
		} else if err != nil {
			return err
		}
	}
	return nil
}
