//go:build redis

package dingtalkredis_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long a test waits for what must happen, before it fails.
const patience = 20 * time.Second

// TestMain is also the main function of the processes that the tests start.
func TestMain(m *testing.M) {
	if task := os.Getenv(podTask); task != "" {
		os.Exit(runPod(task))
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		fmt.Fprintln(os.Stderr, "these tests need redis-server in PATH: install the package redis-server, version 6 or newer")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// redisServer is a real one, on a loopback port of its own.
type redisServer struct {
	t    testing.TB
	addr string
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// startRedis starts a server that is killed when the test ends.
func startRedis(t testing.TB, args ...string) *redisServer {
	t.Helper()
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	s := &redisServer{t: t, addr: addr, args: append([]string{
		"--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--daemonize", "no",
	}, args...)}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// freeAddr is an address that nobody listens at, with room for a cluster's second port 10,000 above.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		if port+10000 > 65535 {
			port -= 20000
			if l, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(port)); err != nil {
				continue
			}
			_ = l.Close()
		}
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	t.Fatal("no free port was found")
	return ""
}

func (s *redisServer) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", s.args...) //nolint:noctx // kill ends it
	s.out.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: s.addr})
	defer func() { _ = client.Close() }()
	for deadline := time.Now().Add(patience); client.Ping(s.t.Context()).Err() != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.kill()
			s.t.Fatalf("redis-server did not start:\n%s", s.out.String())
		}
	}
}

// kill ends the server as a power cut does.
func (s *redisServer) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

func (s *redisServer) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// client is closed when the test ends.
func (s *redisServer) client(t testing.TB) *redis.Client { return newRedis(t, s.addr) }

func newRedis(t testing.TB, addr string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// startCluster joins three servers to a cluster.
func startCluster(t testing.TB) *redis.ClusterClient {
	t.Helper()
	var addrs []string
	for n := range 3 {
		s := startRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		c := s.client(t)
		if err := c.ClusterAddSlotsRange(t.Context(), n*16384/3, (n+1)*16384/3-1).Err(); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			host, port, _ := net.SplitHostPort(addrs[0])
			if err := c.ClusterMeet(t.Context(), host, port).Err(); err != nil {
				t.Fatal(err)
			}
		}
		addrs = append(addrs, s.addr)
	}
	for _, addr := range addrs {
		c := newRedis(t, addr)
		eventually(t, "the cluster is ready", func() bool {
			info, err := c.ClusterInfo(t.Context()).Result()
			return err == nil && bytes.Contains([]byte(info), []byte("cluster_state:ok")) &&
				bytes.Contains([]byte(info), []byte("cluster_known_nodes:3"))
		})
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	t.Cleanup(func() { _ = cluster.Close() })
	return cluster
}

// eventually waits for what must come true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not come true: %s", what)
		}
	}
}

// proxy stands before a server and can cut and delay what passes.
type proxy struct {
	addr string

	mu    sync.Mutex
	delay time.Duration // of each read of an answer
	down  bool
	conns map[net.Conn]bool
}

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), conns: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); p.set(0, true) })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", target)
			if err != nil || !p.hold(near, far) {
				_ = near.Close()
				continue
			}
			go p.pump(far, near, false)
			go p.pump(near, far, true)
		}
	}()
	return p
}

func (p *proxy) hold(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
		if p.down {
			_ = c.Close()
		}
	}
	return !p.down
}

// set changes the delay of answers, and cuts all connections, present and future, if down.
func (p *proxy) set(delay time.Duration, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.down = delay, down
	for c := range p.conns {
		if down {
			_ = c.Close()
			delete(p.conns, c)
		}
	}
}

func (p *proxy) pump(to, from net.Conn, answers bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		delay := p.delay
		p.mu.Unlock()
		if answers && delay > 0 {
			time.Sleep(delay)
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
