package dingtalkredis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	errWantsTLS = errors.New("the server speaks TLS only")
	errPlain    = errors.New("the server speaks no TLS")
)

// diagnose finds TLS errors that the Redis client cannot report. A server without TLS reads a handshake as a command
// and waits for more; and an alert gets lost if the connection was written to. diagnose sends no secret.
func (f *Fleet) diagnose(ctx context.Context) error {
	address, config := f.place()
	if address == "" {
		return nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil // the fault is not TLS
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(time.Now().Add(time.Until(deadline) / 2)) // a connection that fails here fails below
	if config == nil {
		err := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) // the connection is closed after the handshake
		var alert tls.AlertError
		if err == nil || errors.As(err, &alert) {
			return errWantsTLS
		}
		return nil
	}
	if answersPlain(ctx, address) {
		return errPlain
	}
	host, _, _ := net.SplitHostPort(address)
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	_, err = tls.Client(conn, config).Read(make([]byte, 1)) // a server that accepts the connection waits for a command
	if err != nil && isTLS(err) {
		return err
	}
	return nil
}

// answersPlain reports whether a server answers a command without TLS.
func answersPlain(ctx context.Context, address string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(time.Now().Add(time.Until(deadline) / 4)) // a connection that fails here fails below
	begin := make([]byte, 1)
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	n, err := conn.Read(begin)
	return err == nil && n == 1 && strings.ContainsAny(string(begin), "+-")
}

// place returns the TCP address of a client with a single one.
func (f *Fleet) place() (address string, config *tls.Config) {
	switch c := f.redis.(type) {
	case *redis.Client:
		if o := c.Options(); o.Network == "tcp" && !follows(c) {
			return o.Addr, o.TLSConfig
		}
	case *redis.ClusterClient:
		if o := c.Options(); len(o.Addrs) > 0 {
			return o.Addrs[0], o.TLSConfig
		}
	}
	return "", nil
}
