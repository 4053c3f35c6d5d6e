package generated

import (
	"bytes"
	"context"
	"io"
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
	// Header, if set, is part of every request. Requests without a body, own headers or editors share this map: nothing may
	// change it, neither Client nor its transport.
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
	if err := r.Err(); err != nil {
		return nil, err
	}
	target, err := r.URL(c.Server)
	if err != nil {
		return nil, err
	}
	// http.NewRequest would parse the URL again, and allocate another header.
	req := (&http.Request{
		Method: r.Operation.Method, URL: target, Host: target.Host, Header: c.Header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if req.Header == nil {
		req.Header = http.Header{}
	} else if r.json != nil || r.form != nil || len(r.params)+len(editors) > 0 {
		req.Header = req.Header.Clone()
	}
	for _, p := range r.params {
		if p.in == "header" {
			req.Header.Set(p.name, p.value)
		}
	}
	switch {
	case r.form != nil:
		r.form.attach(req)
	case r.json != nil:
		attach(req, r.json)
	}
	for _, edit := range editors {
		if err := edit(ctx, req); err != nil {
			return nil, err
		}
	}
	return c.Client.Do(req)
}

func attach(req *http.Request, body []byte) {
	req.Header.Set("Content-Type", "application/json")
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
}
