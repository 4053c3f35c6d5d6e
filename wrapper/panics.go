package dingtalk

import (
	"fmt"
)

// One rule holds for a panic of the caller's transport, limiter, budget, token source or input sequence. In the
// caller's own goroutine it reaches the caller. In a goroutine of this package (a token fetch, a worker of a run, the
// reader of its input) it becomes an error with ErrPanicked. A call does not need a cache, a token store or a logger:
// if one panics, the call continues.

// panicked makes the error of a call whose goroutine, one of this package's, did not return. recovered is nil after
// runtime.Goexit.
func (p *path) panicked(recovered any, s subject) *Error {
	e := &Error{
		Op: s.op, ChatID: s.chatID, Kind: ErrPanicked, Local: true, TokenEndpoint: s.isToken,
		Message: "the goroutine was ended by runtime.Goexit, as t.FailNow calls it",
	}
	if recovered != nil {
		secrets := p.secrets(&call{})
		e.Message = secrets.Show(fmt.Sprint(recovered), maxMessageBytes)
		if err, ok := recovered.(error); ok {
			e.Err = secrets.HideError(err)
		}
	}
	return e
}
