//go:build redis

package dingtalkredis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// certificate makes one for servers and clients that is its own authority, in files.
func certificate(t testing.TB) (crt, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, errMade := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	pkcs8, errKey := x509.MarshalPKCS8PrivateKey(private)
	dir := t.TempDir()
	crt, key = filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	if err := errors.Join(errMade, errKey, os.WriteFile(crt, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600)); err != nil {
		t.Fatal(err)
	}
	return crt, key
}

// startTLS starts a server that speaks TLS only, and wants a certificate of its clients if clients is yes.
func startTLS(t testing.TB, crt, key, clients string) string {
	t.Helper()
	plain := redistest.FreeAddr(t)
	_, port, _ := net.SplitHostPort(plain)
	redistest.Start(t, "--tls-port", port, "--tls-cert-file", crt, "--tls-key-file", key, "--tls-ca-cert-file", crt,
		"--tls-auth-clients", clients)
	return plain
}

type setup struct {
	url  string
	want dingtalkredis.Fault // empty for none
}

// setups are ways to set Redis up, each with the fault that is found.
func setups(t *testing.T) map[string]setup {
	s := redistest.Start(t, secured(t)...)
	replica := redistest.Start(t, append(secured(t), "--replicaof", strings.Replace(s.Addr, ":", " ", 1))...)
	open := redistest.Start(t)
	socket := filepath.Join(t.TempDir(), "r.sock")
	redistest.Start(t, "--unixsocket", socket)
	limited := redistest.Start(t, "--user", "app", "on", ">x", "~*", "+@all", "-eval", "-evalsha", "--user", "keys", "on", ">x", "~other:*", "+@all",
		"--user", "script", "on", ">x", "~*", "+@all", "-hset")
	renamed := redistest.Start(t, "--rename-command", "EVALSHA", "", "--rename-command", "EVAL", "")
	foreign := redistest.Start(t)
	nodes, alone := startCluster(t, ""), redistest.Start(t, "--cluster-enabled", "yes")
	one := newRedis(t, alone.Addr) // answers for every key, until a second one joins
	one.ClusterAddSlotsRange(t.Context(), 0, 16383)
	eventually(t, "the cluster is ready", func() bool { return strings.Contains(one.ClusterInfo(t.Context()).Val(), "cluster_state:ok") })
	sentinel := redistest.StartSentinel(t, "calls", open.Addr, "")
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	crt, key := certificate(t)
	tls, mutual := startTLS(t, crt, key, "no"), startTLS(t, crt, key, "yes")
	ca := "?ca_file=" + crt

	keep := newRedis(t, foreign.Addr)
	fleet := newFleet(t, keep, "http://127.0.0.1:1")
	if err := fleet.Limiter(1000).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := keep.Keys(t.Context(), "*:rate:*").Val()[0]
	if err := keep.Set(t.Context(), name, "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	return map[string]setup{
		"right":                     {asApp("redis", s.Addr, ""), ""},
		"right, no password":        {"redis://" + open.Addr, ""},
		"right, a socket":           {"unix://" + socket, ""},
		"right, a cluster":          {"redis+cluster://" + nodes[0].Addr + "," + nodes[1].Addr, ""},
		"right, Sentinel":           {"redis+sentinel://" + sentinel.Addr + "?master_name=calls", ""},
		"right, TLS":                {"rediss://" + tls + ca, ""},
		"right, client certificate": {"rediss://" + mutual + ca + "&cert_file=" + crt + "&key_file=" + key, ""},
		"wrong password":            {"redis://app:wrong@" + s.Addr, dingtalkredis.FaultAuthentication},
		"no password":               {"redis://" + s.Addr, dingtalkredis.FaultAuthentication},
		"unknown user":              {"redis://nobody:x@" + s.Addr, dingtalkredis.FaultAuthentication},
		"password where none is":    {"redis://:x@" + open.Addr, ""},
		"no EVAL":                   {"redis://app:x@" + limited.Addr, dingtalkredis.FaultPermission},
		"other keys":                {"redis://keys:x@" + limited.Addr, dingtalkredis.FaultPermission},
		"no HSET in scripts":        {"redis://script:x@" + limited.Addr, dingtalkredis.FaultPermission},
		"commands renamed":          {"redis://" + renamed.Addr, dingtalkredis.FaultCommand},
		"database":                  {"redis://" + open.Addr + "/99", dingtalkredis.FaultDatabase},
		"database of a cluster":     {"redis://" + nodes[0].Addr + "/1", dingtalkredis.FaultDatabase},
		"right, a cluster of one":   {"redis+cluster://" + alone.Addr, ""},
		"a cluster of one alone":    {"redis://" + alone.Addr, dingtalkredis.FaultCluster},
		"cluster node alone":        {"redis://" + nodes[0].Addr, dingtalkredis.FaultCluster},
		"no cluster":                {"redis+cluster://" + open.Addr, dingtalkredis.FaultCluster},
		"a replica":                 {"redis://:" + adminPassword + "@" + replica.Addr, dingtalkredis.FaultReadOnly},
		"unknown primary":           {"redis+sentinel://" + sentinel.Addr + "?master_name=other", dingtalkredis.FaultSentinel},
		"a Sentinel":                {"redis://" + sentinel.Addr, dingtalkredis.FaultCommand},
		"TLS to a plain port":       {"rediss://" + open.Addr, dingtalkredis.FaultTLS},
		"plain to a TLS port":       {"redis://" + tls, dingtalkredis.FaultTLS},
		"unknown authority":         {"rediss://" + tls, dingtalkredis.FaultTLS},
		"TLS to a plain Sentinel":   {"rediss+sentinel://" + sentinel.Addr + "?master_name=calls", dingtalkredis.FaultTLS},
		"plain to a TLS Sentinel":   {"redis+sentinel://" + tls + "?master_name=calls", dingtalkredis.FaultTLS},
		"no client certificate":     {"rediss://" + mutual + ca, dingtalkredis.FaultTLS},
		"a web server":              {"redis://" + strings.TrimPrefix(web.URL, "http://"), dingtalkredis.FaultProtocol},
		"a key of another kind":     {"redis://" + foreign.Addr, dingtalkredis.FaultKey},
	}
}

