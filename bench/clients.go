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
	{byHand, tuned},
	{"net/http by hand, default client", minimal},
	{"oapi-codegen's own client", stockClient},
	{thisSDK, sdk},
	{officialSDK, theirSDK},
}

const (
	pathBefore  = "/v1.0/im/chat/"
	pathAfter   = "/convertToOpenConversationId"
	tokenHeader = "x-acs-dingtalk-access-token"
)

type converted struct {
	OpenConversationID string `json:"openConversationId"`
}

func fastHTTP(base string) (call, error) {
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
	}, nil
}

// tuned is the reference: a careful hand-written call that keeps its connections.
func tuned(base string) (call, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	client := &http.Client{Transport: transport}
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
	}, nil
}

// minimal is the call of most apps: the least code that works, on a client like http.DefaultClient.
func minimal(base string) (call, error) {
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
	}, nil
}

// defaultClient is http.DefaultClient with its own connections, which can be counted.
func defaultClient() *http.Client {
	return &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
}

func stockClient(base string) (call, error) {
	own := defaultClient()
	client, err := stock.NewClientWithResponses(base, stock.WithHTTPClient(own), stock.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set(tokenHeader, accessToken)
		return nil
	}))
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
