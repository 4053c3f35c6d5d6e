package dingtalktest

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"math"
	"mime"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// tokens are the access tokens that have been issued, at most one of each app.
type tokens struct {
	mu     sync.Mutex
	byApp  map[string]*grant
	owners map[string]*grant // by token
}

type grant struct {
	app      string
	token    string
	expires  time.Time
	rejected bool
}

func newTokens() *tokens {
	return &tokens{byApp: map[string]*grant{}, owners: map[string]*grant{}}
}

// issue returns an app's token: the same while it is valid, and then valid for a whole lifetime from now; else a new
// one.
func (t *tokens) issue(app string, s *settings, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.byApp[app]
	if g == nil || !now.Before(g.expires) || g.rejected && !s.stickyToken {
		if g != nil {
			delete(t.owners, g.token)
		}
		g = &grant{app: app, token: newToken()}
		t.byApp[app], t.owners[g.token] = g, g
	}
	g.expires = now.Add(s.tokenLifetime)
	return g.token
}

// check says whether a token is valid, and whose it is.
func (t *tokens) check(token string, now time.Time) (app string, valid bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.owners[token]
	if g == nil || g.rejected || !now.Before(g.expires) {
		return "", false
	}
	return g.app, true
}

// reject makes a token invalid before its time.
func (t *tokens) reject(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.owners[token]
	if g != nil {
		g.rejected = true
	}
	return g != nil
}

// forget makes every token unknown.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byApp, t.owners = map[string]*grant{}, map[string]*grant{}
}

// RejectTokens makes every token issued so far invalid before its time. The next token call issues a new one, unless
// [WithStickyToken] is set.
func (e *Emulator) RejectTokens() {
	e.tokens.all(func(g *grant) { g.rejected = true })
}

// RejectToken does that to one token, and says whether it was one of the last that an app was given.
func (e *Emulator) RejectToken(token string) bool { return e.tokens.reject(token) }

// ExpireTokens ends the time of every token issued so far. The next token call issues a new one.
func (e *Emulator) ExpireTokens() {
	e.tokens.all(func(g *grant) { g.expires = time.Time{} })
}

func (t *tokens) all(change func(*grant)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.byApp {
		change(g)
	}
}

// IssueToken returns a token of the first app, as the token call would, without a request: for clients that are given
// a token instead of credentials.
func (e *Emulator) IssueToken() string {
	s := e.settings.Load()
	return e.tokens.issue(s.firstApp, s, e.now(s))
}

// Credentials are those of the first app.
func (e *Emulator) Credentials() (appKey, appSecret string) {
	s := e.settings.Load()
	return s.firstApp, s.apps[s.firstApp]
}

// newToken makes up a token in the usual form of 32 hexadecimal digits.
func newToken() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // It never fails.
	return hex.EncodeToString(raw[:])
}

// issueToken answers getAccessToken.
func (e *Emulator) issueToken(c *call) answer {
	var credentials generated.GetAccessTokenRequest
	body, err := readBody(c.request)
	switch {
	case err != nil:
		return refusal(generated.CodeInvalidBody)
	case len(body) == 0 || !isJSON(c.request.Header.Get("Content-Type")):
		return refusal(generated.CodeMissingBody)
	case len(body) > bodyLimit || json.Unmarshal(body, &credentials) != nil:
		return refusal(generated.CodeInvalidBody)
	case credentials.AppKey == "":
		return refusal(generated.CodeMissingAppKey)
	case credentials.AppSecret == "":
		return refusal(generated.CodeMissingAppSecret)
	}
	secret, known := c.settings.apps[credentials.AppKey]
	if !known || subtle.ConstantTimeCompare([]byte(secret), []byte(credentials.AppSecret)) != 1 {
		return refusal(generated.CodeInvalidClientIDOrSecret)
	}
	return success(generated.GetAccessTokenResponseBody{
		AccessToken: e.tokens.issue(credentials.AppKey, c.settings, c.now),
		ExpireIn:    c.settings.claimedLifetime(),
	})
}

// isJSON says whether a request's content type is JSON. What the service does without a content type is not known; the
// emulator takes the body for JSON then.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"))
}

// claimedLifetime is what token answers say in expireIn.
func (s *settings) claimedLifetime() int32 {
	if s.expireIn != nil {
		return *s.expireIn
	}
	return int32(min(max(int64(s.tokenLifetime/time.Second), math.MinInt32), math.MaxInt32))
}
