package dingtalkredis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Fault is a setup fault of Redis that waiting does not cure.
type Fault string

const (
	// FaultAuthentication means that the user or password is missing or wrong.
	FaultAuthentication Fault = "authentication"
	// FaultPermission means that the user lacks rights; the package documentation lists them.
	FaultPermission Fault = "permission"
	// FaultDatabase means that the server has no database of this number.
	FaultDatabase Fault = "database"
	// FaultTLS means that a certificate is missing or not trusted, or only one side uses TLS.
	FaultTLS Fault = "TLS"
	// FaultCluster means that a cluster was opened as a single server, or the reverse.
	FaultCluster Fault = "cluster"
	// FaultSentinel means that the Sentinels do not know master_name.
	FaultSentinel Fault = "Sentinel"
	// FaultReadOnly means that the server is a replica.
	FaultReadOnly Fault = "read-only"
	// FaultKey means that a key of this package holds a foreign value.
	FaultKey Fault = "type of key"
	// FaultCommand means that the server, or a proxy before it, refuses a command, such as EVAL or HELLO.
	FaultCommand Fault = "command"
	// FaultMemory means that the server is full. [Fleet.Ping] does not fail for it, and a strict budget waits.
	FaultMemory Fault = "memory"
	// FaultProtocol means that the server does not speak Redis's protocol.
	FaultProtocol Fault = "protocol"
)

// hints tell how to fix each fault.
var hints = map[Fault]string{
	FaultAuthentication: "check user and password; what is none of A-Z a-z 0-9 - . _ ~ stands percent-encoded in a URL",
	FaultPermission:     "give the user the rights that the documentation of package dingtalkredis lists",
	FaultDatabase:       "use a database that the server has, such as 0, the only one of a cluster",
	FaultTLS:            "rediss:// is for a server with TLS, redis:// for one without; ca_file, cert_file and key_file name certificates",
	FaultCluster:        "redis+cluster:// is for a cluster, redis:// for a single server",
	FaultSentinel:       "master_name must be the name that the Sentinels watch the servers by",
	FaultReadOnly:       "use the primary, or its Sentinels with master_name, or the cluster",
	FaultKey:            "delete the key, or set another prefix",
	FaultCommand:        "use Redis 6 or newer, or Valkey, with EVAL enabled; behind a proxy, try protocol=2 in the URL, or connect without the proxy; a Sentinel is reached with master_name",
	FaultMemory:         "raise the server's maxmemory",
	FaultProtocol:       "check host and port",
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
func (e *SetupError) Hint() string { return hints[e.Fault] }

// replies maps texts of servers' and proxies' answers to faults: the first that matches.
var replies = []struct {
	text  string
	fault Fault
}{
	{"OOM command not allowed", FaultMemory},
	{"NOAUTH", FaultAuthentication},
	{"WRONGPASS", FaultAuthentication},
	{"AUTH ", FaultAuthentication}, // the server has no password configured
	{"Client sent AUTH", FaultAuthentication},
	{"invalid password", FaultAuthentication},
	{"invalid username-password", FaultAuthentication},
	{"NOPERM", FaultPermission},
	{"The user executing the script", FaultPermission},
	{"ACL failure in script", FaultPermission},
	{"DB index is out of range", FaultDatabase},
	{"invalid DB index", FaultDatabase},
	{"SELECT is not allowed in cluster", FaultDatabase},
	{"MOVED ", FaultCluster},
	{"ASK ", FaultCluster},
	{"CROSSSLOT", FaultCluster},
	{"cluster support disabled", FaultCluster},
	{"Cluster mode is not enabled", FaultCluster},
	{"No such master", FaultSentinel},
	{"READONLY", FaultReadOnly},
	{"WRONGTYPE", FaultKey},
	{"unknown command", FaultCommand},
	{"Unknown Redis command called from", FaultCommand}, // a script
	{"unsupported command", FaultCommand},               // Envoy
	{"not supported", FaultCommand},
	{"not allowed", FaultCommand},               // Codis, Tencent Cloud
	{"bad lua script", FaultCommand},            // Alibaba Cloud
	{"undeclared key", FaultCommand},            // Dragonfly
	{"scripting must be enabled", FaultCommand}, // Garnet
}

// setupFault returns the fault of an error, or "" if waiting may help. If the client follows a cluster's keys or a
// Sentinel's primaries (moves), answers about those are temporary.
func setupFault(err error, moves bool) Fault {
	if err == nil {
		return ""
	}
	var server redis.Error
	if errors.As(err, &server) {
		text := strings.ToLower(server.Error())
		for _, r := range replies {
			if strings.Contains(text, strings.ToLower(r.text)) {
				if moves && (r.fault == FaultReadOnly || r.text == "MOVED " || r.text == "ASK ") {
					return ""
				}
				return r.fault
			}
		}
	}
	if isTLS(err) {
		return FaultTLS
	}
	if errors.Is(err, redis.Nil) && !isNone(err) { // each Sentinel's answer to an unknown name
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

// isNone reports whether Redis has no value. Inside another error, that is a Sentinel's answer.
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
