package dingtalk

import (
	"cmp"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/breaker"
)

// Do sends a request and decodes the body of a success as T. It uses the client's token (unless the operation is
// public), limiter, circuit breaker and budget, retries as [Retry] and the operation's Repeat allow, requires HTTPS,
// and caps the body at 1 MiB.
//
// A success has the operation's status and a body with every required field, none of them empty. If the operation is
// Empty, any body is accepted unless it is an error. Whole numbers in values of type any become [json.Number], and so keep every digit.
//
// The request goes to the client's base URL, or to the operation's own server, which may differ by region. With
// [WithBaseURL], every request goes below that URL; the path of the operation's own server comes first.
//
// opts change this call alone. An error is always an *[Error]. For a request that cannot be sent, Kind is [ErrRejected]
// and Local is true.
func Do[T any](ctx context.Context, c *Client, request Request, opts ...CallOption) (T, error) {
	var value T
	err := c.do(ctx, request, checkOut(&value), &value, opts)
	if err != nil {
		value = *new(T) // of an answer that is none
	}
	return value, err
}

// Do calls an operation without a contract, with the same token, limiter, circuit breaker and budget as every call. It
// retries only if the service surely did not process the request. The parameters of path must be escaped, such as
// "/v1.0/users/" + url.PathEscape(id). It may have a query, and goes below the client's base URL. in is the body, an
// object or a list in JSON; nil sends none. Any status from 200 to 299 is a success. Its body is decoded into out, a
// pointer; nil takes any body but an error and a page of HTML or XML.
//
// A path, a method, in or out that cannot be what is meant is refused before anything is sent, with [ErrRejected].
//
// To make a call safe to repeat, to escape parameters or to require fields of the answer, use an [Operation] and a
// [Request] with the function [Do].
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	path, query, _ := strings.Cut(path, "?")
	request := NewRequest(&Operation{Method: method, Path: path, Empty: out == nil})
	values, err := url.ParseQuery(query)
	err = cmp.Or(oddIf(err != nil, "its query is not escaped"), checkIn(in), checkOut(out))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			request.AddQuery(name, value)
		}
	}
	if err == nil && in != nil {
		request.SetBody(in)
	}
	return c.do(ctx, request, err, out, opts)
}

// do makes the call of a request, unless it cannot be sent: for the reason odd, or another one.
func (c *Client) do(ctx context.Context, request Request, odd error, out any, opts []CallOption) error {
	o := request.Operation
	if o == nil {
		return c.path.unsendable(&Operation{}, errors.New("it has no operation: see NewRequest"))
	}
	op := &call{contract: o, touched: request.Touched, limiter: c.path.limiter, accept: func(_ *call, answer object, body []byte) bool {
		return decode(o, answer, body, out)
	}}
	// net/http would send some odd methods, and refuse others as late as an outage.
	known := slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, o.Method)
	method := oddIf(!known, "its method is %q: give one such as GET or POST, in capitals", o.Method)
	server, err := c.server(o)
	read := oddIf(request.Touched(), "its file was read before, and can be read once")
	if err = cmp.Or(odd, request.Err(), request.CheckPath(), read, method, apply(&op.options, opts), err); err != nil {
		return c.path.unsendable(o, err)
	}
	op.place = breaker.Place(o.ID, o.Method, o.Path)
	if server != nil {
		op.place += " " + server.Host
	}
	plain := c.path.plain
	op.send = func(ctx context.Context, c *call) (*http.Response, error) {
		api, request := *c.api, request
		if o.TokenQuery != "" {
			api.Header = plain.Header
			request.AddQuery(o.TokenQuery, c.token)
		}
		api.Server = cmp.Or(server, api.Server)
		return api.Send(ctx, request, c.options.edit)
	}
	return c.path.do(ctx, op)
}

// server returns the operation's own server, or nil for the client's.
func (c *Client) server(o *Operation) (*url.URL, error) {
	if o.Server == "" {
		return nil, nil
	}
	base := c.path.plain.Server.String()
	regional := o.Region(base)
	server, err := baseOf(cmp.Or(regional, o.Server))
	switch {
	case err != nil:
		return nil, fmt.Errorf("its server: %w", err)
	case c.path.ownHost && regional == "": // a base URL of a region has a server of that region
		return url.Parse(base + server.EscapedPath())
	}
	return server, nil
}

// checkIn refuses values whose JSON is not what their owner means: a reader becomes {}, bytes become base64, and a nil
// pointer becomes null.
func checkIn(in any) error {
	_, encodes := in.(json.Marshaler)
	_, reads := in.(io.Reader)
	raw, err := json.Marshal(in)
	odd := in != nil && (!encodes && (reads || isSealed(reflect.TypeOf(in))) || err == nil && raw[0] != '{' && raw[0] != '[')
	return oddIf(odd, "the body is a %T, which is neither an object nor a list: give its JSON as a json.RawMessage, or nil for none", in)
}

