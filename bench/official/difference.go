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

// The kinds. Those in ByDesign are meant; the others are mistakes.
const (
	KindMethod      Kind = "method"
	KindPath        Kind = "path"
	KindEscaping    Kind = "characters such as `/` in the path"
	KindQuery       Kind = "query"
	KindList        Kind = "a list in the query"
	KindEmptyList   Kind = "an empty list in the query"
	KindHeader      Kind = "header"
	KindContentType Kind = "content type of a body"
	KindBody        Kind = "body"
	KindEmptyInside Kind = "an empty list or map inside an object of the body"
	KindAnswer      Kind = "answer"
	KindAnyAnswer   Kind = "an answer of any type"
	KindEmptyAnswer Kind = "an answer without a body"
	KindProtocol    Kind = "the protocol, if none is named"
)

// Reason says why a difference is meant.
type Reason struct {
	Kind Kind
	Why  string
}

// ByDesign are the differences that are meant.
var ByDesign = []Reason{
	{KindEscaping, "a parameter is one segment of the path whatever it holds; unescaped, it names another operation"},
	{KindList, "OpenAPI has no style with numbered names; the list is the same, but which spelling the service reads was not looked at"},
	{KindEmptyList, "an empty list is no list: a query cannot tell it from a list of one empty text"},
	{KindContentType, "JSON is UTF-8, and its media type has no parameter (RFC 8259)"},
	{KindEmptyInside, "what the caller set is sent: an empty list may be how something is cleared"},
	{KindAnyAnswer, "the answer is read as JSON, like every other"},
	{KindEmptyAnswer, "the contract says that the answer has nothing in it"},
	{KindProtocol, "the access token is a secret; plain HTTP is for this machine alone"},
}

// Named are the operations that differ otherwise, and why.
var Named = map[string]string{
	"edu_1_0.queryClassScheduleByTimeSchool": "the official SDK's path ends with a space, sent as `%20`; the contract has none",
	"mail_1_0.createMessage":                 "the official SDK has an io.Reader for a text, and cannot read it of an answer",
	"mail_1_0.updateMessage":                 "as createMessage",
}

func byDesign(kind Kind) bool {
	for _, r := range ByDesign {
		if r.Kind == kind {
			return true
		}
	}
	return false
}
