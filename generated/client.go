package generated

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// RequestEditorFn changes a request before it is sent.
type RequestEditorFn func(ctx context.Context, req *http.Request) error

// HTTPRequestDoer sends requests, as *http.Client does.
type HTTPRequestDoer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Client sends the requests of the contract, without time limits, checks of answers or retries.
type Client struct {
	// Server is the base URL, such as ServerURLInternational. Its path has no slash at the end.
	Server *url.URL
	// Client sends the requests.
	Client HTTPRequestDoer
	// Header, if set, is part of every request. Requests share its values, and those without a body, own headers or editors
	// this map: nothing may change them, neither Client nor its transport. An editor may set other values.
	Header http.Header
}

// NewClient makes a client for a base URL. With nil it sends through http.DefaultClient.
func NewClient(server string, doer HTTPRequestDoer) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil {
		return nil, err
	}
	if doer == nil {
		doer = http.DefaultClient
	}
	return &Client{Server: base, Client: doer}, nil
}

// Send sends a request to the client's server, after the editors have changed it.
func (c *Client) Send(ctx context.Context, r Request, editors ...RequestEditorFn) (*http.Response, error) {
	return c.send(ctx, &r, editors)
}

func (c *Client) send(ctx context.Context, r *Request, editors []RequestEditorFn) (*http.Response, error) {
	if r.err != nil {
		return nil, r.err
	}
	var err error
	target, header, body := *c.Server, c.Header, r.json
	target.Path = target.EscapedPath() + r.path
	if r.rest != nil || target.RawPath != "" || strings.Contains(target.Path, "%") { // else net/url would write the same
		target.RawPath = target.Path
		if target.Path, err = url.PathUnescape(target.RawPath); err != nil {
			return nil, err
		}
	}
	if header == nil || body != nil || r.rest != nil || len(editors) > 0 {
		if header = maps.Clone(header); header == nil {
			header = http.Header{}
		}
	}
	// http.NewRequest would parse the URL again, and allocate another header.
	req := (&http.Request{
		Method: r.Operation.Method, URL: &target, Host: target.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if body != nil {
		header["Content-Type"] = []string{"application/json"}
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
	}
	if r.rest != nil {
		if err = r.rest.attach(r.Operation, r.path, r.params, req); err != nil {
			return nil, err
		}
	}
	for _, edit := range editors {
		if err = edit(ctx, req); err != nil {
			return nil, err
		}
	}
	return c.Client.Do(req)
}