// What waiting does not cure is found at the start with its kind.
func TestPing(t *testing.T) {
	t.Parallel()
	for name, c := range setups(t) {
		t.Run(name, func(t *testing.T) {
			err := newFleet(t, openRedis(t, c.url), "http://127.0.0.1:1").Ping(t.Context())
			if c.want == "" && err == nil {
				return
			}
			var e *dingtalkredis.SetupError
			if !errors.As(err, &e) || e.Fault != c.want || e.Hint() == "" {
				t.Fatalf("got %T %v; want the fault %q", err, err, c.want)
			}
			if c.want == dingtalkredis.FaultAuthentication && !strings.Contains(err.Error(), ": GET: ") || strings.Contains(err.Error(), appPassword) {
				t.Errorf("the first command is not named, or the password is: %v", err)
			}
			t.Logf("figure: %s: %v", name, err)
		})
	}
}

// Without a check at the start, the log names the fault once, and a strict budget lets no call pass.
func TestWrongSetupIsWarnedOf(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, secured(t)...)
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	var log lines
	fleet := newFleet(t, openRedis(t, "redis://app:wrong@"+s.Addr), server.URL, dingtalkredis.WithLogger(log.logger()))
	client := newApp(t, fleet, server.URL, 1000, fleet.Budget(1000, dingtalkredis.Available()))
	for range 20 {
		convert(t, client, "chat")
	}
	strict := newClient(t, server.URL, creds, dingtalk.WithBudget(fleet.Budget(100)))
	calls := server.Count(convertOp)
	for range 3 {
		_, err := strict.OpenConversationID(t.Context(), "another")
		var e *dingtalkredis.SetupError
		if !errors.Is(err, dingtalk.ErrUnavailable) || !errors.As(err, &e) || e.Fault != dingtalkredis.FaultAuthentication {
			t.Errorf("got %v", err)
		}
	}
	if n := server.Count(convertOp); n != calls {
		t.Errorf("%d calls went out", n-calls)
	}
	if log.warnings() != 1 || !strings.Contains(log.String(), "fault=authentication") {
		t.Errorf("the log: %s", &log)
	}
	if used, err := fleet.Budget(100).Used(t.Context()); err == nil {
		t.Errorf("Used() = %d of a Redis that was not read", used)
	}
}

// A full server, and one that evicts keys, are warned of: calls go on.
func TestMemoryIsWarnedOf(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]string{"noeviction": "Redis is full", "allkeys-lru": "policy=maxmemory_policy:allkeys-lru"} {
		var log lines
		s := redistest.Start(t, "--maxmemory", map[string]string{"noeviction": "1", "allkeys-lru": "1gb"}[policy], "--maxmemory-policy", policy)
		fleet := newFleet(t, openRedis(t, "redis://"+s.Addr), "http://127.0.0.1:1", dingtalkredis.WithLogger(log.logger()))
		var e *dingtalkredis.SetupError
		if err := fleet.Ping(t.Context()); errors.As(err, &e) {
			t.Error(err)
		}
		eventually(t, policy+" is warned of", func() bool { return strings.Contains(log.String(), want) })
	}
}

// An outage is no fault of the setup.
func TestPingOfNobody(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: redistest.FreeAddr(t), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	var e *dingtalkredis.SetupError
	if err := newFleet(t, client, "http://127.0.0.1:1").Ping(t.Context()); err == nil || errors.As(err, &e) {
		t.Errorf("got %v; want an error that is no *SetupError", err)
	}
}
