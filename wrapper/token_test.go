package dingtalk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// listSource returns tokens in order, the next one after a rejection, the last one for ever.
type listSource struct {
	explode atomic.Bool
	err     error

	mu       sync.Mutex
	tokens   []string
	rejected []string
}

func (s *listSource) Token(context.Context) (string, error) {
	if s.explode.Load() {
		panic("token source")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[0], s.err
}

func (s *listSource) RejectToken(_ context.Context, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = append(s.rejected, token)
	if len(s.tokens) > 1 && s.tokens[0] == token {
		s.tokens = s.tokens[1:]
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	token := server.IssueToken()
	for name, creds := range map[string]dingtalk.Credentials{
		"app":            appCredentials,
		"pointer to app": &appCredentials,
		"static token":   dingtalk.StaticToken(token),
		"source":         &listSource{tokens: []string{token}},
		"another client": newClient(t, server.URL, appCredentials),
	} {
		client := newClient(t, server.URL, creds)
		convert(t, client, dingtalktest.ChatID)
		if got, err := client.Token(within(t)); got != token || err != nil {
			t.Errorf("%s: Token() = %q, %v", name, got, err)
		}
	}
	for name, creds := range map[string]dingtalk.Credentials{
		"nil":                   nil,
		"nil app":               (*dingtalk.AppCredentials)(nil),
		"no key":                dingtalk.AppCredentials{AppSecret: "secretOfWorth"},
		"no secret":             dingtalk.AppCredentials{AppKey: "key"},
		"empty token":           dingtalk.StaticToken(""),
		"token injects":         dingtalk.StaticToken("tokenOfWorth\r\nx-injected: 1"),
		"token with a tab":      dingtalk.StaticToken("tokenOf\tWorth"),
		"token not ASCII":       dingtalk.StaticToken("tokenOfWorth你好"),
		"token ends in a space": dingtalk.StaticToken("tokenOfWorth "),
	} {
		client, err := dingtalk.NewClient(creds)
		if client != nil || err == nil || strings.Contains(err.Error(), "OfWorth") {
			t.Errorf("%s: %v, %v", name, client, err)
		}
	}
}

// Invalid credentials are refused before any request, with an error that does not repeat them.
func TestOddCredentialsAreNamed(t *testing.T) {
	t.Parallel()
	const key, secret = dingtalktest.AppKey, "secretOfWorth"
	for _, test := range []struct {
		creds dingtalk.Credentials
		says  string
	}{
		{dingtalk.AppCredentials{AppKey: key + " ", AppSecret: secret}, "AppKey: it ends with white space"},
		{dingtalk.AppCredentials{AppKey: key, AppSecret: secret + "\n"}, "AppSecret: it ends with a line break"},
		{dingtalk.AppCredentials{AppKey: "\ufeff" + key, AppSecret: secret}, "byte-order mark"},
		{&dingtalk.AppCredentials{AppKey: key, AppSecret: `"` + secret + `"`}, "AppSecret: it begins or ends with a quotation mark"},
		{&dingtalk.AppCredentials{AppKey: key, AppSecret: "secret\u200bOfWorth"}, "U+200B"},
		{dingtalk.StaticToken("“tokenOfWorth”"), "StaticToken: it begins or ends with a quotation mark"},
		{"tokenOfWorth", "credentials are a string"},
		{(*dingtalk.AppCredentials)(nil), "nil"},
	} {
		client, err := dingtalk.NewClient(test.creds)
		if client != nil || err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "OfWorth") {
			t.Errorf("%T: %v, %v; want %q", test.creds, client, err, test.says)
		}
	}
}

func TestTokenSourceFunc(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	token := server.IssueToken()
	client := newClient(t, server.URL, dingtalk.TokenSourceFunc(func(context.Context) (string, error) { return token, nil }))
	convert(t, client, dingtalktest.ChatID)
	wantRequests(t, server.Emulator, 1, 0)
}

func TestSourceIsToldOfRejection(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	source := &listSource{tokens: []string{"old", server.IssueToken()}}
	client := newClient(t, server.URL, source)
	convert(t, client, dingtalktest.ChatID)
	convert(t, client, dingtalktest.ChatID)
	if !slices.Equal(source.rejected, []string{"old"}) {
		t.Errorf("rejected: %q", source.rejected)
	}
	wantRequests(t, server.Emulator, 3, 0)
}

// silentSource has no RejectToken.
type silentSource func(context.Context) (string, error)

func (f silentSource) Token(ctx context.Context) (string, error) { return f(ctx) }

func TestSourceWithoutRejectToken(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	var asked atomic.Int64
	good := server.IssueToken()
	client := newClient(t, server.URL, silentSource(func(context.Context) (string, error) {
		if asked.Add(1) == 1 {
			return "old", nil
		}
		return good, nil
	}))
	convert(t, client, dingtalktest.ChatID)
	wantRequests(t, server.Emulator, 2, 0)
}

func TestSourceThatFails(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	own := errors.New("vault is sealed")
	client := newClient(t, server.URL, &listSource{tokens: []string{""}, err: own})
	e := refused(t, client, dingtalk.ErrUnauthenticated)
	if !errors.Is(e, own) || !e.Local || e.TokenEndpoint || e.Op != convertOp.ID || !strings.Contains(e.Error(), "the token source failed") {
		t.Errorf("%+v", e)
	}
	token, err := client.Token(within(t))
	if e := asError(t, token, err, own); e.Op != tokenOp.ID {
		t.Errorf("%+v", e)
	}

	// The error of another client's token is kept.
	server.FailNext(dingtalktest.Code(generated.CodeInvalidClientIDOrSecret).For(tokenOp))
	client = newClient(t, server.URL, newClient(t, server.URL, appCredentials))
	if e := refused(t, client, dingtalk.ErrUnauthenticated); e.Code != generated.CodeInvalidClientIDOrSecret || !e.TokenEndpoint {
		t.Errorf("%+v", e)
	}

	// A source gets the caller's context.
	client = newClient(t, server.URL, silentSource(func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "", own
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
	_ = asError(t, id, err, context.DeadlineExceeded)
	wantRequests(t, server.Emulator, 0, 1)
}

func TestRenewalInTheBackground(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	g := newGateway(t, true, nil, dingtalktest.WithClock(clock.Now))
	client := newClient(t, g.URL, appCredentials, clock.option())
	go func() { g.wait(t); g.release(t) }()
	convert(t, client, "any")
	for range 3 {
		clock.Move(6600 * time.Second)
		together(20, func() { convert(t, client, "any") }) // none of them waits for the token call
		g.wait(t)
		g.release(t)
		eventually(t, "the renewal has ended", func() bool { return client.TokenWaiters() == -1 })
	}
	wantRequests(t, g.Emulator, 61, 4)
}

// Callers wait for a renewal in flight when the old token ends.
func TestRenewalThatOutlastsTheToken(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	g := newGateway(t, true, nil)
	client := newClient(t, g.URL, appCredentials, clock.option())
	go func() { g.wait(t); g.release(t) }()
	convert(t, client, "any")
	clock.Move(7000 * time.Second)
	convert(t, client, "any")
	g.wait(t)
	clock.Move(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	id, err := client.OpenConversationID(ctx, "any")
	_ = asError(t, id, err, context.DeadlineExceeded)
	go func() {
		eventually(t, "a caller waits", func() bool { return client.TokenWaiters() == 2 })
		g.release(t)
	}()
	convert(t, client, "any")
	wantRequests(t, g.Emulator, 3, 2)
}

// hookedContext runs a hook when it is asked whether it has ended.
type hookedContext struct {
	context.Context
	hook func()
}

func (c hookedContext) Err() error {
	c.hook()
	return c.Context.Err()
}

// A caller without a token, overtaken by another before it fetches one, uses the other's token.
func TestTokenThatAnotherGotMeanwhile(t *testing.T) {
	t.Parallel()
	client, server := newEmulated(t)
	var first string
	overtake := sync.OnceFunc(func() {
		var err error
		if first, err = client.Token(within(t)); err != nil {
			t.Error(err)
		}
	})
	token, err := client.Token(hookedContext{within(t), overtake})
	if token == "" || token != first || err != nil {
		t.Errorf("%q, %v; the other got %q", token, err, first)
	}
	wantRequests(t, server.Emulator, 0, 1)
}
