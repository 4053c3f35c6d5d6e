package dingtalktest

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/limits"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/tokens"
)

// state is the state of an emulator: what it is set up for, and what happened since.
type state struct {
	setup    atomic.Pointer[setup]
	tokens   *tokens.Store // behind a pointer, so that printing a copy of the struct shows an address
	limits   limits.Counter
	groups   groups
	messages messages
	faults   faultQueue
	record   record
	offset   atomic.Int64 // how far AdvanceClock has moved the time, in nanoseconds
}

// begin puts settings into effect, and queues the faults and sets the time that come with them. If one is wrong, nothing changes.
func (s *state) begin(settings Settings) error {
	set := newSetup(settings)
	if err := settings.check(); err != nil {
		return err
	}
	if err := s.queue(set, settings.Faults); err != nil {
		return err
	}
	s.setup.Store(set)
	s.record.resize(set.RecordSize)
	if set.Time != nil {
		s.offset.Store(int64(set.Time.Sub(set.Clock())))
	}
	return nil
}

// queue queues all of the faults or none.
func (s *state) queue(set *setup, faults []Fault) error {
	if err := set.checkFaults(faults); err != nil {
		return err
	}
	return s.faults.add(faults)
}

// secrets are what no record may hold.
func (s *state) secrets(set *setup) []string {
	return slices.AppendSeq(s.tokens.All(), maps.Values(set.apps))
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

func (s *state) now(set *setup) time.Time {
	return set.Clock().Add(time.Duration(s.offset.Load()))
}
