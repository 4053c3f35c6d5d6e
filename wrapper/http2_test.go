package dingtalk_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// testHTTP2: a stream or connection of HTTP/2 that dies is a failure like others, with requests counted at the server.
// What net/http would repeat by itself is for the tests of package wire.
func testHTTP2(t *testing.T) {
	const stuck = "the connection is stuck"
	a := newAuthority(t)
	for name, test := range map[string]struct {
		does   http.HandlerFunc
		kind   error
		says   string
		status int
	}{
		"the stream is reset":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, dingtalk.ErrUnavailable, "INTERNAL_ERROR; received from peer", 0},
		"the stream is reset in body": {resetInBody, dingtalk.ErrUnexpectedResponse, "INTERNAL_ERROR; received from peer", 200},
		stuck:                         {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, dingtalk.ErrUnavailable, "connection lost", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, failures := range []int64{1, 3} {
				var requests atomic.Int64
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch n := requests.Add(1); {
					case r.ProtoMajor != 2:
						t.Errorf("%s", r.Proto)
					case n <= failures:
						test.does(w, r)
					default:
						_, _ = io.WriteString(w, successBody)
					}
				}))
				server.EnableHTTP2, server.TLS = true, a.serve()
				server.StartTLS()
				t.Cleanup(server.Close)
				transport, clock := a.trusting(t), newHandClock()
				transport.ForceAttemptHTTP2 = true
				address := server.URL
				if name == stuck {
					if h := transport.HTTP2; h == nil || h.SendPingTimeout != 10*sec || h.PingTimeout != 5*sec {
						t.Errorf("the default transport pings as %+v", h)
					}
					transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 50 * ms, PingTimeout: 50 * ms}
					address = "https://" + newFreezer(t, server.Listener.Addr().String(), failures, &requests).host()
				}
				client := newStatic(t, address, clock.option(), through(transport), dingtalk.WithTimeout(patience))
				if failures == 1 {
					convert(t, client, dingtalktest.ChatID)
				} else if e := refused(t, client, test.kind); e.Attempts != 3 || e.StatusCode != test.status || len(clock.waited()) != 2 || !strings.Contains(e.Error(), test.says) {
					t.Errorf("waits %v: %+v", clock.waited(), e)
				}
				if want := max(failures, 2); requests.Load() != want {
					t.Errorf("%d requests, want %d", requests.Load(), want)
				}
			}
		})
	}
}

func resetInBody(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "{")
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// newFreezer passes connections on to address. Of the first n, nothing comes back any more once the request has arrived.
func newFreezer(t *testing.T, address string, n int64, requests *atomic.Int64) *peer {
	t.Helper()
	return newRawPeer(t, nil, func(p *peer, c net.Conn) {
		upstream, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
		if err != nil {
			return
		}
		defer upstream.Close()
		nth := p.conns.Load()
		go func() {
			for back := make([]byte, 4<<10); ; {
				m, err := upstream.Read(back)
				if err != nil {
					return
				}
				if nth > n || requests.Load() < nth {
					_, _ = c.Write(back[:m])
				}
			}
		}()
		_, _ = io.Copy(upstream, c)
	})
}
