package dingtalktest

import (
	"slices"
	"sync"
	"sync/atomic"
)

// faultQueue holds the faults that are still to happen.
type faultQueue struct {
	mu     sync.Mutex
	queue  []Fault
	queued atomic.Int64 // len(queue), so that a request that finds none takes no lock
}

func (q *faultQueue) add(faults []Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, faults...)
	q.queued.Store(int64(len(q.queue)))
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = nil
	q.queued.Store(0)
}

func (q *faultQueue) list() []Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.queue)
}

// take removes the fault for a request of an operation from the queue. Nobody's token is rejected in a request that carries
// none, unless that is asked for by name.
func (q *faultQueue) take(operation string, public bool) (f Fault, found bool) {
	if q.queued.Load() == 0 {
		return Fault{}, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.queue {
		f := &q.queue[i]
		if f.operation != "" && f.operation != operation || f.operation == "" && public && f.aboutToken() {
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
