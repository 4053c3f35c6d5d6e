package dingtalkredis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/guard"
)

// pingTime is the time limit of Ping, and maxPingTime that of a far Redis.
const (
	pingTime    = 5 * time.Second
	maxPingTime = 20 * time.Second
)

// Ping checks the setup of Redis with every command and key name that the fleet uses, without touching conversions or
// counts. Call it when the app starts. It returns a [*SetupError] for a fault that waiting does not cure; without Ping,
// the fleet logs that fault once a minute and works without Redis. Any other error is an outage, which may pass. Ping logs
// a warning of what it can see and may be wanted: clocks that are apart, and a server that evicts keys when it is full.
// It takes at most 5 s, or four times [WithTimeout] up to 20 s.
func (f *Fleet) Ping(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, max(pingTime, min(4*f.timeout, maxPingTime)))
	defer cancel()
	step, err := f.probeWithin(limited, f.redis)
	if err == nil {
		f.health.good()
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var found *SetupError
	if errors.As(err, &found) {
		return found
	}
	err = fmt.Errorf("%s: %w", step, err)
	fault := setupFault(err, f.health.moves)
	var answered redis.Error
	if fault == "" && !errors.As(err, &answered) {
		fault, err = f.diagnose(limited, step, err)
	}
	if fault == FaultMemory {
		f.health.write(ctx, slog.LevelWarn, "Redis is full", slog.String("hint", hints[fault]))
	} else if fault != "" {
		return &SetupError{Fault: fault, Err: err}
	}
	return fmt.Errorf("dingtalkredis: %w", err)
}

// probeWithin probes, and leaves time for a diagnosis.
func (f *Fleet) probeWithin(ctx context.Context, client redis.UniversalClient) (step string, err error) {
	deadline, _ := ctx.Deadline()
	limited, cancel := context.WithTimeout(ctx, time.Until(deadline)*2/5)
	defer cancel()
	steps := make(chan string, 8)
	_, err = guard.Within(limited, func() (none struct{}, err error) {
		return none, f.probe(limited, client, func(step string) { steps <- step })
	}, clientPanicked)
	for len(steps) > 0 {
		step = <-steps
	}
	return step, err
}

var policy = regexp.MustCompile(`maxmemory_policy:(allkeys|volatile)-\w+`)

