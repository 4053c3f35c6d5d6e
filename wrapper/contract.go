package dingtalk

import "github.com/dingtalk-openapi/openconversation-go/generated"

// Operation is what a call needs to know of an operation of the service. Packages that openconversation-gen makes have one
// for each operation of their contract; the zero Repeat is the careful one.
type Operation = generated.Operation

// Request is a request to an operation: its parameters and its body. What a parameter holds cannot change the path or
// another parameter, and what could not be sent as it was meant makes the call fail before anything is sent.
type Request = generated.Request

// When a request may be repeated, beyond a replay with a new token: see [Operation].
const (
	RepeatUnsent = generated.RepeatUnsent
	RepeatSafe   = generated.RepeatSafe
)

// NewRequest starts a request to an operation, which must not change any more. Parameters are added to the request.
func NewRequest(operation *Operation) Request { return generated.NewRequest(operation) }
