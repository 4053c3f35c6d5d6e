package dingtalk

import (
	"fmt"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// What a panic in code that a client was given does is one rule for a transport, limiter, budget, token source and input
// sequence: in the caller's own goroutine it goes on to the caller; in one of this package's (a token fetch, a worker of a
// run, the reader of its input) it becomes an error with ErrPanicked. A cache, a token store and a logger are aids: one
// that panics has failed, and the call goes on.

// panicked is the error of a call in a goroutine of this package's that did not return. recovered is nil if the goroutine
// was ended in another way than by a panic.
func panicked(recovered any, secrets text.Secrets, s subject) *Error {
	v := &verdict{kind: ErrPanicked, local: true, message: "the goroutine was ended by runtime.Goexit, as t.FailNow calls it"}
	if recovered != nil {
		v.message = secrets.Show(fmt.Sprint(recovered), maxMessageBytes)
		if err, ok := recovered.(error); ok {
			v.cause = secrets.HideError(err)
		}
	}
	return s.failure(v, nil, "")
}
