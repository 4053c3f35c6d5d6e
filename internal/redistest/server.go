// Package redistest starts real Redis servers for tests.
package redistest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long a server may take to start.
const patience = time.Minute

// Server is a real one, on a loopback port of its own.
type Server struct {
	Addr string // host and port

	t    testing.TB
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// Start starts a server that is killed when the test ends.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartBinary(t, usual, args...)
}

// usual is the server of most tests.
const usual = "redis-server"

// StartBinary is [Start] with another server than the one in PATH: see [Binaries].
func StartBinary(t testing.TB, binary string, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath(binary); err != nil {
		t.Fatalf("this test needs %s: install the package redis-server, version 6 or newer", binary)
	}
	addr := FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	s := &Server{Addr: addr, t: t, args: append([]string{
		binary, "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--daemonize", "no",
	}, args...)}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// given are the ports that FreeAddr has returned.
var given sync.Map

// FreeAddr returns an address that nobody listens at. Its port and a cluster's second one, 10,000 above, are below those that
// systems give to outgoing connections: none of them takes the port before the server does, or while it is down.
func FreeAddr(t testing.TB) string {
	t.Helper()
	free := func(port int) bool {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(port))
		return err == nil && l.Close() == nil
	}
	for range 1000 {
		port := 10000 + os.Getpid()%10*1000 + rand.IntN(1000) // another process's tests look elsewhere
		if _, taken := given.LoadOrStore(port, true); !taken && free(port) && free(port+10000) {
			return "127.0.0.1:" + strconv.Itoa(port)
		}
	}
	t.Fatal("no free port was found")
	return ""
}

// Restart starts a server that was killed.
func (s *Server) Restart() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...) //nolint:noctx // kill ends it
	s.out.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	// A server with a password or TLS says so, which is an answer too.
	answers := func() bool {
		client := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
		defer func() { _ = client.Close() }()
		err := client.Ping(s.t.Context()).Err()
		return err == nil || redis.IsAuthError(err) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
	}
	for deadline := time.Now().Add(patience); !answers(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Kill()
			s.t.Fatalf("redis-server did not start:\n%s", s.out.String())
		}
	}
}

// Kill ends the server as a power cut does.
func (s *Server) Kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// Signal sends the server a signal, such as SIGSTOP.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

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
// that is gone. password is the servers', if they have one.
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
