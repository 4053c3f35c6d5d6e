package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	official "github.com/alibabacloud-go/dingtalk/im_1_0"
	util "github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/dingtalk-openapi/openconversation-go/bench/stock"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/valyala/fasthttp"
)

// call converts the chat and returns its openConversationId.
type call func(ctx context.Context) (string, error)

// client is one way to make the call, written as in its own documentation.
type client struct {
	name string
	key  string                                  // its folder in importers.go; empty if no app would use it
	make func(base string) (call, func(), error) // for a URL without a path; also returns a function that closes its connections
	role role

	stays bool // its connections cannot be closed
}

const (
	byHand  = "net/http by hand"
	thisSDK = "**this SDK**"
	thisErr = "this SDK, an error"
)

var clients = []client{
	{name: "raw TCP, bytes written and read", make: rawTCP},
	{name: "net/http's round trip alone", make: roundTrip},
	{name: "fasthttp", key: "fasthttp", make: fastHTTP},
	{name: byHand, key: "byhand", make: tuned},
	{name: "net/http by hand, default client", make: minimal},
	{name: "oapi-codegen's own client", key: "stock", make: stockClient},
	{name: thisSDK, key: "sdk", make: sdk},
	{name: thisErr, make: sdkError, role: fails},
	{name: "DingTalk's official Go SDK", key: "official", make: officialSDK, stays: true},
}

const (
	pathBefore  = "/v1.0/im/chat/"
	pathAfter   = "/convertToOpenConversationId"
	tokenHeader = "x-acs-dingtalk-access-token"
)

type converted struct {
	OpenConversationID string `json:"openConversationId"`
}

// rawTCP is the lower bound: it only writes and reads the bytes.
func rawTCP(base string) (call, func(), error) {
	scheme, address, _ := strings.Cut(base, "://")
	request := fmt.Appendf(nil, "POST %s%s%s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\nContent-Length: 0\r\n\r\n", pathBefore, chatID, pathAfter, address, tokenHeader, accessToken)
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	if scheme == "https" {
		dialer = &tls.Dialer{}
	}
	type link struct {
		net.Conn
		buf [4096]byte
	}
	var mu sync.Mutex
	var idle []*link
	return func(ctx context.Context) (string, error) {
			var l *link
			mu.Lock()
			if n := len(idle); n > 0 {
				l, idle = idle[n-1], idle[:n-1]
			}
			mu.Unlock()
			if l == nil {
				conn, err := dialer.DialContext(ctx, "tcp", address)
				if err != nil {
					return "", err
				}
				l = &link{Conn: conn}
			}
			if _, err := l.Write(request); err != nil {
				return "", err
			}
			for n := 0; ; {
				m, err := l.Read(l.buf[n:])
				if err != nil {
					return "", err
				}
				n += m
				if end := bytes.Index(l.buf[:n], headEnd); end >= 0 && n == end+len(headEnd)+contentLength(l.buf[:end]) {
					break
				}
			}
			mu.Lock()
			idle = append(idle, l)
			mu.Unlock()
			return conversationID, nil
		}, func() {
			for _, l := range idle {
				l.Close()
			}
			idle = nil
		}, nil
}

// keeping returns a transport that keeps its connections.
func keeping() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	return transport
}

// roundTrip is the lower bound for clients on net/http: a prepared request, and an answer that is not decoded.
func roundTrip(base string) (call, func(), error) {
	transport := keeping()
	prepared, err := http.NewRequest(http.MethodPost, base+pathBefore+chatID+pathAfter, nil) //nolint:noctx // each call has its own
	if err != nil {
		return nil, nil, err
	}
	prepared.Header.Set(tokenHeader, accessToken)
	prepared.Header.Set("Accept-Encoding", "identity")
	return func(ctx context.Context) (string, error) {
		resp, err := transport.RoundTrip(prepared.WithContext(ctx))
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return conversationID, err
	}, transport.CloseIdleConnections, nil
}

