package dingtalk

import "iter"

// Pages yields the items of a paged operation, and fetches each page when the previous one is consumed. fetch gets the
// page's token (nil for the first page) and reports whether another page follows. An error ends the sequence: fetch's
// error, or an *[Error] with [ErrUnexpectedResponse] if the next page's token is missing or equals the current one.
//
// Packages made by openconversation-gen call it.
func Pages[Item any, Token comparable](operation *Operation, fetch func(token *Token) (items []Item, next Token, more bool, err error)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var token *Token
		for {
			items, next, more, err := fetch(token)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			var none Token
			if err == nil && more && (next == none || token != nil && next == *token) {
				err = &Error{Op: operationName(operation), Kind: ErrUnexpectedResponse, Message: "the page says that there is another, and not which one"}
			}
			if err != nil {
				var item Item
				yield(item, err)
				return
			}
			if !more {
				return
			}
			token = &next
		}
	}
}
