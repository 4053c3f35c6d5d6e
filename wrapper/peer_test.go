package dingtalk_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// peer is a listener that reads HTTP requests and answers them with bytes.
type peer struct {
	URL   string
	total atomic.Int64
	conns atomic.Int64
}

// script answers one request, and reports whether the connection serves another.
type script func(c net.Conn) (keep bool)

// newPeer starts a peer, with TLS if config is set. answer selects the nth request's script.
func newPeer(t testing.TB, config *tls.Config, answer func(n int) script) *peer {
	t.Helper()
	return newRawPeer(t, config, func(p *peer, c net.Conn) {
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if !answer(int(p.total.Add(1)))(c) {
				return
			}
		}
	})
}

// newRawPeer starts a peer that serves connections by serve. They close when serve returns or the test ends.
func newRawPeer(t testing.TB, config *tls.Config, serve func(*peer, net.Conn)) *peer {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{URL: "http://" + listener.Addr().String()}
	if config != nil {
		p.URL = "https://" + listener.Addr().String()
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			p.conns.Add(1)
			work.Go(func() {
				defer c.Close()
				defer context.AfterFunc(t.Context(), func() { c.Close() })()
				if config != nil {
					serve(p, tls.Server(c, config))
				} else {
					serve(p, c)
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		work.Wait()
	})
	return p
}

// requests returns the number of requests so far.
func (p *peer) requests() int { return int(p.total.Load()) }

// host is the peer's address, with its port.
func (p *peer) host() string {
	_, host, _ := strings.Cut(p.URL, "://")
	return host
}

// say sends bytes and closes the connection regularly.
func say(raw string) script {
	return func(c net.Conn) bool {
		_, _ = io.WriteString(c, raw)
		return false
	}
}

// always answers every request in the same way.
func always(does script) func(int) script { return func(int) script { return does } }

// once answers the first request, and then like the service.
func once(does script) func(int) script {
	return func(n int) script {
		if n == 1 {
			return does
		}
		return success
	}
}

// keep sends bytes and keeps the connection.
func keep(raw string) script {
	return func(c net.Conn) bool {
		_, err := io.WriteString(c, raw)
		return err == nil
	}
}

// respond sends an answer with a body, and keeps the connection.
func respond(status int, contentType, body string, headers ...string) script {
	return keep(response(status, contentType, body, headers...))
}

func response(status int, contentType, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	if contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String() + "\r\n" + body
}

// apiError is the gateway's error answer.
func apiError(status int, code string, headers ...string) script {
	body := fmt.Sprintf(`{"code":%q,"message":"m of %s","requestid":"R-1"}`, code, code)
	return respond(status, "application/json;charset=UTF-8", body, headers...)
}

const successBody = `{"openConversationId":"` + dingtalktest.OpenConversationID + `"}`

// success is the answer of the reference page.
func success(c net.Conn) bool {
	return respond(http.StatusOK, "application/json;charset=UTF-8", successBody)(c)
}

// hang sends bytes and then nothing, until the client leaves.
func hang(raw string) script {
	return func(c net.Conn) bool {
		_, _ = io.WriteString(c, raw)
		_, _ = io.Copy(io.Discard, c)
		return false
	}
}

// drip sends the first bytes at once and the rest byte by byte, for longer than an attempt's limit.
func drip(first, rest string) script {
	return func(c net.Conn) bool {
		_, _ = io.WriteString(c, first)
		for i := range len(rest) {
			if _, err := io.WriteString(c, rest[i:i+1]); err != nil {
				return false
			}
			time.Sleep(20 * time.Millisecond) // this is the fault itself
		}
		return false
	}
}
