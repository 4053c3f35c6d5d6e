package dingtalk_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// listSource returns tokens in order, the next one after a rejection, the last one for ever.
type listSource struct {
	err      error
	tokens   []string
	rejected []string
}

func (s *listSource) Token(context.Context) (string, error) { return s.tokens[0], s.err }

func (s *listSource) RejectToken(_ context.Context, token string) {
	s.rejected = append(s.rejected, token)
	if len(s.tokens) > 1 && s.tokens[0] == token {
		s.tokens = s.tokens[1:]
	}
}

// testSourceTokenRejected: the source is told, if it wants to know, and asked once more.
func testSourceTokenRejected(t *testing.T) {
	server := dingtalktest.NewServer(t)
	source := &listSource{tokens: []string{"old", server.IssueToken()}}
	client := newClient(t, server.URL, source)
	convert(t, client, dingtalktest.ChatID)
	convert(t, client, dingtalktest.ChatID)
	errorIf(t, !slices.Equal(source.rejected, []string{"old"}), "rejected: %q", source.rejected)
	asked, tokens := 0, []string{"old", server.IssueToken()}
	convert(t, newClient(t, server.URL, dingtalk.TokenSourceFunc(func(context.Context) (string, error) {
		asked++
		return tokens[asked-1], nil
	})), dingtalktest.ChatID)
	e := refused(t, newClient(t, server.URL, &listSource{tokens: []string{"not-a-token"}}), dingtalk.ErrUnauthenticated)
	errorIf(t, e.Code != generated.CodeInvalidAuthentication || e.Attempts != 1 || e.TokenEndpoint, "%+v", e)
	wantRequests(t, server.Emulator, 6, 0)
}

// testSourceFails: a source that has no token, or none that a header can carry, costs no request.
func testSourceFails(t *testing.T) {
	own := errors.New("vault is sealed")
	for token, err := range map[string]error{"": own, "\x00": nil, "tokenOfWorth\r\nx-in: 1": nil, "OfWorth你好": nil, "OfWorth ": nil} {
		server := dingtalktest.NewServer(t)
		client := newClient(t, server.URL, &listSource{tokens: []string{token}, err: err})
		e := refused(t, client, map[bool]error{true: dingtalk.ErrUnauthenticated, false: dingtalk.ErrUnavailable}[err == nil])
		named := strings.Contains(e.Error(), "the token source failed") && !strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), "OfWorth")
		errorIf(t, err != nil && !errors.Is(e, err) || !e.Local || e.TokenEndpoint || !named, "%q: %#v", token, e)
		got, err := client.Token(within(t))
		errorIf(t, asError(t, got, err, e.Kind).Op != tokenOp.ID, "%+v", err)
		wantRequests(t, server.Emulator, 0, 0)
	}
	// The error of another client's token is kept, and a source gets the caller's context.
	client, server := newEmulated(t)
	server.FailNext(dingtalktest.Code(generated.CodeInvalidClientIDOrSecret).For(tokenOp))
	e := refused(t, newClient(t, server.URL, client), dingtalk.ErrUnauthenticated)
	errorIf(t, e.Code != generated.CodeInvalidClientIDOrSecret || !e.TokenEndpoint, "%+v", e)
	client = newClient(t, server.URL, dingtalk.TokenSourceFunc(func(ctx context.Context) (string, error) { <-ctx.Done(); return "", own }))
	ctx, cancel := context.WithTimeout(t.Context(), ms)
	defer cancel()
	id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
	_ = asError(t, id, err, context.DeadlineExceeded)
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	server := dingtalktest.NewServer(t)
	token := server.IssueToken()
	for _, creds := range []dingtalk.Credentials{
		appCredentials, &appCredentials, dingtalk.StaticToken(token), &listSource{tokens: []string{token}}, newClient(t, server.URL, appCredentials),
	} {
		client := newClient(t, server.URL, creds)
		convert(t, client, dingtalktest.ChatID)
		got, err := client.Token(within(t))
		errorIf(t, got != token || err != nil, "%T: Token() = %q, %v", creds, got, err)
	}
}

