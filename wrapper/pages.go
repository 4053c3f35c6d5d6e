package dingtalk

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// Pages yields the items of a paged operation, and fetches each page when the previous one is consumed. request is the
// first page's; its operation's Paging says how the others are asked for. An error ends the sequence: that of a call, or an
// *[Error] with [ErrUnexpectedResponse] if the next page's token is missing or was used before. Every page is a call, with
// opts.
//
// Packages made by openconversation-gen call it.
func Pages[Item any](ctx context.Context, c *Client, request Request, opts ...CallOption) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		request, used := request, map[string]bool{}
		for {
			answer, err := Do[json.RawMessage](ctx, c, request, opts...)
			var items []Item
			if err == nil {
				items, err = itemsOf[Item](request.Operation, answer)
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			var next string
			if err == nil {
				next, err = nextPage(&request, answer, len(items), used)
			}
			if err != nil {
				var item Item
				yield(item, err)
				return
			}
			if next == "" {
				return
			}
			request = request.Page(next)
		}
	}
}

func itemsOf[Item any](o *Operation, answer json.RawMessage) (items []Item, err error) {
	raw := fieldAt(answer, o.Paging.Items)
	if len(raw) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&items); err != nil {
		return nil, badPage(o, "the page's items are not those of the contract")
	}
	return items, nil
}

// nextPage returns the next page's token, number or offset, or "" after the last page.
func nextPage(request *Request, answer json.RawMessage, items int, used map[string]bool) (next string, err error) {
	o := request.Operation
	p := o.Paging
	more := scalar(fieldAt(answer, p.More))
	if more == "false" {
		return "", nil
	}
	if p.Count != "" {
		size, _ := strconv.Atoi(request.Sent(p.Size, p.Query))
		if items == 0 || more == "" && items < size {
			return "", nil
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
		return strconv.FormatInt(at, 10), nil
	}
	raw := fieldAt(answer, p.Out)
	next = scalar(raw)
	switch {
	case (next == "" || string(raw) == "0") && more == "":
		return "", nil
	case next == "" || string(raw) == "0":
		return "", badPage(o, "the page says that there is another, and not which one")
	case used[next]:
		return "", badPage(o, "the page's token for the next one was used before")
	}
	used[next] = true
	return next, nil
}

func badPage(o *Operation, message string) *Error {
	return &Error{Op: operationName(o), Kind: ErrUnexpectedResponse, Message: message}
}

// fieldAt returns an answer's field, or nothing if it is absent or null. A field of an object is object.field.
func fieldAt(raw json.RawMessage, name string) json.RawMessage {
	var fields map[string]json.RawMessage
	if name == "" || json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	if value := fieldOf(fields, name); value != nil {
		return value
	}
	outer, inner, nested := strings.Cut(name, ".")
	if !nested {
		return nil
	}
	return fieldAt(fieldOf(fields, outer), inner)
}

// fieldOf returns a field, or nothing if it is absent or null. Names match as in encoding/json.
func fieldOf(fields map[string]json.RawMessage, name string) json.RawMessage {
	value, found := fields[name]
	if !found {
		for other := range fields {
			if strings.EqualFold(other, name) {
				value = fields[other]
			}
		}
	}
	if string(value) == "null" {
		return nil
	}
	return value
}

func scalar(raw json.RawMessage) string {
	var s text.Scalar
	if len(raw) > 0 {
		_ = s.UnmarshalJSON(raw) // never fails for JSON
	}
	return string(s)
}
