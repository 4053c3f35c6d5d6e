package dingtalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// Do sends a request and decodes the body of a success as T. It uses the client's token (unless the operation is
// public), limiter, circuit breaker and budget, retries as [Retry] and the operation's Repeat allow, requires HTTPS,
// and caps the body at 1 MiB.
//
// A success has the operation's status and a body with every required field, none of them empty. If the operation is
// Empty, any body is accepted unless it is an error. Whole numbers in values of type any become [json.Number], and so
// keep every digit.
//
// The request goes to the client's base URL, or to the operation's own server, which may differ by region. With
// [WithBaseURL], every request goes below that URL; the path of the operation's own server comes first.
//
// opts change this call alone. An error is always an *[Error]. For a request that cannot be sent, Kind is [ErrRejected]
// and Local is true.
func Do[T any](ctx context.Context, c *Client, request Request, opts ...CallOption) (T, error) {
	op, err := c.operation(request, opts)
	if err != nil {
		var none T
		return none, err
	}
	if err := checkType(reflect.TypeFor[T]()); err != nil {
		var none T
		return none, unsendable(request.Operation, err)
	}
	o := operation[T]{call: *op, decode: func(_ *call, body []byte) (T, bool) { return decode[T](request.Operation, body) }}
	return do(ctx, c.path, &o)
}

// Do calls an operation without a contract, with the same token, limiter, circuit breaker and budget as every call. It
// retries only if the service surely did not process the request. The parameters of path must be escaped, such as
// "/v1.0/users/" + url.PathEscape(id). It may have a query, and goes below the client's base URL. in is the body, an
// object or a list in JSON; nil sends none. Any status from 200 to 299 is a success. Its body is decoded into out, a
// pointer; nil takes any body but an error and a web page.
//
// A path, a method, in or out that cannot be what is meant is refused before anything is sent, with [ErrRejected].
//
// To make a call safe to repeat, to escape parameters or to require fields of the answer, use an [Operation] and a
// [Request] with the function [Do].
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	path, query, _ := strings.Cut(path, "?")
	request := NewRequest(&Operation{Method: method, Path: path, Empty: out == nil})
	err := cmp.Or(addQuery(&request, query), checkIn(in), checkOut(out))
	if err != nil {
		return unsendable(request.Operation, err)
	}
	if in != nil {
		request.SetBody(in)
	}
	op, err := c.operation(request, opts)
	if err != nil {
		return err
	}
	o := operation[struct{}]{call: *op, decode: func(_ *call, body []byte) (none struct{}, ok bool) {
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

// operation makes the call of a request.
func (c *Client) operation(request Request, opts []CallOption) (*call, error) {
	o := request.Operation
	if o == nil {
		return nil, unsendable(&Operation{}, errors.New("it has no operation: see NewRequest"))
	}
	var options callOptions
	err := cmp.Or(request.Err(), request.CheckPath(), checkMethod(o.Method), apply(&options, opts))
	if err != nil {
		return nil, unsendable(o, err)
	}
	server, err := c.server(o)
	if err != nil {
		return nil, unsendable(o, err)
	}
	plain := c.path.apis.plain
	op := &call{
		subject: subject{op: operationName(o)}, contract: o, steps: callSteps, limiter: c.limiter, options: options,
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
			if c.options.header != nil {
				return api.Send(ctx, request, c.options.edit)
			}
			return api.Send(ctx, request)
		},
	}
	if request.Streamed() {
		op.touched, op.finish = request.Touched, request.Finish
	}
	if o.Public {
		op.steps = publicSteps
	}
	if server != nil {
		op.host = server.Host
	}
	return op, nil
}

// server returns the operation's own server, or nil for the client's.
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
	if err != nil || !c.ownHost || regional != "" { // a base URL of a region has a server of that region
		return server, err
	}
	return url.Parse(base + server.EscapedPath())
}

func operationName(o *Operation) string { return cmp.Or(o.ID, o.Method+" "+o.Path) }

func unsendable(o *Operation, err error) *Error {
	return &Error{Op: operationName(o), Kind: ErrRejected, Local: true, Message: "not sent: " + err.Error()}
}
