package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// service is an emulator in this process, whose counts can be read.
type service struct {
	*dingtalktest.Emulator
	url  string
	stop func()
}

// serve starts an emulator that knows every chat.
func serve(ctx context.Context, opts ...dingtalktest.Option) (*service, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	opts = append([]dingtalktest.Option{dingtalktest.WithAnyChat(), dingtalktest.WithRecordSize(0)}, opts...)
	s := &service{Emulator: dingtalktest.New(opts...), url: "http://" + listener.Addr().String()}
	server := &http.Server{Handler: s.Emulator, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		_ = server.Serve(listener) // it is closed, or every figure will tell
		close(served)
	}()
	s.stop = func() {
		s.Close()
		_ = server.Close()
		<-served
	}
	return s, nil
}

func (s *service) conversions() int { return s.Count(generated.OperationChatIDToOpenConversationID) }

// answered is how many conversions were answered with this code.
func (s *service) answered(code generated.Code) int {
	return int(s.Counts()[generated.OperationChatIDToOpenConversationID.ID].Codes[code])
}
