// Package connect makes the client of the commands. Flags and environment select the host, the app's credentials, the
// network, the rate and what processes share.
package connect

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/emulate"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
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
		options = append(options, dingtalk.WithBaseURL(c.URL(w)))
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
		transport := dingtalk.NewTransport()
		transport.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp"+c.ip, address)
		}
		options = append(options, dingtalk.WithHTTPClient(&http.Client{Transport: transport}))
	}
	client, err = dingtalk.NewClient(creds, options...)
	if err != nil { // the credentials are not empty, so it is the base URL
		stop()
		return nil, nil, explain.Usage("%s", explain.Describe(err))
	}
	return client, func() { client.CloseIdleConnections(); stop() }, nil
}

// OwnAddress returns the address that this machine calls from, or nil.
func (c *Flags) OwnAddress(ctx context.Context, w *term.World) net.IP {
	conn, err := new(net.Dialer).DialContext(ctx, "udp"+c.ip, net.JoinHostPort(c.Host(w), "https")) // which sends nothing
	if err != nil {
		return nil
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP
}

// UseAllProxy makes ALL_PROXY count where no proxy for HTTPS is set, as curl does. Package net/http does not know it, and
// reads the environment once, so it must be called first.
func UseAllProxy() {
	all := cmp.Or(os.Getenv("ALL_PROXY"), os.Getenv("all_proxy"))
	if all != "" && cmp.Or(os.Getenv("HTTPS_PROXY"), os.Getenv("https_proxy")) == "" {
		_ = os.Setenv("HTTPS_PROXY", all) // the name is valid
	}
}

// checkProxy refuses a proxy setting that would be read otherwise than it is meant. No error repeats it: it may hold a password.
func checkProxy(w *term.World) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		setting := trimLineEnds(w.Getenv(name))
		if setting == "" {
			continue
		}
		_, rest, schemed := strings.Cut(setting, "://")
		if !schemed {
			rest = setting
		}
		user := rest[:max(strings.LastIndexByte(rest, '@'), 0)]
		if at := strings.IndexAny(user, "#/?@[] "); at >= 0 {
			return explain.UsageHint("write it in hexadecimal, such as %%23 for #, %%40 for @ and %%2F for /",
				"%s: its user or password holds a %q, which ends it in a URL", lang.Literal(name), user[at:at+1])
		}
		if !schemed {
			setting = "http://" + setting
		}
		u, err := url.Parse(setting)
		switch {
		case err != nil || u.Hostname() == "":
			return explain.UsageHint("write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT", "%s: it is no address of a proxy", lang.Literal(name))
		case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
			return explain.UsageHint("use http, https, socks5 or socks5h", "%s: there is no proxy of the kind %q", lang.Literal(name), u.Scheme)
		}
		return nil // the others do not count
	}
	return nil
}
