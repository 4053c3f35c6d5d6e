package dingtalktest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// faults is the queue.
type faults struct {
	mu     sync.Mutex
	queue  []Fault
	queued atomic.Int64 // len(queue), so that a request that finds none takes no lock
}

// FailNext queues faults. Each request takes the first that is meant for its operation, so that they apply in order;
// a request that finds none is answered in earnest. A fault that is not bound to an operation by [Fault.For] also
// applies to requests that match none, and one that rejects the token only to requests that carry one.
func (e *Emulator) FailNext(queue ...Fault) {
	q := &e.faults
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, queue...)
	q.queued.Store(int64(len(q.queue)))
}

// ClearFaults empties the queue. Requests that a fault holds already are not let go: [Emulator.Reset] and
// [Emulator.Close] do that.
func (e *Emulator) ClearFaults() {
	q := &e.faults
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = nil
	q.queued.Store(0)
}

// Pending returns how many faults are queued, each counted once however often it is to be repeated.
func (e *Emulator) Pending() int { return int(e.faults.queued.Load()) }

// Faults returns what is queued, in its order, with the repeats that are left.
func (e *Emulator) Faults() []Fault {
	q := &e.faults
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.queue)
}

// CheckFaults says whether a fault is meant for an operation that the emulator does not have, so that no request would
// ever take it.
func (e *Emulator) CheckFaults(queue ...Fault) error {
	s := e.settings.Load()
	for _, f := range queue {
		if f.operation != "" && !slices.ContainsFunc(s.routes, func(r *route) bool { return r.Operation.ID == f.operation }) {
			return fmt.Errorf("fault %s: there is no operation %q", f.Name(), f.operation)
		}
	}
	return nil
}

// take removes the fault for a request from the queue. Nobody's token is rejected in a request that carries none, unless that
// is asked for by name.
func (q *faults) take(c *call) (Fault, bool) {
	if q.queued.Load() == 0 {
		return Fault{}, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.queue {
		f := &q.queue[i]
		if f.operation != "" && f.operation != c.operation() || f.operation == "" && c.public() && f.aboutToken() {
			continue
		}
		taken := *f
		switch {
		case f.times > 0:
			f.times--
		case f.times == 0:
			q.queue = slices.Delete(q.queue, i, i+1)
			q.queued.Store(int64(len(q.queue)))
		}
		return taken, true
	}
	return Fault{}, false
}