// Invalid credentials are refused before any request, with an error that does not repeat them.
func TestOddCredentialsAreNamed(t *testing.T) {
	t.Parallel()
	const secret, token = "secretOfWorth", "tokenOfWorth"
	app := func(key, secret string) dingtalk.AppCredentials {
		return dingtalk.AppCredentials{AppKey: key, AppSecret: secret}
	}
	quoted := app("key", `"`+secret+`"`)
	for _, test := range []struct {
		creds dingtalk.Credentials
		says  string
	}{
		{nil, "nil"}, {(*dingtalk.AppCredentials)(nil), "nil"}, {(*dingtalk.Client)(nil), "nil"},
		{app("", secret), "AppKey: it is empty"}, {app("key", ""), "AppSecret: it is empty"}, {app("\ufeffkey", secret), "byte-order mark"},
		{app(" key", secret), "AppKey: it begins with white space"}, {app("key\u3000", secret), "AppKey: it ends with white space"},
		{app("key", secret+"\n"), "AppSecret: it ends with a line break"}, {app("key", secret+"\r\n"), "it ends with a line break"},
		{&quoted, "AppSecret: it begins or ends with a quotation mark"}, {app("key", "「"+secret+"」"), "quotation mark"},
		{app("key", "secret\u200bOfWorth"), "U+200B"}, {app("key", secret+"\u200e"), "U+200E"}, {app("key", "secret OfWorth"), "U+0020"},
		{app("key", "\x00"+secret), "U+0000"}, {app("key", secret+"\xff"), "UTF-8"},
		{dingtalk.StaticToken("“" + token + "”"), "StaticToken: it begins or ends with a quotation mark"},
		{dingtalk.StaticToken(""), "StaticToken"}, {dingtalk.StaticToken(token + "\r\nx-injected: 1"), "StaticToken"},
		{dingtalk.StaticToken("tokenOf\tWorth"), "StaticToken"}, {dingtalk.StaticToken(token + "你好"), "StaticToken"},
	} {
		client, err := dingtalk.NewClient(test.creds)
		said := fmt.Sprint(err)
		errorIf(t, client != nil || !strings.Contains(said, test.says) || strings.Contains(said, "OfWorth"), "%s; want %q", said, test.says)
	}
	for _, secret := range []string{"GT-lsu-taDAxxxsTsxxxx", `a"b\c<d>&e`} {
		_, err := dingtalk.NewClient(app("dingeqqpkv3xxxxxx", secret))
		errorIf(t, err != nil, "%v", err)
	}
}

// testLifetimes: what the service may say of a token's lifetime, when the token is renewed in the background, and when a
// call waits for another.
func testLifetimes(t *testing.T) {
	const day = 24 * 60 * 60
	for expireIn, test := range map[string]struct{ renews, ends int }{ // seconds
		`0`: {0, 5}, `-1`: {0, 5}, `-9223372036854775808`: {0, 5}, `null`: {0, 5}, `"0"`: {0, 5}, `""`: {0, 5}, `"soon"`: {0, 5},
		`"NaN"`: {0, 5}, `true`: {0, 5}, `[7200]`: {0, 5}, `{"seconds":7200}`: {0, 5}, `0.001`: {0, 5}, `60`: {48, 60},
		`7200`: {6600, 7200}, `"7200"`: {6600, 7200}, `7200.0`: {6600, 7200}, `7.2e3`: {6600, 7200},
		`90000`: {day - 600, day}, `9223372036854775807`: {day - 600, day}, `1e300`: {day - 600, day}, `"1e999"`: {day - 600, day},
	} {
		t.Run(expireIn, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, emulator := newVirtual(t)
				body := `{"accessToken":"` + emulator.IssueToken() + `","expireIn":` + expireIn + `}`
				emulator.FailNext(dingtalktest.Raw(200, "application/json", []byte(body)).Always().For(tokenOp))
				begun := time.Now() // the token call's own second counts
				token := func(at, tokens int, waits bool) {
					t.Helper()
					time.Sleep(time.Until(begun.Add(time.Duration(at) * sec)))
					asked := time.Now()
					_, err := client.Token(t.Context())
					waited := time.Since(asked) > 0
					time.Sleep(2 * sec) // for a renewal
					errorIf(t, err != nil || emulator.Count(tokenOp) != tokens || waited != waits,
						"after %d s: %d token calls, waited: %t; want %d, %t: %v", at, emulator.Count(tokenOp), waited, tokens, waits, err)
				}
				token(0, 1, true)
				change := cmp.Or(test.renews, test.ends)
				token(change-3, 1, false)
				token(change, 2, test.renews == 0)
				time.Sleep(time.Duration(test.ends) * sec)
				token(0, 3, true)
			})
		})
	}
}

