package dingtalk

import "github.com/dingtalk-openapi/openconversation-go/generated"

// Operation describes an operation of the service. openconversation-gen writes one for each operation of a contract.
// The zero Repeat is the careful one, [RepeatUnsent].
type Operation = generated.Operation

// Request holds the parameters and the body of a request to an operation. A parameter's value cannot change the path or
// another parameter. A value that cannot be sent makes the call fail before anything is sent.
type Request = generated.Request

// When a request may be repeated, apart from a replay after a token refresh: see [Operation].
const (
	RepeatUnsent = generated.RepeatUnsent
	RepeatSafe   = generated.RepeatSafe
)

// NewRequest starts a request without parameters. The operation must not change afterwards.
func NewRequest(operation *Operation) Request { return generated.NewRequest(operation) }
