// Package emulate serves the emulator of DingTalk: for other processes, or for the commands of this one.
package emulate

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// Server is an emulator that is being served.
type Server struct {
	URL      string // such as http://127.0.0.1:40001, or unix:PATH
	scheme   string // http or https
	admin    string // the same of the admin API; empty if it is not served
	emulator *dingtalktest.Emulator
	http2    bool
	servers  []*http.Server
	ended    chan error // why serving ended; http.ErrServerClosed after Stop
}

// What a request may take. A hanging fault or a latency takes as long as it is to.
const (
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 64 << 10
	stopTime    = 2 * time.Second // for requests under way once the emulator is to stop
)

// Serve starts an emulator at address, whose host must be of the loopback interface: its credentials are public.
func Serve(ctx context.Context, address string, errorLog io.Writer, opts ...dingtalktest.Option) (*Server, error) {
	o := options{listen: address}
	return o.start(ctx, errorLog, dingtalktest.New(append(opts, withoutRecord)...), nil)
}

// withoutRecord is for an emulator whose record nobody could read.
func withoutRecord(s *dingtalktest.Settings) { s.RecordSize = 0 }

// serve answers what arrives at a listener, over TLS if there is a certificate.
func (s *Server) serve(at *listening, handler http.Handler, errorLog io.Writer, made *certificate) {
	server := &http.Server{
		Handler:           at.checkHost(handler),
		ConnContext:       dingtalktest.ConnContext,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log.New(errorLog, "emulator: ", 0),
	}
	// Not by itself: faults that are bytes on the bare connection have no meaning over HTTP/2.
	protocols := []string{"http/1.1"}
	if server.Protocols = new(http.Protocols); s.http2 {
		protocols = []string{"h2", "http/1.1"}
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(s.http2)
	server.Protocols.SetUnencryptedHTTP2(s.http2)
	var listener net.Listener = at
	if made != nil {
		listener = tls.NewListener(at, &tls.Config{Certificates: []tls.Certificate{made.server}, NextProtos: protocols, MinVersion: tls.VersionTLS12})
	}
	s.servers = append(s.servers, server)
	go func() { s.ended <- server.Serve(listener) }()
}

// start serves what the flags say.
func (o *options) start(ctx context.Context, errorLog io.Writer, emulator *dingtalktest.Emulator, made *certificate) (*Server, error) {
	at, err := place{flag: "--listen", address: o.listen, remote: o.allowRemote}.open(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{scheme: "http", emulator: emulator, ended: make(chan error, 2), http2: o.http2}
	if made != nil {
		s.scheme = "https"
	}
	s.URL = at.url(s.scheme)
	s.serve(at, emulator, errorLog, made)
	if o.admin == "" {
		return s, nil
	}
	control, err := place{flag: "--admin", address: o.admin, remote: o.allowRemote}.open(ctx)
	if err != nil {
		s.Stop()
		return nil, err
	}
	s.serve(control, admin.Handler(emulator), errorLog, nil)
	s.admin = control.url("http")
	return s, nil
}

// Stop lets requests under way end, apart from those that would hang, and closes the listeners.
func (s *Server) Stop() {
	s.emulator.Close()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	for _, server := range s.servers {
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // cuts what is left
		}
	}
}

// wait returns when serving ends by itself, with why.
func (s *Server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.ended:
		return lang.Errorf("emulator: %w", err)
	}
}
