package generated

import "time"

// Code is the field "code" of an error. The set is open: a code without a constant here keeps its text.
type Code string

// Kind classifies errors for a caller.
type Kind string

// TokenEffect tells what to do with the request's access token after an error.
type TokenEffect string

// ErrorCode is one row of the catalogue: a rule, and what people are told.
type ErrorCode struct {
	Rule
	Name        string // the constant's name, without its prefix Code
	Status      int    // HTTP status of the answer
	Description string // one line for people
	Message     string `json:",omitempty"` // text of a captured or documented answer; empty if unknown
	Observed    bool   `json:",omitempty"` // a live answer was seen
}

// Rule tells a client what to do about a code.
type Rule struct {
	Code    Code          // the server's spelling
	Aliases []string      `json:",omitempty"` // other spellings, and the legacy API's number of the same error
	Kind    Kind          // class of the error
	Retry   bool          `json:",omitempty"` // the same request may succeed later
	Wait    time.Duration `json:",omitempty"` // shortest wait before a retry; 0: ordinary backoff
	Token   TokenEffect   // what to do with the access token
}

// Repeat tells when a request may be retried.
type Repeat int

const (
	// RepeatUnsent is only if the service surely did not process the request: no connection, a throttle, a rejected token.
	RepeatUnsent Repeat = iota
	// RepeatSafe is whenever a retry may help, because the call is idempotent.
	RepeatSafe
)

// Operation describes an operation of a contract for a call.
type Operation struct {
	ID         string      // operationId
	Method     string      // such as GET
	Path       string      // with parameters in braces, as in net/http's patterns
	Server     string      `json:",omitempty"` // its own base URL, without a slash at the end; empty: the client's
	Regions    []Pair      `json:",omitempty"` // its own base URL by the client's, if it differs by region
	Public     bool        `json:",omitempty"` // sent without a token
	TokenQuery string      `json:",omitempty"` // query parameter of the token; empty: header TokenHeader
	Repeat     Repeat      `json:",omitempty"` // when to retry
	Status     int         // of a success; 0: any from 200 to 299
	Empty      bool        `json:",omitempty"` // a success has no body
	Required   []string    `json:",omitempty"` // fields of a success, present and not empty
	Success    []Pair      `json:",omitempty"` // fields whose other value is a failure, with the text of a success's
	OwnFields  []string    `json:",omitempty"` // fields of a success that are named as an error's: code or punish
	Permission string      `json:",omitempty"` // the app's permission; empty if the contract names none
	Docs       string      `json:",omitempty"` // address of its documentation
	Codes      []ErrorCode `json:",omitempty"` // its own codes, in addition to ErrorCodes
	Parameters []Field     `json:",omitempty"` // of path, query and headers
	Body       Body        `json:",omitempty"` // whether a request has a body
	Content    *Field      `json:",omitempty"` // the body
	Paging     *Paging     `json:",omitempty"` // nil: the answer is whole
}

// Pair is a value by name. A map would be filled when a program starts, and so be part of every program.
type Pair struct{ Name, Value string }

// Region returns the operation's own server for a client's base URL; it is empty if no region has that URL.
func (o *Operation) Region(base string) string {
	for _, region := range o.Regions {
		if region.Name == base {
			return region.Value
		}
	}
	return ""
}

// Field is a parameter, a body, or a field of a body.
type Field struct {
	Name        string  `json:",omitempty"`
	In          string  `json:",omitempty"` // of a parameter: path, query or header
	Type        string  `json:",omitempty"` // string, integer, number, boolean, object, form (multipart/form-data), file (in it); empty: any
	Required    bool    `json:",omitempty"`
	Nullable    bool    `json:",omitempty"`
	ReadOnly    bool    `json:",omitempty"` // never sent
	List        bool    `json:",omitempty"` // a list of values of the type
	Explode     bool    `json:",omitempty"` // each value of a parameter's list is a parameter
	JSON        bool    `json:",omitempty"` // a string that holds JSON
	MaxBytes    int     `json:",omitempty"` // of a string that holds JSON; 0: no limit
	MinLength   int     `json:",omitempty"` // of a string, in characters
	MaxLength   int     `json:",omitempty"` // likewise; 0: no limit
	MinItems    int     `json:",omitempty"` // of a list
	MaxItems    int     `json:",omitempty"` // of a list; 0: no limit
	Minimum     string  `json:",omitempty"` // of a number; empty: no limit
	Maximum     string  `json:",omitempty"` // likewise
	Description string  `json:",omitempty"` // of a parameter
	Example     string  `json:",omitempty"`
	Fields      []Field `json:",omitempty"` // of an object, or of a list's objects
}

// Paging describes the pages of an answer. A field of an object within the answer is written as object.field.
type Paging struct {
	_     [0]func() // no one compares it, and no app contains the code to
	In    string    // parameter of the query, or field of the body, for a page's token, number or offset
	Query bool      `json:",omitempty"` // In is a parameter of the query
	Text  bool      `json:",omitempty"` // In is a string
	Count string    `json:",omitempty"` // page: In is the page's number; offset: the number of items before it; empty: its token
	Size  string    `json:",omitempty"` // with Count: what takes the number of items of a page; empty: none does
	Out   string    `json:",omitempty"` // answer's field with the next page's token
	More  string    `json:",omitempty"` // answer's field: whether a page follows; empty or absent: the token or the number of items tells
	Items string    // answer's field with the items
}

// Body tells whether a request has a body.
type Body string

// The values of Body.
const (
	BodyNone     Body = ""
	BodyOptional Body = "optional"
	BodyRequired Body = "required"
)

// Route is an operation with what the emulator and the command need in addition.
type Route struct {
	*Operation
	Summary   string `json:",omitempty"`
	Example   string `json:",omitempty"` // body of a success in the contract
	Synthetic bool   `json:",omitempty"` // the example was made from the contract's schema
}

// tokenHeader is set by a contract's generated files. This package compiles without them, because their generator uses it.
var tokenHeader string
