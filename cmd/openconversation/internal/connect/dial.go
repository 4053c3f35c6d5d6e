package connect

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/emulate"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Dial makes the SDK's client, and with --emulator its emulator. done closes both.
func (c *Flags) Dial(ctx context.Context, w *term.World) (client *dingtalk.Client, done func(), err error) {
	stop := func() {}
	var creds dingtalk.AppCredentials
	options := []dingtalk.Option{dingtalk.WithUserAgent(term.CommandName + "/" + dingtalk.Version), dingtalk.WithRetry(dingtalk.Retry{MaxWait: time.Minute})}
	if c.emulator {
		server, err := emulate.Serve(ctx, "127.0.0.1:0", w.Err, c.Emulate...)
		if err != nil {
			return nil, nil, err
		}
		stop = server.Stop
		creds = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
		options = append(options, dingtalk.WithBaseURL(server.URL))
	} else {
		var err error
		if creds, err = c.credentials(ctx, w); err != nil {
			return nil, nil, err
		}
		if err := checkProxy(w); err != nil {
			return nil, nil, err
		}
		options = append(options, dingtalk.WithBaseURL(c.hostURL(w)))
	}
	if c.RedisURL(w) != "" {
		fleet, done, err := c.fleet(ctx, w, creds)
		if err != nil {
			return nil, nil, err
		}
		stop = done
		options = append(options, c.share(fleet)...)
	}
	if c.Pace != nil {
		options = append(options, dingtalk.WithLimiter(c.Pace), dingtalk.WithBudget(c.Pace))
	}
	if c.ip != "" {
		options = append(options, dingtalk.WithHTTPClient(&http.Client{Transport: over("tcp" + c.ip)}))
	}
	client, err = dingtalk.NewClient(creds, options...)
	if err != nil { // the credentials are not empty, so it is the base URL
		stop()
		return nil, nil, explain.Usage("%s", explain.Describe(err))
	}
	return client, func() { client.CloseIdleConnections(); stop() }, nil
}

// over returns the SDK's transport limited to one network.
func over(network string) *http.Transport {
	transport := dingtalk.NewTransport()
	dial := transport.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	transport.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, network, address) }
	return transport
}