// probe does what the fleet does, with keys of its own.
func (f *Fleet) probe(ctx context.Context, client redis.UniversalClient, begins func(step string)) error {
	begins("GET")
	// A user may lack the right to ask.
	info, _ := client.Info(ctx).Result()
	if strings.Contains(info, "cluster_enabled:1") && !f.health.moves { // one node answers for every key, until a second one joins
		return &SetupError{Fault: FaultCluster, Err: errors.New("the server is a node of a cluster")}
	}
	if evicts := policy.FindString(info); evicts != "" && !strings.Contains(info, "maxmemory:0\r") {
		f.health.write(ctx, slog.LevelWarn, "Redis evicts keys when it is full, and so may lose the month's count; set maxmemory-policy noeviction", slog.String("policy", evicts))
	}
	pipe := client.Pipeline()
	name, token := f.key("probe"), f.tokenKey("probe")
	for _, key := range []string{name, token} {
		pipe.Get(ctx, key)
		pipe.PTTL(ctx, key)
	}
	kept := []string{f.limiterKey(), f.key("processes"), f.monthKey()}
	for _, key := range kept {
		pipe.HMGet(ctx, key, "none")
	}
	commands, err := pipe.Exec(ctx)
	for n, command := range commands {
		if err := command.Err(); redis.HasErrorPrefix(err, "WRONGTYPE") && n >= 4 {
			return &SetupError{Fault: FaultKey, Err: fmt.Errorf("the key %s holds no hash: %w", kept[n-4], err)}
		} else if err != nil && !isNone(err) {
			return err
		}
	}
	if err != nil && !isNone(err) { // without a connection, no command has an error
		return err
	}
	begins("SET")
	pipe = client.Pipeline()
	for _, key := range []string{name, token} {
		pipe.SetNX(ctx, key, "1", time.Second)
		pipe.PExpire(ctx, key, time.Second)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	begins("EVAL")
	keys := []string{f.key("probe", "rate"), f.key("probe", "processes"), f.key("probe", "budget")}
	for len(keys) < 3+lookups {
		keys = append(keys, name)
	}
	a, err := answerOf(exchangeScript.Run(ctx, client, keys, f.process, 0, 1, 1, 1, 0, "new", true, 1, 1, 0, 0, 1, "", 0, "", 0, 0, 0, 0, int64(1)<<40).Slice())
	if err != nil {
		return err
	}
	f.health.clocks(time.UnixMicro(a.now))
	if err := unlock.Run(ctx, client, keys[:1], "").Err(); err != nil && !isNone(err) {
		return err
	}
	return client.Del(ctx, keys[:4]...).Err()
}

// diagnose finds faults that the Redis client cannot report: TLS on one side only, and a proxy that closes the connection
// instead of an answer. Its error wraps err. It sends no secret without the certificate that is wanted.
func (f *Fleet) diagnose(ctx context.Context, step string, err error) (Fault, error) {
	options := optionsOf(f.redis)
	var addresses []string
	var config *tls.Config
	switch o := options.(type) {
	case *redis.Options:
		if o.Network != "unix" {
			addresses, config = []string{o.Addr}, o.TLSConfig
		}
	case *redis.ClusterOptions:
		addresses, config = o.Addrs, o.TLSConfig
	case *redis.FailoverOptions:
		addresses, config = o.SentinelAddrs, o.TLSConfig
	}
	reached := false
	for _, address := range addresses[:min(len(addresses), 3)] {
		connected, found := speaks(ctx, address, config)
		reached = reached || connected
		if found != nil {
			return FaultTLS, fmt.Errorf("%w: %w", found, err)
		}
	}
	if !reached {
		return "", err
	}
	plain := connect(options, 2)
	defer plain.Close()
	switch again, failed := f.probeWithin(ctx, plain); {
	case failed == nil || again != "GET" && step == "GET":
		return FaultCommand, fmt.Errorf("the connection is closed at HELLO or CLIENT SETINFO: %w", err)
	case again == "EVAL" && step == "EVAL" && setupFault(failed, false) == "":
		return FaultCommand, fmt.Errorf("the connection is closed at EVAL: %w", err)
	}
	return "", err
}

// speaks returns why a server and the configuration differ in TLS, and whether there is a server. One without TLS reads a
// handshake as a command and waits for more; and an alert gets lost if the connection was written to.
func speaks(ctx context.Context, address string, config *tls.Config) (connected bool, fault error) {
	deadline, _ := ctx.Deadline()
	dialer, begin := net.Dialer{Deadline: time.Now().Add(time.Until(deadline) / 4)}, make([]byte, 1)
	try := func(config *tls.Config, send string) (answers bool, err error) {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return false, err
		}
		defer conn.Close()
		connected = true
		_ = conn.SetDeadline(dialer.Deadline) // a connection that fails here fails below
		if config != nil {
			conn = tls.Client(conn, config)
		}
		_, _ = conn.Write([]byte(send))
		_, err = conn.Read(begin)
		return err == nil && strings.ContainsAny(string(begin), "+-"), err
	}
	if config == nil {
		_, err := try(&tls.Config{InsecureSkipVerify: true}, "PING\r\n") // the connection is closed then
		var header tls.RecordHeaderError
		if connected && (err == nil || isTLS(err) && !errors.As(err, &header)) {
			return true, errors.New("the server speaks TLS only")
		}
		return connected, nil
	}
	if answers, _ := try(nil, "PING\r\n"); answers {
		return true, errors.New("the server speaks no TLS")
	}
	if config = config.Clone(); config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	if _, err := try(config, ""); err != nil && isTLS(err) { // a server that accepts the connection waits for a command
		return true, err
	}
	return connected, nil
}
