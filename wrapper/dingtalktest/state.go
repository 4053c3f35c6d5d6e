package dingtalktest

import (
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/answer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/call"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/limits"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/tokens"
)

// state is the state of an emulator: its settings, and what happened since.
type state struct {
	settings atomic.Pointer[settings]
	tokens   *tokens.Store // behind a pointer, so that printing a copy of the struct shows an address
	limits   limits.Counter
	groups   groups
	messages messages
	faults   faultQueue
	record   record
	offset   atomic.Int64 // how far AdvanceClock has moved the time, in nanoseconds
}

// begin takes settings over, and queues the faults and sets the time that came with them.
func (s *state) begin(set *settings) {
	s.settings.Store(set)
	s.record.resize(set.recordSize)
	if !set.time.IsZero() {
		s.offset.Store(int64(set.time.Sub(set.clock())))
	}
	s.faults.add(set.faults)
}

// forget undoes everything that happened. What is set up stays.
func (s *state) forget() {
	s.faults.clear()
	s.record.forget()
	s.tokens.Forget()
	s.limits.Forget()
	s.groups.forget()
	s.messages.forget()
	s.offset.Store(0)
}

func (s *state) now(set *settings) time.Time {
	return set.clock().Add(time.Duration(s.offset.Load()))
}

// exchange is one request on its way through the emulator, with the settings that it met.
type exchange struct {
	call.Call
	settings *settings
	app      string // whose token the request carries, once that is known
	fault    Fault  // that was queued for it
	faulty   bool   // whether there was one
}

// refuse answers with a row of the operation's own codes, or of the catalogue.
func (x *exchange) refuse(code generated.Code) answer.Answer {
	return answer.Refusal(x.Operation(), code)
}
