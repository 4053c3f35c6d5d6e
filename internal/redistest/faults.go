package redistest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// proxyVariable names the Toxiproxy server, which `make redis-test` builds. It is driven through its API and not through
// its Go package, whose dependencies would stand in this module's go.mod.
const proxyVariable = "TOXIPROXY_SERVER"

// Proxy stands before a server and breaks what passes.
type Proxy struct {
	Addr string // host and port

	t   testing.TB
	api string
}

// proxyName is that of the one proxy of a Toxiproxy server.
const proxyName = "redis"

// StartProxy starts a Toxiproxy server with one proxy, which lets everything pass. It is killed when the test ends.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	binary := os.Getenv(proxyVariable)
	if binary == "" {
		t.Fatalf("this test needs %s, the path of a Toxiproxy server: make redis-test builds one", proxyVariable)
	}
	addr := FreeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(binary, "-host", host, "-port", port) //nolint:noctx // the test's end kills it
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	p := &Proxy{t: t, api: "http://" + addr}
	for deadline := time.Now().Add(patience); p.call(http.MethodGet, "/version", nil, nil) != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("Toxiproxy did not start:\n%s", out.String())
		}
	}
	var made struct{ Listen string }
	if err := p.call(http.MethodPost, "/proxies", map[string]any{
		"name": proxyName, "listen": "127.0.0.1:0", "upstream": target, "enabled": true,
	}, &made); err != nil {
		t.Fatal(err)
	}
	p.Addr = made.Listen
	return p
}

// Cut closes every connection, and takes no others.
func (p *Proxy) Cut() {
	p.t.Helper()
	p.must("/proxies/"+proxyName, map[string]any{"enabled": false})
}

// Spoil does something to all that the server answers: a toxic of Toxiproxy, such as "latency".
func (p *Proxy) Spoil(toxic string, attributes map[string]int) {
	p.t.Helper()
	p.must("/proxies/"+proxyName+"/toxics", map[string]any{"type": toxic, "stream": "downstream", "attributes": attributes})
}

// Heal undoes [Proxy.Cut] and [Proxy.Spoil].
func (p *Proxy) Heal() {
	p.t.Helper()
	p.must("/reset", nil)
}

func (p *Proxy) must(path string, body any) {
	p.t.Helper()
	if err := p.call(http.MethodPost, path, body, nil); err != nil {
		p.t.Fatal(err)
	}
}

func (p *Proxy) call(method, path string, body, answer any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.api+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= 300:
		return fmt.Errorf("the proxy answered %s to %s %s: %s", resp.Status, method, path, said)
	case answer == nil:
		return nil
	}
	return json.Unmarshal(said, answer)
}