func fastHTTP(base string) (call, func(), error) {
	client := &fasthttp.Client{MaxConnsPerHost: 256}
	return func(context.Context) (string, error) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.Header.SetMethod(http.MethodPost)
		req.SetRequestURI(base + pathBefore + url.PathEscape(chatID) + pathAfter)
		req.Header.Set(tokenHeader, accessToken)
		if err := client.Do(req, resp); err != nil {
			return "", err
		}
		var out converted
		if err := json.Unmarshal(resp.Body(), &out); err != nil {
			return "", err
		}
		return out.OpenConversationID, nil
	}, client.CloseIdleConnections, nil
}

// tuned is the reference: a careful hand-written call that keeps its connections.
func tuned(base string) (call, func(), error) {
	client := &http.Client{Transport: keeping()}
	return func(ctx context.Context) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+pathBefore+url.PathEscape(chatID)+pathAfter, nil)
		if err != nil {
			return "", err
		}
		req.Header.Set(tokenHeader, accessToken)
		resp, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return "", err
		}
		if resp.StatusCode != http.StatusOK {
			return "", errors.New(resp.Status)
		}
		var out converted
		if err := json.Unmarshal(body, &out); err != nil {
			return "", err
		}
		return out.OpenConversationID, nil
	}, client.CloseIdleConnections, nil
}

// minimal is the call of most apps: the least code that works, on a client like http.DefaultClient.
func minimal(base string) (call, func(), error) {
	client := defaultClient()
	return func(ctx context.Context) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+pathBefore+chatID+pathAfter, nil)
		if err != nil {
			return "", err
		}
		req.Header.Set(tokenHeader, accessToken)
		resp, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		var out converted
		err = json.NewDecoder(resp.Body).Decode(&out)
		return out.OpenConversationID, err
	}, client.CloseIdleConnections, nil
}

// defaultClient is http.DefaultClient with its own connections, which can be counted.
func defaultClient() *http.Client {
	return &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
}

func stockClient(base string) (call, func(), error) {
	own := defaultClient()
	client, err := stock.NewClientWithResponses(base, stock.WithHTTPClient(own), stock.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set(tokenHeader, accessToken)
		return nil
	}))
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) (string, error) {
		resp, err := client.ChatIDToOpenConversationIDWithResponse(ctx, chatID)
		if err != nil {
			return "", err
		}
		if resp.JSON200 == nil {
			return "", errors.New(resp.Status())
		}
		return resp.JSON200.OpenConversationID, nil
	}, own.CloseIdleConnections, nil
}

// sdk is this SDK with its defaults.
func sdk(base string) (call, func(), error) {
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: "key", AppSecret: "secret"}, dingtalk.WithBaseURL(base))
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) (string, error) { return client.OpenConversationID(ctx, chatID) }, client.CloseIdleConnections, nil
}

func sdkError(base string) (call, func(), error) {
	convert, closeIdle, err := sdk(base)
	return func(ctx context.Context) (string, error) {
		if _, err := convert(ctx); !errors.Is(err, dingtalk.ErrInvalidChatID) {
			return "", fmt.Errorf("%w; ErrInvalidChatID was expected", err)
		}
		return conversationID, nil
	}, closeIdle, err
}

func officialSDK(base string) (call, func(), error) {
	scheme, address, _ := strings.Cut(base, "://")
	client, err := official.NewClient(&openapi.Config{Protocol: tea.String(scheme), RegionId: tea.String("central"), Endpoint: tea.String(address)})
	if err != nil {
		return nil, nil, err
	}
	return func(context.Context) (string, error) {
		headers := &official.ChatIdToOpenConversationIdHeaders{XAcsDingtalkAccessToken: tea.String(accessToken)}
		resp, err := client.ChatIdToOpenConversationIdWithOptions(tea.String(chatID), headers, &util.RuntimeOptions{})
		if err != nil {
			return "", err
		}
		return tea.StringValue(resp.Body.OpenConversationId), nil
	}, http.DefaultClient.CloseIdleConnections, nil // its own connections are in a package variable and cannot be closed
}