// sharedMap is a store for the clients of one process.
type sharedMap struct {
	mu     sync.Mutex
	tokens map[string]dingtalk.Token
}

func (m *sharedMap) Token(ctx context.Context, key string, fetch func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token, ok := m.tokens[key]; ok {
		return token, nil
	}
	token, err := fetch(ctx)
	if err == nil {
		m.tokens[key] = token
	}
	return token, err
}

func (m *sharedMap) Drop(_ context.Context, key, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tokens[key].Value == token {
		delete(m.tokens, key)
	}
	return nil
}

// badStore gives another bad token each time.
type badStore struct{ given int }

func (s *badStore) Token(context.Context, string, func(context.Context) (dingtalk.Token, error)) (dingtalk.Token, error) {
	s.given++
	return dingtalk.Token{Value: fmt.Sprint("bad", s.given), Lifetime: time.Hour}, nil
}
func (s *badStore) Drop(context.Context, string, string) error { return nil }

// Clients of one app share a token through a store; what a store may do wrong is for the tests of package tokens.
func TestTokenStore(t *testing.T) {
	t.Parallel()
	store := &sharedMap{tokens: map[string]dingtalk.Token{}}
	server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	var clients []*dingtalk.Client
	for range 4 {
		clients = append(clients, newClient(t, server.URL, appCredentials, dingtalk.WithTokenStore(store)))
	}
	all := func() {
		var n atomic.Int64
		together(16, func() { convert(t, clients[n.Add(1)%4], "any") })
	}
	all()
	wantRequests(t, server.Emulator, 16, 1)
	for key := range store.tokens {
		errorIf(t, strings.Contains(key, appCredentials.AppSecret) || !strings.Contains(key, server.URL) ||
			!strings.Contains(key, appCredentials.AppKey), "the key is %q", key)
	}
	server.RejectTokens()
	all()
	errorIf(t, server.Count(tokenOp) != 2, "%d token calls after one rejection, want 2", server.Count(tokenOp))
	for _, base := range []string{serve(t, server.ServeHTTP), server.URL} { // another host, app or secret has another key
		for _, creds := range []dingtalk.AppCredentials{{AppKey: "a", AppSecret: "s"}, {AppKey: "b", AppSecret: "s"}, {AppKey: "a", AppSecret: "t"}} {
			server.FailNext(dingtalktest.Raw(200, "", []byte(`{"accessToken":"t","expireIn":7200}`)).For(tokenOp))
			_, _ = newClient(t, base, creds, dingtalk.WithTokenStore(store), oneAttempt).Token(within(t))
		}
	}
	errorIf(t, len(store.tokens) != 1+6, "%d keys for 7 apps: %v", len(store.tokens), store.tokens)
	_, err := dingtalk.NewClient(dingtalk.StaticToken("t"), dingtalk.WithTokenStore(store))
	_, none := dingtalk.NewClient(dingtalk.StaticToken("t"), dingtalk.WithTokenStore(nil))
	errorIf(t, err == nil || none != nil, "a static token needs no store: %v, %v", err, none)
	other, _ := newEmulated(t) // which a store calls with its context
	convert(t, newClient(t, server.URL, appCredentials, dingtalk.WithTokenStore(&part{does: func(ctx context.Context) {
		_, err := other.OpenConversationID(ctx, "any")
		errorIf(t, err != nil, "not with its own token: %v", err)
	}})), dingtalktest.ChatID)
	bad := &badStore{} // costs a call two replays at most, and gives way to the service's token
	client := newClient(t, server.URL, appCredentials, dingtalk.WithTokenStore(bad))
	before := server.Count(convertOp)
	for range 3 {
		convert(t, client, dingtalktest.ChatID)
	}
	errorIf(t, server.Count(convertOp)-before != 5, "%d requests of 3 calls", server.Count(convertOp)-before)
}
