//go:build redis

package dingtalkredis_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
)

// patience is how long a test waits for what must happen, before it fails.
const patience = time.Minute

// TestMain is also the main function of the processes that the tests start.
func TestMain(m *testing.M) {
	if task := os.Getenv(podTask); task != "" {
		os.Exit(runPod(task))
	}
	os.Exit(m.Run())
}

// newRedis makes a client that is closed when the test ends. password is that of the default user, if it has one.
func newRedis(t testing.TB, addr string, password ...string) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: addr, Password: strings.Join(password, "")})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// startCluster joins three servers to a cluster. password is that of the default user, if it has one.
func startCluster(t testing.TB, password string, args ...string) (servers []*redistest.Server) {
	t.Helper()
	for n := range 3 {
		s := redistest.Start(t, append([]string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000"}, args...)...)
		servers = append(servers, s)
		host, port, _ := net.SplitHostPort(servers[0].Addr)
		c := newRedis(t, s.Addr, password)
		c.ClusterAddSlotsRange(t.Context(), n*16384/3, (n+1)*16384/3-1)
		c.ClusterMeet(t.Context(), host, port)
	}
	for _, s := range servers {
		c := newRedis(t, s.Addr, password)
		eventually(t, "the cluster is ready", func() bool {
			info, err := c.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return servers
}

// followed waits until a server follows its primary, and returns it.
func followed(t testing.TB, replica *redistest.Server, password ...string) *redistest.Server {
	t.Helper()
	c := newRedis(t, replica.Addr, password...)
	eventually(t, "the replica follows", func() bool {
		return strings.Contains(c.Info(t.Context(), "replication").Val(), "master_link_status:up")
	})
	return replica
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not come true: %s", what)
		}
	}
}
