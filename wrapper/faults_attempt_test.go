package dingtalk_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_62_final_1xx", testFinal1xx)
	addRow("row_62_body_that_ignores_its_context", testDeafBody)
	addRow("row_66_dead_pooled_connections", testDeadConnections)
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n"

// A 101 gives a raw connection, which no limit of net/http covers: the call must not wait for its data.
func testFinal1xx(t *testing.T) {
	for name, does := range map[string]script{
		"silent":     hang(switching),
		"with bytes": hang(switching + successBody),
		"drips":      drip(switching, strings.Repeat("x", 1<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			peer := newPeer(t, nil, func(int) script { return does })
			id, err := faultClient(t, peer.URL, dingtalk.WithTimeout(time.Hour)).OpenConversationID(within(t), dingtalktest.ChatID)
			if e := checkError(t, id, err, dingtalk.ErrUnexpectedResponse); e.StatusCode != http.StatusSwitchingProtocols || e.Attempts != 1 || peer.requests() != 1 {
				t.Errorf("%d requests: %+v", peer.requests(), e)
			}
			// The token call has no caller's deadline.
			client := newClient(t, peer.URL, appCredentials, dingtalk.WithTimeout(time.Hour))
			if e := refused(t, client, dingtalk.ErrUnexpectedResponse); !e.TokenEndpoint || e.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("%+v", e)
			}
		})
	}
	for status := 100; status < 200; status += 33 { // as a caller's round tripper may return it
		body := &deafBody{closed: make(chan struct{})}
		client := foreignClient(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Body: body}, nil
		})
		if e := refused(t, client, dingtalk.ErrUnexpectedResponse); e.StatusCode != status || !body.isClosed() {
			t.Errorf("%d: %+v, closed: %t", status, e, body.isClosed())
		}
	}
}

// deafBody never ends before it is closed, whatever its request's context does.
type deafBody struct {
	once   sync.Once
	closed chan struct{}
}

func (b *deafBody) Read([]byte) (int, error) {
	<-b.closed
	return 0, errors.New("closed")
}

func (b *deafBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

func (b *deafBody) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

func foreignClient(t testing.TB, trip roundTripper, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	return newClient(t, "https://example.test", dingtalk.StaticToken(faultToken), append([]dingtalk.Option{dingtalk.WithHTTPClient(&http.Client{Transport: trip}), oneAttempt}, opts...)...)
}

func testDeafBody(t *testing.T) {
	deaf := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &deafBody{closed: make(chan struct{})}}, nil
	}
	if e := refused(t, foreignClient(t, deaf, dingtalk.WithTimeout(20*ms)), dingtalk.ErrUnavailable); !e.Timeout() || e.StatusCode != 200 {
		t.Errorf("the attempt's limit: %+v", e)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*ms, cancel)
	id, err := foreignClient(t, deaf, dingtalk.WithTimeout(time.Hour)).OpenConversationID(ctx, "any")
	_ = checkError(t, id, err, context.Canceled)
	ctx, cancel = context.WithTimeout(t.Context(), 20*ms)
	defer cancel()
	id, err = foreignClient(t, deaf, dingtalk.WithTimeout(time.Hour)).OpenConversationID(ctx, "any")
	_ = checkError(t, id, err, context.DeadlineExceeded)
}

// changingNetwork serves conversions until a change of the network drops all traffic of the existing connections.
type changingNetwork struct {
	*peer
	generation atomic.Int64
	fresh      atomic.Int64 // connections that served a request after a change
}

func newChangingNetwork(t *testing.T) *changingNetwork {
	n := new(changingNetwork)
	n.peer = newRawPeer(t, nil, func(p *peer, c net.Conn) {
		born, first := n.generation.Load(), true
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			if n.generation.Load() != born {
				_, _ = io.Copy(io.Discard, c) // never to answer
				return
			}
			if p.total.Add(1); first && born > 0 {
				n.fresh.Add(1)
			}
			first = false
			if !success(c) {
				return
			}
		}
	})
	return n
}

func testDeadConnections(t *testing.T) {
	for _, pool := range []int{1, 8, 64} {
		t.Run(fmt.Sprint(pool), func(t *testing.T) {
			t.Parallel()
			n := newChangingNetwork(t)
			transport := dingtalk.NewTransport()
			t.Cleanup(transport.CloseIdleConnections)
			ready := make(chan struct{})
			var waiting atomic.Int64
			hold := roundTripper(func(req *http.Request) (*http.Response, error) { // until the pool is full
				if waiting.Add(1) == int64(pool) {
					close(ready)
				}
				<-ready
				return transport.RoundTrip(req)
			})
			filler := newClient(t, n.URL, dingtalk.StaticToken(faultToken), dingtalk.WithHTTPClient(&http.Client{Transport: hold}))
			together(pool, func() {
				if _, err := filler.OpenConversationID(within(t), "any"); err != nil {
					t.Error(err)
				}
			})
			n.generation.Add(1)
			shared := dingtalk.WithHTTPClient(&http.Client{Transport: transport})
			for range 2 { // the second client has the same transport
				client := newClient(t, n.URL, dingtalk.StaticToken(faultToken), shared, dingtalk.WithTimeout(2*sec), dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 2, BaseDelay: 1}))
				if _, err := client.OpenConversationID(within(t), "any"); err != nil {
					t.Errorf("%v", err)
				}
			}
			if fresh := n.fresh.Load(); fresh != 1 {
				t.Errorf("%d new connections, want 1", fresh)
			}
		})
	}
	t.Run("short deadlines", func(t *testing.T) {
		t.Parallel()
		n := newChangingNetwork(t)
		client := newClient(t, n.URL, dingtalk.StaticToken(faultToken), dingtalk.WithTimeout(time.Hour))
		together(8, func() { _, _ = client.OpenConversationID(within(t), "any") })
		n.generation.Add(1)
		ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
		defer cancel()
		if _, err := client.OpenConversationID(ctx, "any"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if _, err := client.OpenConversationID(within(t), "any"); err != nil {
			t.Error(err)
		}
	})
}
