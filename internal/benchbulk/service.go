package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// service is an emulator in this process, whose counts can be read.
type service struct {
	*dingtalktest.Emulator
	url  string
	stop func() // may be called more than once

	mu     sync.Mutex
	alarms []alarm
}

// alarm is raised when so many conversions have arrived.
type alarm struct {
	at   int
	rung chan struct{}
}

// serve starts an emulator that knows every chat. address is that of an earlier one, or empty.
func serve(ctx context.Context, address string, opts ...dingtalktest.Option) (*service, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	opts = append([]dingtalktest.Option{dingtalktest.WithAnyChat(), dingtalktest.WithRecordSize(0)}, opts...)
	s := &service{Emulator: dingtalktest.New(opts...), url: "http://" + listener.Addr().String()}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		_ = server.Serve(listener) // it is closed, or every figure will tell
		close(served)
	}()
	s.stop = sync.OnceFunc(func() {
		s.Close()
		_ = server.Close() // cuts what killed clients have left
		<-served
	})
	return s, nil
}

// ServeHTTP answers a request, and raises the alarms that wait for it.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Emulator.ServeHTTP(w, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.alarms) == 0 {
		return
	}
	n := s.conversions()
	for len(s.alarms) > 0 && n >= s.alarms[0].at {
		close(s.alarms[0].rung)
		s.alarms = s.alarms[1:]
	}
}

// after returns a channel that is closed once so many conversions have arrived in all. Alarms are set in order.
func (s *service) after(conversions int) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := alarm{conversions, make(chan struct{})}
	if s.conversions() >= conversions {
		close(a.rung)
	} else {
		s.alarms = append(s.alarms, a)
	}
	return a.rung
}

// address is where it listens, for another after it.
func (s *service) address() string { return strings.TrimPrefix(s.url, "http://") }

func (s *service) conversions() int { return s.Count(generated.OperationChatIDToOpenConversationID) }
func (s *service) tokenCalls() int  { return s.Count(generated.OperationGetAccessToken) }

// answered is how many conversions were answered with this code.
func (s *service) answered(code generated.Code) int {
	return int(s.Counts()[generated.OperationChatIDToOpenConversationID.ID].Codes[code])
}
