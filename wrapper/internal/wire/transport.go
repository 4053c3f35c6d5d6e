package wire

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Timeout is the default limit of one attempt: far above the service's response times, and short enough for a retry.
const Timeout = 10 * time.Second

// maxConnections limits a process's connections to one host.
const maxConnections = 64

// shared is the transport of every client without one of its own: short-lived clients share connections.
var shared = sync.OnceValue(func() *http.Transport {
	return &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       (&net.Dialer{Timeout: Timeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true,
		// With the standard library's 2 idle connections, a busy client dials for most calls. Without a limit, it dials
		// again whenever another call takes its connection. 64 connections serve 30 times the service's highest rate
		// limit.
		MaxIdleConnsPerHost:   maxConnections,
		MaxConnsPerHost:       maxConnections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   Timeout,
		ExpectContinueTimeout: time.Second,
		// Real headers are below 1 KiB. The standard library reads 10 MB of them.
		MaxResponseHeaderBytes: 64 << 10,
		// A dead HTTP/2 connection would otherwise fail every call until the kernel notices.
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		OnProxyConnectResponse: refuseTunnel,
	}
})

// NewTransport returns a copy of the shared transport.
func NewTransport() *http.Transport { return shared().Clone() }
