package dingtalk_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestBaseURL(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"https://api.dingtalk.io":         "https://api.dingtalk.io",
		"https://dingtalk.example.com///": "https://dingtalk.example.com",
		"HTTPS://example.com:8443/prefix": "https://example.com:8443/prefix",
		"http://127.0.0.1:8080":           "http://127.0.0.1:8080",
		"http://127.255.0.1":              "http://127.255.0.1",
		"http://[::1]:80/":                "http://[::1]:80",
		"http://localhost:1":              "http://localhost:1",
		"http://LOCALHOST":                "http://LOCALHOST",
	}
	for base, want := range good {
		client, err := dingtalk.NewClient(appCredentials, dingtalk.WithBaseURL(base))
		if err != nil || client.String() != "dingtalk.Client("+want+")" {
			t.Errorf("%s: %v, %v", base, client, err)
		}
	}
	for base, why := range map[string]string{
		"":                                "it has no host",
		"api.dingtalk.io":                 "it has no host",
		"api.dingtalk.io:443":             "it has no host",
		"https://":                        "it has no host",
		"https://:443":                    "it has no host",
		"https:api.dingtalk.io":           "it has no host",
		"http://api.dingtalk.io":          "HTTPS is required",
		"http://10.0.0.1":                 "HTTPS is required",
		"http://0.0.0.0":                  "HTTPS is required",
		"http://127.0.0.1.example.com":    "HTTPS is required",
		"http://localhost.example.com":    "HTTPS is required",
		"http://[::]":                     "HTTPS is required",
		"ftp://127.0.0.1":                 "HTTPS is required",
		"https://example.com?a=b":         "query or fragment",
		"https://example.com?":            "query or fragment",
		"https://example.com#a":           "query or fragment",
		"https://user:pa55@example.com":   "user or password",
		"https://user:pa55@exa mple.com":  "it cannot be parsed",
		"http://user:pa55@127.0.0.1\x7f/": "it cannot be parsed",
	} {
		client, err := dingtalk.NewClient(appCredentials, dingtalk.WithBaseURL(base))
		if client != nil || err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "pa55") {
			t.Errorf("%q: %v, %v; want %q", base, client, err, why)
		}
	}
}

func TestBaseURLWithPathPrefix(t *testing.T) {
	t.Parallel()
	var paths sync.Map
	emulator := dingtalktest.New()
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths.Store(r.URL.Path, true)
		http.StripPrefix("/gateway/dingtalk", emulator).ServeHTTP(w, r)
	})
	for _, prefix := range []string{"/gateway/dingtalk", "/gateway/dingtalk/"} {
		convert(t, newClient(t, base+prefix, appCredentials), dingtalktest.ChatID)
	}
	for path := range paths.Range {
		if !strings.HasPrefix(path.(string), "/gateway/dingtalk/v1.0/") {
			t.Errorf("a request went to %s", path)
		}
	}
}

// TestRegions leads the two public names to a listener of its own.
func TestRegions(t *testing.T) {
	t.Parallel()
	var host atomic.Value
	emulator := dingtalktest.New()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host.Store(r.Host)
		emulator.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		opts []dingtalk.Option
		want string
	}{
		"default":       {nil, "api.dingtalk.io"},
		"international": {[]dingtalk.Option{dingtalk.WithRegion(dingtalk.International)}, "api.dingtalk.io"},
		"mainland":      {[]dingtalk.Option{dingtalk.WithRegion(dingtalk.MainlandChina)}, "api.dingtalk.com"},
		"last wins":     {[]dingtalk.Option{dingtalk.WithRegion(dingtalk.International), nil, dingtalk.WithRegion(dingtalk.MainlandChina)}, "api.dingtalk.com"},
	} {
		transport := server.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.ServerName = "example.com" // which the listener's certificate is for
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}
		t.Cleanup(transport.CloseIdleConnections)
		client, err := dingtalk.NewClient(appCredentials, append(test.opts, dingtalk.WithHTTPClient(&http.Client{Transport: transport}))...)
		if err != nil {
			t.Fatal(err)
		}
		convert(t, client, dingtalktest.ChatID)
		if host.Load() != test.want {
			t.Errorf("%s: went to %s", name, host.Load())
		}
	}
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]dingtalk.Option{
		"region":                 dingtalk.WithRegion("https://api.example.com"),
		"no region":              dingtalk.WithRegion(""),
		"no HTTP client":         dingtalk.WithHTTPClient(nil),
		"no time":                dingtalk.WithTimeout(0),
		"negative time":          dingtalk.WithTimeout(-1),
		"empty user agent":       dingtalk.WithUserAgent(""),
		"user agent injects":     dingtalk.WithUserAgent("app\r\nx-acs-dingtalk-access-token: stolen"),
		"user agent not ASCII":   dingtalk.WithUserAgent("应用"),
		"negative attempts":      dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: -1}),
		"negative base delay":    dingtalk.WithRetry(dingtalk.Retry{BaseDelay: -1}),
		"negative longest delay": dingtalk.WithRetry(dingtalk.Retry{MaxDelay: -1}),
		"negative wait":          dingtalk.WithRetry(dingtalk.Retry{MaxWait: -1}),
	} {
		if client, err := dingtalk.NewClient(appCredentials, opt); client != nil || err == nil || !strings.HasPrefix(err.Error(), "dingtalk: ") {
			t.Errorf("%s: %v, %v", name, client, err)
		}
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t, dingtalk.WithUserAgent("my app/1.2"))
	convert(t, client, "any")
	for _, r := range server.Requests() {
		if got := r.Header["User-Agent"]; !slices.Equal(got, []string{"my app/1.2 openconversation-go/" + dingtalk.Version}) {
			t.Errorf("%s: %q", r.Operation, got)
		}
	}
}

