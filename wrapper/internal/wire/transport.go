package wire

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Timeout is the limit of one attempt unless another is set: far above what the service takes, and short enough to try
// again.
const Timeout = 10 * time.Second

// maxConnections is how many connections to one host the clients of a process hold together.
const maxConnections = 64

// shared serves every client that brings no transport of its own, so that clients made in passing share connections.
var shared = sync.OnceValue(func() *http.Transport {
	return &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       (&net.Dialer{Timeout: Timeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true,
		// The standard library's 2 idle ones make a busy client dial for most calls. Without a limit it dials again whenever
		// another call was given the connection that a call left; this many serve 30 times any rate that the service allows.
		MaxIdleConnsPerHost:   maxConnections,
		MaxConnsPerHost:       maxConnections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   Timeout,
		ExpectContinueTimeout: time.Second,
		// A dead HTTP/2 connection would otherwise fail every call until the kernel notices.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		OnProxyConnectResponse: refuseTunnel,
	}
})

// NewTransport is a transport like the shared one.
func NewTransport() *http.Transport { return shared().Clone() }
