package official

import "fmt"

// Difference is something in which two requests, or what was read of two answers, differ.
type Difference struct {
	Kind              Kind
	Where             string // a parameter's name, or a place in the body
	Official, Wrapper string // what either side does
}

func (d Difference) String() string {
	return fmt.Sprintf("%s %s: the official SDK %s; ours %s", d.Kind, d.Where, d.Official, d.Wrapper)
}

// Kind is what a difference is about.
type Kind string

// The kinds. The first are mistakes, those in ByDesign are meant.
const (
	KindMethod Kind = "method"
	KindPath   Kind = "path"
	KindQuery  Kind = "query"
	KindHeader Kind = "header"
	KindBody   Kind = "body"
	KindAnswer Kind = "answer"

	KindEscaping    Kind = "characters such as `/` in the path"
	KindList        Kind = "a list in the query"
	KindEmptyList   Kind = "an empty list in the query"
	KindContentType Kind = "content type of a body"
	KindEmptyInside Kind = "an empty list or map inside an object of the body"
	KindAnyAnswer   Kind = "an answer of any type"
	KindEmptyAnswer Kind = "an answer without a body"
	KindProtocol    Kind = "the protocol, if none is named"
)

// ByDesign are the differences that are meant, and why.
var ByDesign = []struct {
	Kind Kind
	Why  string
}{
	{KindEscaping, "a parameter is one segment of the path whatever it holds; unescaped, it names another operation"},
	{KindList, "OpenAPI has no style with numbered names; the list is the same, but which spelling the service reads was not looked at"},
	{KindEmptyList, "an empty list is no list: a query cannot tell it from a list of one empty text"},
	{KindContentType, "JSON is UTF-8, and its media type has no parameter (RFC 8259)"},
	{KindEmptyInside, "what the caller set is sent: an empty list may be how something is cleared"},
	{KindAnyAnswer, "the answer is read as JSON, like every other"},
	{KindEmptyAnswer, "the contract says that the answer has nothing in it"},
	{KindProtocol, "the access token is a secret; plain HTTP is for this machine alone"},
}

func (d Difference) byDesign() bool {
	for _, meant := range ByDesign {
		if meant.Kind == d.Kind {
			return true
		}
	}
	return false
}
