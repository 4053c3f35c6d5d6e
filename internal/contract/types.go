package contract

import "github.com/getkin/kin-openapi/openapi3"

// Contract is a contract that was read and found fit.
type Contract struct {
	// Doc is the document as the generator takes it: every inline object has a name, and of the answers only those of
	// successes are left, since errors have one shape.
	Doc *openapi3.T
	// Operations are in the order of their names.
	Operations []Operation
	// Codes is the catalogue that all operations share; empty in a contract that brings none.
	Codes []Code
	// Limits are those of the service; empty in a contract that brings none.
	Limits []Limit
	// TokenHeader is the request header that carries the access token; empty if no operation names one.
	TokenHeader string
	queryTokens map[string]string // security schemes that carry it in a query, and the name of the parameter
	// RequestIDHeader is the response header that refers to the component RequestId; empty if none does.
	RequestIDHeader string

	lines lines
}

// Operation is what a contract says of an operation beside its parameters and types.
type Operation struct {
	ID, Method, Path     string
	Summary, Description string
	Docs                 string   // address of its documentation
	Alias                string   // another name for those who type it; empty if it has none
	Permission           string   // what the app must be granted; empty if the contract does not say
	Safe                 bool     // x-repeat: the call changes nothing or is idempotent
	Public               bool     // it carries no token
	Server               string   // base URL of its own; empty for that of the contract
	Regions              []Region // servers of its own, one for each of the contract's; empty if it has one for all
	TokenQuery           string   // query parameter that carries the token; empty if the header does
	Status               int      // of a success
	Empty                bool     // a success has no body
	Required             []string // fields of a success that are there and not empty
	Paging               *Paging
	Codes                []Code       // of its own
	JSONStrings          []JSONString // fields of its body
	Spec                 *openapi3.Operation
	Parameters           []*openapi3.Parameter // those of its path item included
	Answer               *openapi3.SchemaRef   // of a success; nil if it has no body

	at []string
}

// Region is a server of an operation's own that belongs to one of the contract's.
type Region struct{ Of, Server string }

// JSONString is a field of a body that takes JSON in a string. In Go it takes a value.
type JSONString struct {
	Name     string `json:"-"`
	Required bool   `json:"-"`
	MaxBytes int    `json:"maxBytes"` // of the string; 0 is no limit
}

// Paging says how an operation hands out a list in pages.
type Paging struct {
	In    string `json:"in"`    // query parameter or field of the body that takes the token of a page
	Out   string `json:"out"`   // field of an answer that holds the token of the next page
	More  string `json:"more"`  // field of an answer that says whether there is a next page; empty if a token alone says so
	Items string `json:"items"` // field of an answer that holds the items

	Body bool `json:"-"` // In is a field of the body
}

// Parameter is what an emulator or a command needs of a parameter.
type Parameter struct {
	Name, In, Type, Description string
	Required, List, Explode     bool
}

// Code is one row of a catalogue, as openapi.yaml writes it. Its fields are described there.
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
	Message     string   `json:"message"`
	Observed    *bool    `json:"observed"`
}

// Seen reports whether a live answer was observed.
func (e Code) Seen() bool { return *e.Observed }

// Limit is one of them, and the constant that is made of it.
type Limit struct {
	Field   string // in the contract
	Name    string // in Go
	Unit    string // what the constant is multiplied with; empty for a count
	Comment string
	Value   int
}
