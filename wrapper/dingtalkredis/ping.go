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

// Ping checks the setup of Redis with every command and key name that the fleet uses, without touching conversions or
// counts. Call it when the app starts. It returns a [*SetupError] for a fault that waiting does not cure; without Ping,
// the fleet logs that fault once a minute and works without Redis. Any other error is an outage, which may pass. Ping logs
// a warning of clocks that are apart, and of a server that evicts keys when it is full. It takes at most 5 s, or four times
// [WithTimeout] up to 20 s.
func (f *Fleet) Ping(ctx context.Context) error {
	limit := max(5*time.Second, min(4*f.timeout, 20*time.Second))
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	half, stop := context.WithTimeout(limited, limit/2) // the rest is for a diagnosis
	defer stop()
	_, err := guard.Within(half, func() (any, error) { return nil, f.probe(half) }, clientPanicked)
	if err == nil {
		f.locked(f.back)
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var found *SetupError
	var answered redis.Error
	if !errors.As(err, &found) {
		found = &SetupError{Fault: setupFault(err, f.moves), Err: err}
	}
	if found.Fault == "" && !errors.As(err, &answered) {
		found.Fault, found.Err = f.diagnose(limited, err)
	}
	switch found.Fault {
	case FaultMemory:
		f.write(slog.LevelWarn, "Redis is full", slog.String("hint", found.Hint()))
	case "":
	default:
		return found
	}
	return fmt.Errorf("dingtalkredis: %w", err)
}

var policy = regexp.MustCompile(`maxmemory_policy:(allkeys|volatile)-\w+`)

// probe does what the fleet does, with keys of its own. Its error begins with the command.
func (f *Fleet) probe(ctx context.Context) error {
	info, _ := f.redis.Info(ctx).Result()                        // a user may lack the right to ask
	if strings.Contains(info, "cluster_enabled:1") && !f.moves { // one node answers for every key, until a second one joins
		return &SetupError{Fault: FaultCluster, Err: errors.New("the server is a node of a cluster")}
	}
	if evicts := policy.FindString(info); evicts != "" && !strings.Contains(info, "maxmemory:0\r") {
		f.write(slog.LevelWarn, "Redis evicts keys when it is full, and so may lose the month's count; set maxmemory-policy noeviction", slog.String("policy", evicts))
	}
	pipe := f.redis.Pipeline()
	keys := []string{f.key("probe", "rate"), f.key("probe", "processes"), f.key("probe", "budget"), f.key("probe")}
	token := []string{f.tokenKey("probe"), f.tokenKey("probe", "fetching")}
	for _, key := range []string{f.limiterKey(), f.key("processes"), f.key("budget")} {
		pipe.Get(ctx, keys[3])
		pipe.HMGet(ctx, key, "none")
	}
	for _, key := range []string{keys[3], token[0]} {
		pipe.Set(ctx, key, "1", time.Second)
		pipe.PExpire(ctx, key, time.Second)
	}
	commands, err := pipe.Exec(ctx)
	for _, command := range commands {
		if failed := command.Err(); redis.HasErrorPrefix(failed, "WRONGTYPE") {
			return &SetupError{Fault: FaultKey, Err: fmt.Errorf("the key %s holds no hash: %w", command.Args()[1], failed)}
		} else if failed != nil && !isNone(failed) {
			return fmt.Errorf("%s: %w", strings.ToUpper(command.Name()), failed)
		}
	}
	if err != nil && !isNone(err) { // without a connection, no command has an error
		return fmt.Errorf("GET: %w", err)
	}
	a, err := exchange(ctx, f.redis, keys, []any{f.process, 1, 1, true, 0, 0, true, 1, 0, 0, "", 0, false})
	if err == nil {
		f.locked(func() { f.apart(time.UnixMicro(a.now)) })
		err = tokenScript.Run(ctx, f.redis, token, "1", 1000, "").Err()
	}
	if err == nil {
		err = unlock.Run(ctx, f.redis, token[1:], "1").Err()
	}
	if err != nil {
		return fmt.Errorf("EVAL: %w", err)
	}
	return f.redis.Del(ctx, keys...).Err()
}

// closings are requests at which some proxies close the connection instead of an answer.
var closings = []struct{ request, fault string }{
	{"*1\r\n$4\r\nPING\r\n", ""}, // else it is an outage
	{"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", "the connection is closed at HELLO"},
	{"*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$2\r\ngo\r\n", "the connection is closed at CLIENT SETINFO"},
	{"*3\r\n$7\r\nEVALSHA\r\n$1\r\n0\r\n$1\r\n0\r\n", "the connection is closed at EVAL"},
}

// diagnose finds faults that the Redis client cannot report: TLS on one side only, and a proxy that closes the connection
// instead of an answer. Its error wraps err. It sends no secret.
func (f *Fleet) diagnose(ctx context.Context, err error) (Fault, error) {
	var addresses []string
	var config *tls.Config
	switch o := optionsOf(f.redis).(type) {
	case *redis.Options:
		if o.Network != "unix" {
			addresses, config = []string{o.Addr}, o.TLSConfig
		}
	case *redis.ClusterOptions:
		addresses, config = o.Addrs, o.TLSConfig
	case *redis.FailoverOptions:
		addresses, config = o.SentinelAddrs, o.TLSConfig
	}
	for _, address := range addresses[:min(len(addresses), 3)] {
		if fault := tlsFault(ctx, address, config); fault != nil {
			return FaultTLS, fmt.Errorf("%w: %w", fault, err)
		}
		for n, c := range closings {
			_, answered, _ := try(ctx, address, config, c.request)
			if !answered && n == 0 {
				break
			} else if !answered {
				return FaultCommand, fmt.Errorf("%s: %w", c.fault, err)
			}
		}
	}
	return "", err
}

// try sends a request in a connection of its own, with TLS if config is not nil.
func try(ctx context.Context, address string, config *tls.Config, request string) (connected, answered bool, err error) {
	deadline, _ := ctx.Deadline()
	dialer, begin := net.Dialer{Deadline: time.Now().Add(time.Until(deadline) / 4)}, make([]byte, 1)
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false, false, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(dialer.Deadline) // a connection that fails here fails below
	if config != nil {
		if config = config.Clone(); config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		conn = tls.Client(conn, config)
	}
	_, _ = conn.Write([]byte(request))
	_, err = conn.Read(begin)
	return true, err == nil && strings.ContainsAny(string(begin), "+-$*%"), err
}

// tlsFault returns why a server and the configuration differ in TLS. A server without TLS reads a handshake as a command and
// waits for more; and an alert gets lost if the connection was written to.
func tlsFault(ctx context.Context, address string, config *tls.Config) error {
	if config == nil {
		connected, _, err := try(ctx, address, &tls.Config{InsecureSkipVerify: true}, "PING\r\n") // the connection is closed then
		var header tls.RecordHeaderError
		if connected && (err == nil || isTLS(err) && !errors.As(err, &header)) {
			return errors.New("the server speaks TLS only")
		}
		return nil
	}
	if _, answers, _ := try(ctx, address, nil, "PING\r\n"); answers {
		return errors.New("the server speaks no TLS")
	}
	if _, _, err := try(ctx, address, config, ""); err != nil && isTLS(err) { // a server that accepts the connection waits for a command
		return err
	}
	return nil
}
