package dingtalk

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
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
			var none Item
			body, err := Do[json.RawMessage](ctx, c, request, opts...)
			if err != nil {
				yield(none, err)
				return
			}
			answer, items := objectOf(body), []Item(nil)
			if raw := answer.field(request.Operation.Paging.Items); raw != "" && !decodeJSON([]byte(raw), &items) {
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
