// Package emulate serves the emulator of DingTalk on this machine: for other processes, or for the commands of this one.
package emulate

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Server is an emulator behind a loopback listener of this process.
type Server struct {
	URL      string // such as http://127.0.0.1:40001
	emulator *dingtalktest.Emulator
	server   *http.Server
	ended    chan error // why serving ended; http.ErrServerClosed after Stop
}

// stopTime is how long requests under way may take to end once the emulator is told to stop.
const stopTime = 2 * time.Second

// Serve starts an emulator at address, whose host must be of the loopback interface: its credentials are public.
func Serve(ctx context.Context, address string, errorLog io.Writer, opts ...dingtalktest.Option) (*Server, error) {
	if err := checkLoopback(address); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, lang.Errorf("emulator: %w", err)
	}
	// What localhost is was for this machine's resolver to say.
	if at, err := netip.ParseAddrPort(listener.Addr().String()); err != nil || !at.Addr().Unmap().IsLoopback() {
		listener.Close()
		return nil, notLoopback(address)
	}
	s := &Server{
		URL:      "http://" + listener.Addr().String(),
		emulator: dingtalktest.New(append(opts, dingtalktest.WithRecordSize(0))...), // nobody would read the record
		ended:    make(chan error, 1),
	}
	s.server = &http.Server{
		Handler:           s.emulator,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(errorLog, "emulator: ", 0),
	}
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

// Stop lets requests under way end, apart from those that would hang, and closes the listener.
func (s *Server) Stop() {
	s.emulator.Close()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close() // cuts what is left
	}
}

// checkLoopback refuses an address to listen at that other machines could reach, or that is none.
func checkLoopback(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return explain.Usage("--listen %s: give HOST:PORT, such as 127.0.0.1:8080", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return explain.Usage("--listen %s: the port is not a number from 0 to 65535", address)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return notLoopback(address)
	}
	return nil
}

func notLoopback(address string) error {
	return explain.UsageHint("the emulator's credentials are public, so it serves this machine only: use 127.0.0.1, [::1] or localhost",
		"--listen %s: this is not a loopback address", address)
}
