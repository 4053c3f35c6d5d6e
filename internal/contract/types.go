package contract

import "github.com/getkin/kin-openapi/openapi3"

// Contract is a contract that was read and checked.
type Contract struct {
	// Doc is the generator's input: every inline object has a name, and only answers of successes are left, because
	// errors have one shape.
	Doc *openapi3.T
	// Operations are sorted by name.
	Operations []Operation
	// Codes is the catalogue shared by all operations; it may be empty.
	Codes     []Code
	KindTexts []KindText
	// Limits are the service's limits; they may be empty.
	Limits []Limit
	// TokenHeader is the request header of the access token; empty if no operation uses one.
	TokenHeader string
	queryTokens map[string]string // query parameters of the token, by security scheme
	// RequestIDHeader is the response header of the component RequestId; empty: none.
	RequestIDHeader string

	lines lines
}

// Operation describes an operation, apart from its parameters and types.
type Operation struct {
	ID, Method, Path     string
	Summary, Description string
	Docs                 string   // address of its documentation
	Permission           string   // the app's permission; empty if the contract names none
	Safe                 bool     // x-repeat: the call changes nothing or is idempotent
	Public               bool     // sent without a token
	Server               string   // its own base URL; empty: the contract's
	Regions              []Region // its own servers, one for each of the contract's; empty if one serves all
	TokenQuery           string   // query parameter of the token; empty: the header
	Status               int      // of a success
	Empty                bool     // a success has no body
	Required             []string // fields of a success, present and not empty
	Paging               *Paging
	Codes                []Code       // of its own
	JSONStrings          []JSONString // fields of its body
	Spec                 *openapi3.Operation
	Parameters           []*openapi3.Parameter // including the path item's
	Answer               *openapi3.SchemaRef   // of a success; nil if it has no body

	at []string
}

// Region is an operation's own server for one of the contract's.
type Region struct{ Of, Server string }

// JSONString is a body's field with JSON in a string. In Go it is a value.
type JSONString struct {
	Name     string `json:"-"`
	Required bool   `json:"-"`
	MaxBytes int    `json:"maxBytes"` // of the string; 0: no limit
}

// Paging describes a paged operation.
type Paging struct {
	In    string `json:"in"`    // query parameter or body field for a page's token
	Out   string `json:"out"`   // answer's field with the next page's token
	More  string `json:"more"`  // answer's field that tells whether a next page exists; empty if only the token tells
	Items string `json:"items"` // answer's field with the items

	Body bool `json:"-"` // In is a field of the body
}

// Parameter describes a parameter for the emulator and the command.
type Parameter struct {
	Name, In, Type, Description string
	Required, List, Explode     bool
}

// Code is one row of a catalogue. openapi.yaml describes its fields.
type Code struct {
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	Aliases     []string `json:"aliases"`
	Status      int      `json:"status"`
	Kind        string   `json:"kind"`
	Retry       *bool    `json:"retry"`
	WaitSeconds int      `json:"waitSeconds"`
	Token       string   `json:"token"`
	Description string   `json:"description"`
	Chinese     string   `json:"descriptionZh"` // of Description
	Message     string   `json:"message"`
	Observed    *bool    `json:"observed"`
}

// KindText is for people: what a kind of error means, and what to do about it.
type KindText struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	TextZh string `json:"textZh"`
	Hint   string `json:"hint"`
	HintZh string `json:"hintZh"`
}

// Seen reports whether a live answer was observed.
func (e Code) Seen() bool { return *e.Observed }

// Limit is one limit of the service, and its Go constant.
type Limit struct {
	Field   string // in the contract
	Name    string // in Go
	Unit    string // factor of the constant; empty for a count
	Comment string
	Value   int
}
