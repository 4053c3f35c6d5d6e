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
	if c.ip != "" || c.Trace != nil {
		options = append(options, dingtalk.WithHTTPClient(&http.Client{Transport: c.transport()}))
	}
	client, err = dingtalk.NewClient(creds, options...)
	if err != nil { // the credentials are not empty, so it is the base URL
		stop()
		return nil, nil, explain.Usage("%s", explain.Describe(err))
	}
	return client, func() { client.CloseIdleConnections(); stop() }, nil
}

// transport returns the SDK's transport, limited to one network and traced as the flags say.
func (c *Flags) transport() http.RoundTripper {
	transport := dingtalk.NewTransport()
	if c.ip != "" {
		dial := transport.DialContext
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		transport.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, "tcp"+c.ip, address) }
	}
	if c.Trace == nil {
		return transport
	}
	return traced{transport, c.Trace}
}

// traced traces each request: the client's own token calls, which all callers share, have no caller's trace.
type traced struct {
	*http.Transport
	trace func(context.Context) context.Context
}

func (t traced) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.Transport.RoundTrip(req.WithContext(t.trace(req.Context())))
}
