package dingtalkredis

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Fault is a setup fault of Redis that waiting does not cure.
type Fault string

// The faults. [Fleet.Ping] does not fail for FaultMemory alone: calls can go on.
const (
	FaultAuthentication Fault = "authentication" // the user or password is missing or wrong
	FaultPermission     Fault = "permission"     // the user lacks rights; the package documentation lists them
	FaultDatabase       Fault = "database"       // the server has no database of this number
	FaultTLS            Fault = "TLS"            // a certificate is missing or not trusted, or only one side uses TLS
	FaultCluster        Fault = "cluster"        // a cluster was opened as a single server, or the reverse
	FaultSentinel       Fault = "Sentinel"       // the Sentinels do not know master_name
	FaultReadOnly       Fault = "read-only"      // the server is a replica
	FaultKey            Fault = "type of key"    // a key of this package holds a foreign value
	FaultCommand        Fault = "command"        // the server, or a proxy before it, refuses a command, such as EVAL or HELLO
	FaultMemory         Fault = "memory"         // the server is full
	FaultProtocol       Fault = "protocol"       // the server does not speak Redis's protocol
)

// faults tell what shows each fault, and how to fix it. The first one counts of whose texts an error has one, in lower case.
var faults = []struct {
	fault   Fault
	hint    string
	answers []string // of the server, or of a proxy: Envoy, Codis and Tencent Cloud, Alibaba Cloud, Dragonfly, Garnet
	passing []string // answers that pass with a client that follows a cluster's keys or a Sentinel's primaries
	errors  []string // of the Redis client
}{
	{FaultMemory, "raise the server's maxmemory", []string{"oom command not allowed"}, nil, nil},
	{FaultAuthentication, "check user and password; what is none of A-Z a-z 0-9 - . _ ~ stands percent-encoded in a URL",
		[]string{"noauth", "wrongpass", "err auth ", "client sent auth", "invalid password", "invalid username-password"}, nil, nil},
	{FaultPermission, "give the user the rights that the documentation of package dingtalkredis lists",
		[]string{"noperm", "the user executing the script", "acl failure in script"}, nil, nil},
	{FaultDatabase, "use a database that the server has, such as 0, the only one of a cluster",
		[]string{"db index is out of range", "invalid db index", "select is not allowed in cluster"}, nil, nil},
	{FaultCluster, "redis+cluster:// is for a cluster, redis:// for a single server", []string{"crossslot", "cluster mode is not enabled"},
		[]string{"moved ", "ask "}, []string{"cluster support disabled", "got 4 elements in cluster info address"}},
	{FaultSentinel, "master_name must be the name that the Sentinels watch the servers by",
		[]string{"no such master"}, nil, []string{"configuration are unreachable: redis: nil"}},
	{FaultReadOnly, "use the primary, or its Sentinels with master_name, or the cluster", nil, []string{"readonly"}, nil},
	{FaultKey, "delete the key", []string{"wrongtype"}, nil, nil},
	{FaultCommand, "use Redis 6 or newer, or Valkey, with EVAL enabled; behind a proxy, try protocol=2 in the URL, or connect without the proxy; a Sentinel is reached with master_name",
		[]string{"unknown command", "unknown redis command called from", "unsupported command", "not supported", "not allowed",
			"bad lua script", "undeclared key", "scripting must be enabled"}, nil, nil},
	{FaultTLS, "rediss:// is for a server with TLS, redis:// for one without; ca_file, cert_file and key_file name certificates", nil, nil, []string{"tls: "}},
	{FaultProtocol, "check host and port", nil, nil, []string{"redis: can't parse", "redis: invalid reply"}},
}

// SetupError is a fault that waiting does not cure. [Fleet.Ping] returns it, and the log holds it as attribute "error".
type SetupError struct {
	Fault Fault
	Err   error // the error of the server or the connection, without a password
}

func (e *SetupError) Error() string {
	return fmt.Sprintf("dingtalkredis: Redis is set up wrongly (%s): %s", e.Fault, strings.TrimPrefix(e.Err.Error(), "dingtalkredis: "))
}

// Unwrap returns the cause.
func (e *SetupError) Unwrap() error { return e.Err }

// Hint tells how to fix the fault, in half a sentence.
func (e *SetupError) Hint() string {
	for _, f := range faults {
		if f.fault == e.Fault {
			return f.hint
		}
	}
	return ""
}

// setupFault returns the fault of an error, or "" if waiting may help. If the client follows a cluster's keys or a
// Sentinel's primaries (moves), answers about those are temporary.
func setupFault(err error, moves bool) Fault {
	if err == nil {
		return ""
	}
	var server redis.Error
	answered, text := errors.As(err, &server), strings.ToLower(err.Error())
	has := func(part string) bool { return strings.Contains(text, part) }
	for _, f := range faults {
		switch {
		case answered && slices.ContainsFunc(f.answers, has), slices.ContainsFunc(f.errors, has):
			return f.fault
		case answered && slices.ContainsFunc(f.passing, has):
			return map[bool]Fault{false: f.fault}[moves]
		}
	}
	return ""
}

// isNone reports whether Redis has no value. Inside another error, it is a Sentinel's answer.
func isNone(err error) bool { return err == redis.Nil } //nolint:errorlint // see above

// isTLS reports whether a handshake failed. Each of its errors, of the other side too, has that prefix.
func isTLS(err error) bool { return strings.Contains(err.Error(), "tls: ") }
