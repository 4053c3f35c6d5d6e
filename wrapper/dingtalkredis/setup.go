package dingtalkredis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Fault is why a Redis cannot be used, however long one waits.
type Fault string

const (
	// FaultAuthentication is a password or user that is missing or wrong.
	FaultAuthentication Fault = "authentication"
	// FaultPermission is a user who may not do what package dingtalkredis does; its documentation lists the rights.
	FaultPermission Fault = "permission"
	// FaultDatabase is a database number that the server does not have.
	FaultDatabase Fault = "database"
	// FaultTLS is a certificate that is not trusted or missing, or TLS on one side alone.
	FaultTLS Fault = "TLS"
	// FaultCluster is a node of a cluster asked as a single server, or the other way round.
	FaultCluster Fault = "cluster"
	// FaultSentinel is a set of primaries that the Sentinels do not know.
	FaultSentinel Fault = "Sentinel"
	// FaultReadOnly is a replica.
	FaultReadOnly Fault = "read-only"
	// FaultKey is a key of this package's name that holds something else.
	FaultKey Fault = "type of key"
	// FaultCommand is a server that lacks a command, such as EVAL.
	FaultCommand Fault = "command"
	// FaultProtocol is a server that does not speak Redis's protocol.
	FaultProtocol Fault = "protocol"
)

// hints say what to do about a fault.
var hints = map[Fault]string{
	FaultAuthentication: "check user and password; what is none of A-Z a-z 0-9 - . _ ~ stands percent-encoded in a URL",
	FaultPermission:     "give the user the rights that the documentation of package dingtalkredis lists",
	FaultDatabase:       "use a database that the server has, such as 0, the only one of a cluster",
	FaultTLS:            "rediss:// is for a server with TLS, redis:// for one without; ca_file, cert_file and key_file name certificates",
	FaultCluster:        "redis+cluster:// is for a cluster, redis:// for a single server",
	FaultSentinel:       "master_name must be the name that the Sentinels watch the servers by",
	FaultReadOnly:       "use the primary, or its Sentinels with master_name, or the cluster",
	FaultKey:            "delete the key, or set another prefix",
	FaultCommand:        "use Redis 6 or newer, or Valkey, with EVAL enabled; a Sentinel is reached with master_name",
	FaultProtocol:       "check host and port",
}

// SetupError is what waiting cannot cure. [Fleet.Ping] returns it, and in the log it is the attribute "error".
type SetupError struct {
	Fault Fault
	Err   error // what the server said, or the connection; it holds no password
}

func (e *SetupError) Error() string {
	return fmt.Sprintf("dingtalkredis: Redis is set up wrongly (%s): %s", e.Fault, strings.TrimPrefix(e.Err.Error(), "dingtalkredis: "))
}

// Unwrap returns the cause.
func (e *SetupError) Unwrap() error { return e.Err }

// Hint says what to do, in half a sentence.
func (e *SetupError) Hint() string { return hints[e.Fault] }

// replies are how the answers of servers begin that waiting does not change, but for the ERR that most have.
var replies = []struct {
	begin string
	fault Fault
}{
	{"NOAUTH", FaultAuthentication},
	{"WRONGPASS", FaultAuthentication},
	{"AUTH ", FaultAuthentication}, // called without any password configured
	{"Client sent AUTH", FaultAuthentication},
	{"invalid password", FaultAuthentication},
	{"invalid username-password", FaultAuthentication},
	{"NOPERM", FaultPermission},
	{"The user executing the script", FaultPermission},
	{"ACL failure in script", FaultPermission},
	{"DB index is out of range", FaultDatabase},
	{"invalid DB index", FaultDatabase},
	{"SELECT is not allowed in cluster", FaultDatabase},
	{"MOVED", FaultCluster},
	{"ASK ", FaultCluster},
	{"CROSSSLOT", FaultCluster},
	{"This instance has cluster support disabled", FaultCluster},
	{"Cluster mode is not enabled", FaultCluster},
	{"No such master", FaultSentinel},
	{"READONLY", FaultReadOnly},
	{"WRONGTYPE", FaultKey},
	{"unknown command", FaultCommand},
	{"Unknown Redis command called from", FaultCommand}, // a script
}

// setupFault is what is wrong for good; empty if waiting may help. moves is whether the client follows a cluster's keys
// and a Sentinel's primaries: then their answers pass.
func setupFault(err error, moves bool) Fault {
	if err == nil {
		return ""
	}
	var server redis.Error
	if errors.As(err, &server) {
		text := strings.TrimPrefix(server.Error(), "ERR ")
		for _, r := range replies {
			if strings.HasPrefix(text, r.begin) {
				if _, asked := redis.IsAskError(err); moves && (r.fault == FaultReadOnly || asked || r.begin == "MOVED") {
					return ""
				}
				return r.fault
			}
		}
	}
	if isTLS(err) {
		return FaultTLS
	}
	if errors.Is(err, redis.Nil) && !isNone(err) { // what each Sentinel says of a name that it does not know
		return FaultSentinel
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "redis: can't parse") || strings.Contains(text, "redis: invalid reply"):
		return FaultProtocol
	case strings.Contains(text, "got 4 elements in cluster info address") || strings.Contains(text, "cluster support disabled"):
		return FaultCluster
	}
	return ""
}

// isNone is whether Redis answered that it keeps nothing. Within another error, that is what Sentinels say.
func isNone(err error) bool { return err == redis.Nil } //nolint:errorlint // see above

func isTLS(err error) bool {
	var (
		header    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return errors.As(err, &header) || errors.As(err, &alert) || errors.As(err, &verify) || errors.As(err, &authority) ||
		errors.As(err, &name) || errors.As(err, &invalid) || strings.Contains(err.Error(), "tls: ")
}
