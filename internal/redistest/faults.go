package redistest

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Fault is what a [Proxy] does to what passes.
type Fault struct {
	Cut    bool                        // connections are closed, and no others taken
	Silent bool                        // requests pass, and no answers of a connection that has run a script
	Bytes  int                         // of answers that pass through a connection before it is closed; 0: all
	Delay  time.Duration               // of each request: the round trip of a far server
	Answer func(request string) string // answers in the server's place, unless it returns ""; [Closed] closes the connection
}

// Closed is an answer of [Fault.Answer].
const Closed = "closed"

// Proxy stands before a server and breaks what passes.
type Proxy struct {
	Addr string // host and port

	mu     sync.Mutex
	target string
	fault  Fault
	conns  map[net.Conn]bool
}

// StartProxy starts a proxy that lets everything pass, until the test ends.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, conns: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); p.Set(Fault{Cut: true}) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

// Set replaces the fault. A connection that was cut, or whose bytes were counted, is not healed.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	if f.Cut || f.Bytes > 0 {
		p.close()
	}
}

// Heal undoes [Proxy.Set].
func (p *Proxy) Heal() { p.Set(Fault{}) }

// Switch closes all connections, and leads new ones to another server.
func (p *Proxy) Switch(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	p.close()
}

func (p *Proxy) close() {
	for conn := range p.conns {
		_ = conn.Close()
	}
	clear(p.conns)
}

func (p *Proxy) now() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	fault, target := p.fault, p.target
	p.conns[client] = true
	p.mu.Unlock()
	if fault.Cut {
		return
	}
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	var scripted atomic.Bool
	go func() { // answers
		defer client.Close()
		passed := 0
		_ = chunks(server, func(b []byte) error {
			if fault.Bytes > 0 && passed+len(b) > fault.Bytes {
				_, _ = client.Write(b[:fault.Bytes-passed])
				return io.EOF
			}
			passed += len(b)
			if p.now().Silent && scripted.Load() {
				return nil
			}
			_, err := client.Write(b)
			return err
		})
	}()
	type late struct {
		request []byte
		due     time.Time
	}
	line := make(chan late, 1000)
	go func() { // requests
		defer server.Close()
		for l := range line {
			time.Sleep(time.Until(l.due))
			if _, err := server.Write(l.request); err != nil {
				return
			}
		}
	}()
	defer close(line)
	_ = chunks(client, func(b []byte) error {
		f := p.now()
		if bytes.Contains(bytes.ToLower(b), []byte("\r\neval")) {
			scripted.Store(true)
		}
		if f.Answer != nil {
			if answer := f.Answer(string(b)); answer == Closed {
				return io.EOF
			} else if answer != "" {
				_, err := client.Write([]byte(answer))
				return err
			}
		}
		line <- late{append([]byte(nil), b...), time.Now().Add(f.Delay)}
		return nil
	})
}

// chunks passes on what comes.
func chunks(from net.Conn, to func([]byte) error) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := to(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}
