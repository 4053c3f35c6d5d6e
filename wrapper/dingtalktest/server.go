package dingtalktest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// headerTime is how long the header of a request may take to arrive.
const headerTime = 10 * time.Second

// Server is an emulator behind a listener on the loopback interface.
type Server struct {
	URL string // such as http://127.0.0.1:40001, without a slash at the end
	*Emulator
	stop func()
}

// NewServer starts an emulator for a test and closes it when the test ends. Without a test, as in an Example, tb is nil
// and the caller calls Close. It speaks HTTP/1 and, to clients that begin with it, unencrypted HTTP/2.
func NewServer(tb testing.TB, opts ...Option) *Server {
	emulator := New(opts...)
	listening := httptest.NewUnstartedServer(emulator)
	listening.Config.ReadHeaderTimeout, listening.Config.ConnContext = headerTime, ConnContext
	listening.Config.Protocols = new(http.Protocols)
	listening.Config.Protocols.SetHTTP1(true)
	listening.Config.Protocols.SetUnencryptedHTTP2(true)
	listening.Start()
	// The server is held by a closure, so that fmt does not walk through it while it runs.
	s := &Server{URL: listening.URL, Emulator: emulator, stop: sync.OnceFunc(func() {
		emulator.Close()
		// A client that has sent half a request would hold up the next call for ever.
		listening.CloseClientConnections()
		listening.Close()
	})}
	if tb != nil {
		tb.Cleanup(s.Close)
	}
	return s
}

// Close stops the server and cuts its connections, also those that hang. It may be called more than once, also before
// the test ends.
func (s *Server) Close() { s.stop() }

// String says where the server is, and nothing of its secrets.
func (s Server) String() string { return fmt.Sprintf("dingtalktest.Server(%s, %s)", s.URL, s.Emulator) }

// Format prints String whatever the verb.
func (s Server) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.String()) }
