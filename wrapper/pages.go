package dingtalk

import "iter"

// Pages yields the items of an operation that hands them out in pages, and asks for a page when those of the one before are
// taken. fetch gets the token that the page before came with, nil for the first page, and says whether there is another. An
// error ends the pages: one of fetch, or an *[Error] with [ErrUnexpectedResponse] if a page names itself or no page as the
// next one, which would never end.
//
// Packages that openconversation-gen makes call it.
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
