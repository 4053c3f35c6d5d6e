package dingtalktest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

// The queue is bounded in faults and in what they hold, in bytes of JSON.
const (
	maxFaults     = 10_000
	maxFaultBytes = 8 << 20
)

// faultQueue holds the faults that are still to happen.
type faultQueue struct {
	mu    sync.Mutex
	queue []queuedFault
	bytes int
}

type queuedFault struct {
	Fault
	bytes int
}

// add queues all of the faults or none.
func (q *faultQueue) add(faults []Fault) error {
	added, bytes := make([]queuedFault, len(faults)), 0
	for i, f := range faults {
		added[i] = queuedFault{f, len(data.Encode(f))}
		bytes += added[i].bytes
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue)+len(added) > maxFaults || q.bytes+bytes > maxFaultBytes {
		return fmt.Errorf("at most %d faults of %d bytes can be queued: use times, or always", maxFaults, maxFaultBytes)
	}
	q.queue, q.bytes = append(q.queue, added...), q.bytes+bytes
	return nil
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue, q.bytes = nil, 0
}

func (q *faultQueue) list() []Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := make([]Fault, len(q.queue))
	for i, f := range q.queue {
		list[i] = f.Fault
	}
	return list
}

// take removes the first fault that a request meets from the queue.
func (q *faultQueue) take(meets func(*Fault) bool) (f Fault, found bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.queue {
		f := &q.queue[i]
		if !meets(&f.Fault) {
			continue
		}
		taken := f.Fault
		switch {
		case f.Requests > 1:
			f.Requests--
		case !f.Forever:
			q.bytes -= f.bytes
			q.queue = slices.Delete(q.queue, i, i+1)
		}
		return taken, true
	}
	return Fault{}, false
}
