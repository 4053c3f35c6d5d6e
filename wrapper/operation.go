package dingtalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Do sends a request as every call of the client is sent, and returns the body of a success as T: with the client's token
// unless the operation is public, at the pace of its limiter, within its budget and circuit breaker, repeated as [Retry] and
// the operation's Repeat say, over HTTPS, up to the cap on a body.
//
// A success has the operation's status, and a body with its required fields, none of them empty; of an operation that is Empty
// the body is not looked at, unless it says that it is an error. Whole numbers in values of type any are [json.Number], so
// that none is rounded.
//
// The request goes below the client's base URL, or to the operation's own server, which may be another in each region. A
// client that was made with [WithBaseURL] sends everything below that URL, the path of the operation's server first.
//
// An error is always an *[Error]. Its Kind is [ErrRejected] and Local is true for a request that cannot be sent.
func Do[T any](ctx context.Context, c *Client, request Request) (T, error) {
	op, err := c.operation(request)
	if err != nil {
		var none T
		return none, err
	}
	o := operation[T]{call: *op, decode: func(body []byte) (T, bool) { return decode[T](request.Operation, body) }}
	return do(ctx, c.path, &o)
}

// Do calls an operation that has no contract, with the same safety as every call of the client. It is never repeated, unless it
// surely was not processed. path is escaped, such as "/v1.0/users/" + url.PathEscape(id), and may have a query; it goes below
// the client's base URL. in is the body, as JSON; nil sends none. The body of a success, which is any status from 200 to 299, is
// decoded into out, a pointer; nil drops it.
//
// To let a call be repeated, to have the parameters escaped, or to require fields of the answer, make an [Operation] and a
// [Request] for the function of this name.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	path, query, _ := strings.Cut(path, "?")
	request := NewRequest(&Operation{ID: method + " " + path, Method: method, Path: path, Empty: out == nil})
	if err := addQuery(&request, query); err != nil {
		return unsendable(request.Operation, err)
	}
	if in != nil {
		request.SetBody(in)
	}
	op, err := c.operation(request)
	if err != nil {
		return err
	}
	o := operation[struct{}]{call: *op, decode: func(body []byte) (none struct{}, ok bool) {
		return none, decodeInto(request.Operation, body, out)
	}}
	_, err = do(ctx, c.path, &o)
	return err
}

func addQuery(request *Request, query string) error {
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			return errors.New("its query is not escaped")
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return errors.New("its query is not escaped")
		}
		request.AddQuery(plain, value)
	}
	return nil
}

// operation is the call of a request.
func (c *Client) operation(request Request) (*call, error) {
	o := request.Operation
	if o == nil {
		return nil, unsendable(&Operation{}, errors.New("it has no operation: see NewRequest"))
	}
	if err := request.Err(); err != nil {
		return nil, unsendable(o, err)
	}
	if err := request.CheckPath(); err != nil {
		return nil, unsendable(o, err)
	}
	server, err := c.server(o)
	if err != nil {
		return nil, unsendable(o, err)
	}
	plain := c.path.apis.plain
	op := &call{
		subject: subject{op: operationName(o)}, contract: o, steps: callSteps, limiter: c.limiter,
		send: func(ctx context.Context, c *call) (*http.Response, error) {
			api, request := c.api, request
			if o.TokenQuery != "" {
				api = plain
				request.AddQuery(o.TokenQuery, c.token)
			}
			if server != nil {
				own := *api
				own.Server, api = server, &own
			}
			return api.Send(ctx, request)
		},
	}
	if o.Public {
		op.steps = publicSteps
	}
	return op, nil
}

// server is where an operation goes that has a server of its own; nil is the client's.
func (c *Client) server(o *Operation) (*url.URL, error) {
	if o.Server == "" {
		return nil, nil
	}
	base := c.path.apis.plain.Server.String()
	regional := o.Regions[base]
	own := config{}
	if err := WithBaseURL(cmp.Or(regional, o.Server))(&own); err != nil {
		return nil, fmt.Errorf("its server: %w", err)
	}
	server, err := url.Parse(own.baseURL)
	if err != nil || !c.ownHost || regional != "" { // the base URL of a region is that region
		return server, err
	}
	return url.Parse(base + server.EscapedPath())
}

func operationName(o *Operation) string { return cmp.Or(o.ID, o.Method+" "+o.Path) }

func unsendable(o *Operation, err error) *Error {
	return &Error{Op: operationName(o), Kind: ErrRejected, Local: true, Message: "not sent: " + err.Error()}
}
