//go:build redis

package dingtalkredis_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
)

// patience is how long a test waits for what must happen, before it fails.
const patience = 20 * time.Second

// TestMain is also the main function of the processes that the tests start.
func TestMain(m *testing.M) {
	if task := os.Getenv(podTask); task != "" {
		os.Exit(runPod(task))
	}
	os.Exit(m.Run())
}

// newRedis makes a client that is closed when the test ends.
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
		s := redistest.Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		c := newRedis(t, s.Addr)
		if err := c.ClusterAddSlotsRange(t.Context(), n*16384/3, (n+1)*16384/3-1).Err(); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			host, port, _ := net.SplitHostPort(addrs[0])
			if err := c.ClusterMeet(t.Context(), host, port).Err(); err != nil {
				t.Fatal(err)
			}
		}
		addrs = append(addrs, s.Addr)
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

// proxy stands before a server and can cut and delay what passes: all that these tests need, in fewer lines than the
// modules that a fault-injecting proxy from elsewhere would bring into go.mod.
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
