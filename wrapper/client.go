package dingtalk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Version is the version of this SDK, as its User-Agent says it.
const Version = "0.1.0"

// maxChatIDBytes is far above every sample (36 bytes) and far below what a gateway refuses as a path.
const maxChatIDBytes = 256

// Client converts chat ids. Make one with [NewClient] and share it: it holds the token cache, the connections and
// the retry budget. All methods may be called from many goroutines.
type Client struct {
	tokens    tokens
	transport *transport
	retry     Retry
	gate      *gate
	limiter   Limiter   // nil: calls are not paced
	bulkPace  *bulkPace // that of runs over many chats, without a limiter
	cache     Cache     // nil: conversions are not kept
	budget    Budget    // nil: requests are not counted
	clock     clock
	log       logger
}

// NewClient makes a client for an app's credentials: [AppCredentials], a [StaticToken], or any [TokenSource].
//
// Nothing is sent yet. It fails if a credential is empty or could not be sent in a header, or if an option is wrong:
// a base URL must use HTTPS unless its host is a loopback address.
func NewClient(creds Credentials, opts ...Option) (*Client, error) {
	cfg := defaults()
	for _, opt := range opts {
		if err := opt(&cfg); err != nil {
			return nil, fmt.Errorf("dingtalk: %w", err)
		}
	}
	transport, err := newTransport(cfg)
	if err != nil {
		return nil, fmt.Errorf("dingtalk: %w", err)
	}
	c := &Client{
		transport: transport,
		retry:     cfg.retry,
		gate:      newGate(cfg.retry, cfg.clock),
		limiter:   cfg.limiter,
		bulkPace:  new(bulkPace),
		cache:     cfg.cache,
		budget:    cfg.budget,
		clock:     cfg.clock,
		log:       cfg.logger,
	}
	if c.tokens, err = c.newTokens(creds, cfg.shareTokens); err != nil {
		return nil, fmt.Errorf("dingtalk: %w", err)
	}
	return c, nil
}

// OpenConversationID returns the openConversationId of the group chat that has this chatId.
//
// The app must be an internal app with the permission qyapi_chat_read. Each call that reaches the service counts
// towards the organisation's monthly quota (5,000 on the standard edition) and the app's limit of 20 calls a second.
// The call changes nothing, so it is safe to repeat, and is repeated as [Retry] says.
//
// An error is always an *[Error]. [ErrInvalidChatID] and [ErrOwnerNotVisible] are about this chat alone;
// [ErrUnavailable], [ErrUnexpectedResponse] and [ErrRejected] may be; every other kind would meet other chats as well.
// The result is never empty without an error.
//
// See https://help.dingtalk.io/open/development/obtain-group-openconversationid.
func (c *Client) OpenConversationID(ctx context.Context, chatID string) (string, error) {
	return c.convert(ctx, chatID, c.limiter, 0)
}

// convert is OpenConversationID at the pace of a limiter, with so many repeats more after throttles.
func (c *Client) convert(ctx context.Context, chatID string, limiter Limiter, throttles int) (string, error) {
	if err := CheckChatID(chatID); err != nil {
		return "", err
	}
	if id, ok := c.cached(ctx, chatID); ok {
		return id, nil
	}
	op := operation{
		id: generated.OperationChatIDToOpenConversationID.ID,
		send: func(ctx context.Context, api *generated.Client) (*http.Response, error) {
			return api.ChatIDToOpenConversationID(ctx, chatID)
		},
		result: converted,

		limiter:   limiter,
		throttles: throttles,
	}
	if err := c.call(ctx, &op); err != nil {
		return "", err
	}
	c.store(ctx, chatID, op.text)
	return op.text, nil
}

// The body of a success, as encoding/json writes it, is convertedStart, an id and convertedEnd.
const convertedEnd = `"}`

var convertedStart = func() []byte {
	empty, _ := json.Marshal(generated.ChatIDToOpenConversationIDResponseBody{}) // which a struct of strings cannot fail
	return bytes.TrimSuffix(empty, []byte(convertedEnd))
}()

// converted takes the id from the body of a success. encoding/json decides what a body says, but one that it would
// write itself, with an id that needs no escapes, leaves nothing to decide: that saves five allocations of a call.
func converted(body []byte) (id string, ok bool) {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
	if rest, ok := bytes.CutPrefix(body, convertedStart); ok {
		if id, ok := bytes.CutSuffix(rest, []byte(convertedEnd)); ok && len(id) > 0 && len(bytes.Trim(id, plain)) == 0 {
			return string(id), true
		}
	}
	var out generated.ChatIDToOpenConversationIDResponseBody
	err := json.Unmarshal(body, &out)
	return out.OpenConversationID, err == nil && out.OpenConversationID != ""
}

// Token returns the access token that the client's next call would send, for calls to other DingTalk APIs with the
// same credentials. It is fetched only if none is cached.
func (c *Client) Token(ctx context.Context) (string, error) {
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return "", tokenError(ctx, generated.OperationGetAccessToken.ID, err)
	}
	return token, nil
}

// CloseIdleConnections closes connections that no call uses, where the transport can. Clients that were made without
// [WithHTTPClient] share theirs.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport.roundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// String describes the client without its secrets, also where fmt meets a copy of it.
func (c Client) String() string { return "dingtalk.Client(" + c.transport.plain.Server.String() + ")" }

// GoString is [Client.String]: %#v would otherwise print the credentials.
func (c Client) GoString() string { return c.String() }

// CheckChatID refuses what cannot be a chat id, as [Client.OpenConversationID] does before a call is spent on it: an
// empty id, one that would change the request's path, one of over 256 bytes, what is not text, and an
// openConversationId. The error is an *[Error] with [ErrInvalidChatID]. Nothing documents a format, so any other text is
// sent, as one escaped path segment.
func CheckChatID(id string) error {
	var why string
	switch {
	case id == "":
		why = "it is empty"
	case id == "." || id == "..":
		why = "it would change the request's path"
	case len(id) > maxChatIDBytes:
		why = fmt.Sprintf("it is longer than %d bytes", maxChatIDBytes)
	case !utf8.ValidString(id):
		why = "it is not UTF-8"
	case strings.IndexFunc(id, unicode.IsControl) >= 0:
		why = "it holds a control character"
	case strings.HasPrefix(id, "cid") && strings.HasSuffix(id, "=="):
		why = "it already is an openConversationId"
	default:
		return nil
	}
	return &Error{
		Op: generated.OperationChatIDToOpenConversationID.ID, Kind: ErrInvalidChatID,
		Local: true, Message: "not sent: " + why,
	}
}
