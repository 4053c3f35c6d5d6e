package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

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
	make func(base string) (call, error) // for a URL without a path
}

const (
	byHand      = "net/http by hand"
	thisSDK     = "**this SDK**"
	officialSDK = "DingTalk's official Go SDK"
)

var clients = []client{
	{"fasthttp", fastHTTP},
	{byHand, netHTTP(256)},
	{"net/http by hand, default client", netHTTP(http.DefaultMaxIdleConnsPerHost)},
	{"oapi-codegen's own client", stockClient},
	{thisSDK, sdk},
	{officialSDK, theirSDK},
}

const tokenHeader = "x-acs-dingtalk-access-token"

func target(base string) string {
	return base + "/v1.0/im/chat/" + url.PathEscape(chatID) + "/convertToOpenConversationId"
}

func read(body []byte) (string, error) {
	var out struct {
		OpenConversationID string `json:"openConversationId"`
	}
	err := json.Unmarshal(body, &out)
	return out.OpenConversationID, err
}

func fastHTTP(base string) (call, error) {
	client := &fasthttp.Client{MaxConnsPerHost: 256}
	return func(context.Context) (string, error) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.Header.SetMethod(http.MethodPost)
		req.SetRequestURI(target(base))
		req.Header.Set(tokenHeader, accessToken)
		if err := client.Do(req, resp); err != nil {
			return "", err
		}
		return read(resp.Body())
	}, nil
}

// netHTTP is a careful hand-written call, on a client that keeps so many idle connections.
func netHTTP(idle int) func(base string) (call, error) {
	return func(base string) (call, error) {
		client := ownClient(idle)
		return func(ctx context.Context) (string, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, target(base), nil)
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
			if err == nil && resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
			if err != nil {
				return "", err
			}
			return read(body)
		}, nil
	}
}

// ownClient is like http.DefaultClient, with its own connections, which can be counted.
func ownClient(idle int) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, idle
	return &http.Client{Transport: transport}
}

func stockClient(base string) (call, error) {
	authorize := func(_ context.Context, req *http.Request) error {
		req.Header.Set(tokenHeader, accessToken)
		return nil
	}
	own := ownClient(http.DefaultMaxIdleConnsPerHost)
	client, err := stock.NewClientWithResponses(base, stock.WithHTTPClient(own), stock.WithRequestEditorFn(authorize))
	if err != nil {
		return nil, err
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
	}, nil
}

// sdk is this SDK with its defaults.
func sdk(base string) (call, error) {
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: "key", AppSecret: "secret"}, dingtalk.WithBaseURL(base))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, error) { return client.OpenConversationID(ctx, chatID) }, nil
}

func theirSDK(base string) (call, error) {
	scheme, address, _ := strings.Cut(base, "://")
	client, err := official.NewClient(&openapi.Config{Protocol: tea.String(scheme), RegionId: tea.String("central"), Endpoint: tea.String(address)})
	if err != nil {
		return nil, err
	}
	return func(context.Context) (string, error) {
		headers := &official.ChatIdToOpenConversationIdHeaders{XAcsDingtalkAccessToken: tea.String(accessToken)}
		resp, err := client.ChatIdToOpenConversationIdWithOptions(tea.String(chatID), headers, &util.RuntimeOptions{})
		if err != nil {
			return "", err
		}
		return tea.StringValue(resp.Body.OpenConversationId), nil
	}, nil
}
