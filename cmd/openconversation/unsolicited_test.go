package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// Bytes after an answer's end would be printed by net/http; they may hold a token.
func TestUnsolicitedBytesAreNotPrinted(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	const more = "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"accessToken\":\"s3cret\"}"
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					body := `{"accessToken":"s3cret","expireIn":7200}`
					if req.URL.Path != "/v1.0/oauth2/accessToken" {
						body = `{"openConversationId":"cidl1B8RVUFmkO50OC9uEbySQ=="}`
					}
					if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(body), body, more); err != nil {
						return
					}
				}
			}()
		}
	}()
	cmd := command(t, "convert", chat)
	cmd.Env = append(cmd.Env, "DINGTALK_BASE_URL=http://"+listener.Addr().String(), "DINGTALK_APP_KEY=key", "DINGTALK_APP_SECRET=secret")
	finish(t, cmd).check(t, result{0, "cidl1B8RVUFmkO50OC9uEbySQ==\n", ""})
}