// TestAttemptLimit lets requests hang: without its limit, each case would hang until the test's patience ends.
func TestAttemptLimit(t *testing.T) {
	t.Parallel()
	const short, long = 30 * time.Millisecond, time.Hour
	for name, test := range map[string]struct {
		client http.Client
		opts   []dingtalk.Option
	}{
		"option":              {http.Client{}, []dingtalk.Option{dingtalk.WithTimeout(short)}},
		"client's":            {http.Client{Timeout: short}, nil},
		"option above client": {http.Client{Timeout: long}, []dingtalk.Option{dingtalk.WithTimeout(short)}},
	} {
		server := dingtalktest.NewServer(t)
		server.FailNext(dingtalktest.Hang().For(convertOp))
		test.client.Transport = &http.Transport{DisableKeepAlives: true}
		client := newClient(t, server.URL, dingtalk.StaticToken(server.IssueToken()), append(test.opts, oneAttempt, dingtalk.WithHTTPClient(&test.client))...)
		ctx := within(t)
		id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
		if e := asError(t, id, err, dingtalk.ErrUnavailable); !e.Timeout() || ctx.Err() != nil || e.Attempts != 1 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// jar and policy count how often they are asked.
type countingJar struct{ asked atomic.Int64 }

func (j *countingJar) SetCookies(*url.URL, []*http.Cookie) { j.asked.Add(1) }

func (j *countingJar) Cookies(*url.URL) []*http.Cookie { j.asked.Add(1); return nil }

func TestHTTPClientIsNotChanged(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	jar := new(countingJar)
	var policy atomic.Int64
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	own := &http.Client{
		Transport: transport, Timeout: time.Minute, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { policy.Add(1); return nil },
	}
	client := newClient(t, server.URL, appCredentials, dingtalk.WithHTTPClient(own), dingtalk.WithTimeout(time.Second))
	server.FailNext(dingtalktest.Raw(302, "", nil).WithHeader("Location", "/").WithHeader("Set-Cookie", "a=b").For(convertOp))
	_ = refused(t, client, dingtalk.ErrRedirect)
	convert(t, client, dingtalktest.ChatID)
	if own.Transport != http.RoundTripper(transport) || own.Timeout != time.Minute || own.Jar != http.CookieJar(jar) || own.CheckRedirect == nil {
		t.Errorf("the client is %+v now", own)
	}
	if jar.asked.Load() != 0 || policy.Load() != 0 {
		t.Errorf("jar asked %d times, redirect policy %d times", jar.asked.Load(), policy.Load())
	}
	if transport.Proxy != nil || transport.MaxIdleConnsPerHost != 0 || transport.ResponseHeaderTimeout != 0 {
		t.Error("the transport was changed")
	}

	// A client without a transport gets the SDK's own, unchanged.
	own = &http.Client{}
	client = newClient(t, server.URL, appCredentials, dingtalk.WithHTTPClient(own))
	t.Cleanup(client.CloseIdleConnections)
	convert(t, client, dingtalktest.ChatID)
	if own.Transport != nil || own.Timeout != 0 {
		t.Errorf("the client is %+v now", own)
	}
}

// TestConnectionsAreKept makes 64 concurrent requests, twice: the second time needs no new connection.
func TestConnectionsAreKept(t *testing.T) {
	const callers = 64
	var connections, closed, waiting atomic.Int64
	emulator := dingtalktest.New(dingtalktest.WithAnyChat())
	var release atomic.Pointer[chan struct{}]
	ctx := within(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != tokenOp.Path {
			let := *release.Load()
			if waiting.Add(1) == callers {
				waiting.Store(0)
				close(let)
			}
			select {
			case <-let:
			case <-ctx.Done():
			}
		}
		emulator.ServeHTTP(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed:
			closed.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client, err := dingtalk.NewClient(appCredentials, dingtalk.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Token(ctx); err != nil {
		t.Fatal(err)
	}
	var after [2]int64
	for wave := range after {
		let := make(chan struct{})
		release.Store(&let)
		var group sync.WaitGroup
		for range callers {
			group.Go(func() { convert(t, client, "any") })
		}
		group.Wait()
		after[wave] = connections.Load()
	}
	if after[0] < callers || after[1] != after[0] {
		t.Errorf("%d connections after the first wave, %d after the second", after[0], after[1])
	}
	client.CloseIdleConnections()
	eventually(t, "idle connections close", func() bool { return closed.Load() == connections.Load() })
}
