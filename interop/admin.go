package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// adminAPI makes up requests from the description of the emulator's admin API, and checks its answers to them.
func (s *settings) adminAPI(ctx context.Context, dir string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: admin.Handler(dingtalktest.New()), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // It ends when it is closed.
	defer func() { _ = server.Close() }()
	description := filepath.Join(dir, "openapi.yaml")
	if err := os.WriteFile(description, admin.OpenAPI(), 0o644); err != nil {
		return err
	}
	if err := s.script(ctx, s.checkScript("admin"), dir, "URL=http://"+listener.Addr().String(), "DESCRIPTION="+description); err != nil {
		return err
	}
	report, err := readReport(dir)
	if err != nil {
		return err
	}
	fmt.Printf("%d requests made up\n", report.TestCases.Generated)
	return s.explainReport(report, "admin.json", dir)
}
