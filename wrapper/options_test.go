package dingtalk_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]dingtalk.Option{
		"unknown region": dingtalk.WithRegion("https://api.example.com"), "unknown region \"\"": dingtalk.WithRegion(""),
		"WithTimeout: 0s": dingtalk.WithTimeout(0), "WithTimeout: -1ns": dingtalk.WithTimeout(-1), "WithUserAgent": dingtalk.WithUserAgent(""),
		"WithUserAgent: ": dingtalk.WithUserAgent("app\r\nx-acs-dingtalk-access-token: stolen"), "WithUserAgent: it": dingtalk.WithUserAgent("应用"),
		"WithRetry": dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: -1}), "WithRetry: ": dingtalk.WithRetry(dingtalk.Retry{BaseDelay: -1}),
		"WithRetry: a": dingtalk.WithRetry(dingtalk.Retry{MaxDelay: -1}), "WithRetry: a field": dingtalk.WithRetry(dingtalk.Retry{MaxWait: -1}),
		"WithLimiter: NewLim": dingtalk.WithLimiter(dingtalk.NewLimiter(0)), "WithLimiter: it is": dingtalk.WithLimiter((*dingtalk.AdaptiveLimiter)(nil)),
		"WithBudget: it is": dingtalk.WithBudget((*part)(nil)), "WithCache: it is": dingtalk.WithCache((*part)(nil)),
		"WithTokenStore: it is": dingtalk.WithTokenStore((*part)(nil)), "WithHTTPClient": dingtalk.WithHTTPClient(nil),
		"WithHTTPClient: its": through((*http.Transport)(nil)), "WithRegion and WithBas": dingtalk.WithRegion(dingtalk.MainlandChina),
	} {
		base := dingtalk.Option(nil)
		if strings.HasSuffix(name, "WithBas") {
			base = dingtalk.WithBaseURL("https://example.com")
		}
		client, err := dingtalk.NewClient(appCredentials, opt, base)
		errorIf(t, client != nil || !strings.HasPrefix(fmt.Sprint(err), "dingtalk: "+name), "%s: %v, %v", name, client, err)
	}
	for _, perSecond := range []float64{math.NaN(), 0, -1} {
		limiter := dingtalk.NewLimiter(perSecond)
		limiter.Answered(true)
		err := limiter.Wait(t.Context())
		errorIf(t, !strings.Contains(fmt.Sprint(err), "NewLimiter") || limiter.Rate() != 0, "NewLimiter(%g): %v", perSecond, err)
	}
}

// TestHTTPClient: of the caller's http.Client, its transport and time limit count; it is not changed, nor are requests
// shared between attempts with a transport that changes them.
func TestHTTPClient(t *testing.T) {
	t.Parallel()
	server, policy := dingtalktest.NewServer(t), 0
	jar, _ := cookiejar.New(nil) // cannot fail
	address, _ := url.Parse(server.URL)
	jar.SetCookies(address, []*http.Cookie{{Name: "own", Value: "x", Path: "/"}})
	transport, seen := &http.Transport{}, []int(nil)
	t.Cleanup(transport.CloseIdleConnections)
	own := &http.Client{Timeout: patience, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { policy++; return nil }}
	own.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, len(r.Header))
		errorIf(t, r.Header.Get("Cookie") != "", "a cookie was sent")
		r.Header.Set("X-Trace", "1")
		r.Header["Accept"][0] = "text/html"
		return transport.RoundTrip(r)
	})
	client := newClient(t, server.URL, dingtalk.StaticToken(server.IssueToken()), dingtalk.WithHTTPClient(own), oneAttempt)
	server.FailNext(
		dingtalktest.Raw(302, "", nil).WithHeader("Location", "/").WithHeader("Set-Cookie", "a=b").For(convertOp),
		dingtalktest.Hang().Times(2).For(convertOp),
	)
	_ = refused(t, client, dingtalk.ErrRedirect)
	errorIf(t, own.Timeout != patience || len(jar.Cookies(address)) != 1 || own.Jar == nil || own.CheckRedirect == nil || policy != 0, "%+v", own)
	own.Timeout = 30 * ms // in which nothing is answered from here on
	for _, opt := range []dingtalk.Option{nil, dingtalk.WithTimeout(20 * ms)} {
		client = newClient(t, server.URL, dingtalk.StaticToken(staticToken), dingtalk.WithHTTPClient(own), oneAttempt, opt)
		e := refused(t, client, dingtalk.ErrUnavailable)
		errorIf(t, !e.Timeout(), "%+v", e)
		own.Timeout = time.Hour
	}
	errorIf(t, len(seen) != 3 || seen[0] != seen[2], "headers %v", seen)
	own = &http.Client{} // gets the SDK's own transport
	client = newClient(t, server.URL, appCredentials, dingtalk.WithHTTPClient(own))
	t.Cleanup(client.CloseIdleConnections)
	convert(t, client, dingtalktest.ChatID)
	errorIf(t, own.Transport != nil || own.Timeout != 0, "the client is %+v now", own)
}

// TestConnectionsAreKept makes 64 requests at once, twice: the second time needs no new connection.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const callers = 64
	arrived, let := make(chan struct{}, callers), make(chan struct{})
	peer := newPeer(t, func(c net.Conn) bool {
		arrived <- struct{}{}
		<-let
		_, err := io.WriteString(c, success)
		return err == nil
	})
	client, err := dingtalk.NewClient(dingtalk.StaticToken(staticToken), dingtalk.WithBaseURL(peer.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	for range 2 {
		go func() {
			for range callers {
				<-arrived
			}
			for range callers {
				let <- struct{}{}
			}
		}()
		together(callers, func() { convert(t, client, dingtalktest.ChatID) })
	}
	errorIf(t, peer.conns.Load() != callers, "%d connections for %d calls at once, twice", peer.conns.Load(), callers)
}

// TestHosts: a conversion goes to the host of the client's region, an operation of the legacy API to that API's.
func TestHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		opts            []dingtalk.Option
		convert, legacy string
	}{
		{nil, "https://api.dingtalk.io", "https://oapi.dingtalk.io"},
		{[]dingtalk.Option{dingtalk.WithRegion(dingtalk.International), nil, dingtalk.WithRegion(dingtalk.MainlandChina)}, "https://api.dingtalk.com", "https://oapi.dingtalk.com"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://api.dingtalk.io")}, "https://api.dingtalk.io", "https://oapi.dingtalk.io"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://api.dingtalk.com/")}, "https://api.dingtalk.com", "https://oapi.dingtalk.com"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://gateway.example/dingtalk/")}, "https://gateway.example/dingtalk", "https://gateway.example/dingtalk"},
	} {
		var got []string
		client, err := dingtalk.NewClient(dingtalk.StaticToken("a+b&c"), append(test.opts, oneAttempt, through(roundTripper(func(r *http.Request) (*http.Response, error) {
			got = append(got, r.URL.String()+" "+r.Header.Get(generated.TokenHeader))
			return nil, errors.New("not sent")
		})))...)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.OpenConversationID(within(t), "a")
		_, _ = client.GetChat(within(t), describe) // whose token is in the URL alone
		want := []string{test.convert + "/v1.0/im/chat/a/convertToOpenConversationId a+b&c", test.legacy + "/chat/get?chatid=" + dingtalktest.ChatID + "&access_token=a%2Bb%26c "}
		errorIf(t, !slices.Equal(got, want), "sent %q, want %q", got, want)
	}
}
