package redistest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// binariesVariable lists further servers, as NAME=PATH with commas between. `make redis-test` sets it.
const binariesVariable = "REDIS_SERVERS"

// Binaries returns the servers that there are, by name: the one in PATH, and those that the environment lists.
func Binaries(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{"Redis of the system": usual}
	for pair := range strings.SplitSeq(os.Getenv(binariesVariable), ",") {
		if pair == "" {
			continue
		}
		name, path, ok := strings.Cut(pair, "=")
		if !ok {
			t.Fatalf("%s: %q is not NAME=PATH", binariesVariable, pair)
		}
		found[name] = path
	}
	return found
}

// StartSentinel starts a Sentinel that watches a server under a name, and makes a replica the primary half a second after
// that is gone. password is the servers', if
// they have one.
func StartSentinel(t testing.TB, name, primary, password string) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(primary)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	lines := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]s 1\nsentinel down-after-milliseconds %[1]s 500\nsentinel failover-timeout %[1]s 2000\n", name, host, port)
	if password != "" {
		lines += fmt.Sprintf("sentinel auth-pass %s %s\n", name, password)
	}
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := FreeAddr(t)
	_, port, _ = net.SplitHostPort(addr)
	s := &Server{Addr: addr, t: t, args: []string{usual, file, "--sentinel", "--bind", "127.0.0.1", "--port", port, "--daemonize", "no"}}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}