// checkOut refuses values that no answer can be decoded into. It is nil if the answer is not wanted.
func checkOut(out any) error {
	switch v := reflect.ValueOf(out); {
	case out == nil:
		return nil
	case v.Kind() != reflect.Pointer || v.IsNil():
		return fmt.Errorf("the answer cannot be decoded into a %T: give a pointer that is not nil", out)
	}
	t := reflect.TypeOf(out)
	for ; t.Kind() == reflect.Pointer; t = t.Elem() {
		if t.Implements(reflect.TypeFor[json.Unmarshaler]()) || t.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return nil
		}
	}
	// encoding/json refuses an empty value of a wrong kind, but takes text for bytes, and nothing for hidden fields.
	zero, bytes := reflect.New(t).Interface(), (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
	takes := func(sample string) bool { return json.Unmarshal([]byte(sample), zero) == nil }
	odd := bytes || isSealed(t) || !slices.ContainsFunc([]string{"{}", "[]", "0", `""`, "true"}, takes)
	return oddIf(odd, "the answer cannot be decoded into a %s: use a struct, or json.RawMessage for its JSON", t)
}

// isSealed reports whether a type is a struct whose fields JSON does not see, an interface such as io.Reader, or a pointer to one.
func isSealed(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer && !t.Implements(reflect.TypeFor[json.Marshaler]()) {
		t = t.Elem()
	}
	seen := func(f reflect.StructField) bool {
		return f.IsExported() && f.Tag.Get("json") != "-" &&
			(!f.Anonymous || f.Type.Kind() != reflect.Struct && f.Type.Kind() != reflect.Pointer)
	}
	return t.Kind() == reflect.Interface && t.NumMethod() > 0 ||
		t.Kind() == reflect.Struct && t.NumField() > 0 && !slices.ContainsFunc(reflect.VisibleFields(t), seen)
}

// Pages yields the items of a paged operation, and fetches each page when the previous one is consumed. request is the
// first page's; its operation's Paging says how the others are asked for. An error ends the sequence: that of a call, or an
// *[Error] with [ErrUnexpectedResponse] if the next page's token is missing or was used before. Every page is a call, with
// opts. A request to an operation without Paging fails with [ErrRejected].
func Pages[Item any](ctx context.Context, c *Client, request Request, opts ...CallOption) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var none Item
		request, used := request, map[string]bool{}
		if o := request.Operation; o != nil && o.Paging == nil {
			yield(none, c.path.unsendable(o, errors.New("it has no pages")))
			return
		}
		for {
			body, err := Do[json.RawMessage](ctx, c, request, opts...)
			if err != nil {
				yield(none, err)
				return
			}
			answer, items := objectOf(body), []Item(nil)
			if raw := answer.field(request.Operation.Paging.Items); answer == "" || raw != "" && !decodeJSON([]byte(raw), &items) {
				yield(none, badPage(request.Operation, "the page's items are not those of the contract"))
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			next, odd := nextPage(&request, answer, len(items), used)
			if odd != "" {
				yield(none, badPage(request.Operation, odd))
			}
			if next == "" {
				return
			}
			request = request.Page(next)
		}
	}
}

// nextPage returns the next page's token, number or offset, or "" after the last page. odd is what is wrong with it.
func nextPage(request *Request, answer object, items int, used map[string]bool) (next, odd string) {
	p := request.Operation.Paging
	more := scalar(answer.field(p.More))
	if more == "false" {
		return "", ""
	}
	if p.Count != "" {
		size, _ := strconv.Atoi(request.Sent(p.Size, p.Query))
		if items == 0 || more == "" && items < size {
			return "", ""
		}
		at, err := strconv.ParseInt(request.Sent(p.In, p.Query), 10, 64)
		switch {
		case p.Count == "offset":
			at += int64(items)
		case err != nil: // the first page was asked for without a number
			at = 2
		default:
			at++
		}
		return strconv.FormatInt(at, 10), ""
	}
	raw := answer.field(p.Out)
	next = scalar(raw)
	switch last := next == "" || raw == "0"; {
	case last && more == "":
		return "", ""
	case last:
		return "", "the page says that there is another, and not which one"
	case used[next]:
		return "", "the page's token for the next one was used before"
	}
	used[next] = true
	return next, ""
}

func badPage(o *Operation, message string) *Error {
	return &Error{Op: operationName(o), Kind: ErrUnexpectedResponse, Message: message}
}

// Operation describes an operation of the service. openconversation-gen writes one for each operation of a contract.
// The zero Repeat is the careful one, [RepeatUnsent].
type Operation = generated.Operation

// Request holds the parameters and the body of a request to an operation. A parameter's value cannot change the path or
// another parameter. A value that cannot be sent makes the call fail before anything is sent.
type Request = generated.Request

// When a request may be repeated, apart from a replay after a token refresh: see [Operation].
const (
	RepeatUnsent = generated.RepeatUnsent
	RepeatSafe   = generated.RepeatSafe
)

// NewRequest starts a request without parameters. The operation must not change afterwards.
func NewRequest(operation *Operation) Request { return generated.NewRequest(operation) }
