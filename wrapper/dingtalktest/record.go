package dingtalktest

import (
	"context"
	"maps"
	"net/http"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// record holds the last requests, and counts all.
type record struct {
	mu      sync.Mutex
	size    int
	kept    []kept // oldest first
	bytes   int    // of what is kept
	seq     int64
	dropped int64
	tallies map[string]*Tally
	added   chan struct{} // closed by the next request, if somebody waits for one
}

// maxCodes is how many different codes of an operation are counted.
const maxCodes = 1000

type kept struct {
	request Request
	bytes   int
}

func (r *record) resize(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size = size
	r.trim()
}

// trim drops the oldest requests of those that are too many or too much.
func (r *record) trim() {
	for len(r.kept) > 0 && (len(r.kept) > r.size || r.bytes > maxRecordedBytes) {
		r.bytes -= r.kept[0].bytes
		r.kept[0] = kept{}
		r.kept = r.kept[1:]
		r.dropped++
	}
}

// tally is called with the lock held.
func (r *record) tally(operation string) *Tally {
	t := r.tallies[operation]
	if t == nil {
		t = &Tally{Status: map[int]int64{}, Codes: map[generated.Code]int64{}}
		if r.tallies == nil {
			r.tallies = map[string]*Tally{}
		}
		r.tallies[operation] = t
	}
	return t
}

// arrived counts a request before it has an answer.
func (r *record) arrived(operation string) {
	r.mu.Lock()
	r.tally(operation).Requests++
	r.mu.Unlock()
}

// add records a request that was answered, and returns it with its number. Without a header it is counted and not kept.
func (r *record) add(entry Request, header http.Header, body string) Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally(entry.Operation)
	t.Status[entry.Status]++
	if _, counted := t.Codes[entry.Code]; entry.Code != "" && (counted || len(t.Codes) < maxCodes) {
		t.Codes[entry.Code]++
	}
	r.seq++
	entry.Seq = r.seq
	if r.size > 0 && header != nil {
		whole := entry
		whole.Header, whole.Body = header, body
		one := kept{whole, whole.bytes()}
		r.kept, r.bytes = append(r.kept, one), r.bytes+one.bytes
		r.trim()
	}
	if r.added != nil {
		close(r.added)
		r.added = nil
	}
	return entry
}

// wait returns the requests that match a filter as soon as there are n of them, or those that there are when ctx ends.
func (r *record) wait(ctx context.Context, n int, f Filter) ([]Request, error) {
	for {
		found := []Request{}
		r.mu.Lock()
		for i := range r.kept {
			if one := r.kept[i].request; f.matches(&one) {
				one.Header = one.Header.Clone()
				found = append(found, one)
			}
		}
		if len(found) >= n {
			r.mu.Unlock()
			return found, nil
		}
		if r.added == nil {
			r.added = make(chan struct{})
		}
		added := r.added
		r.mu.Unlock()
		select {
		case <-added:
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
}

// counts returns a copy of the tallies.
func (r *record) counts() map[string]Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]Tally, len(r.tallies))
	for operation, t := range r.tallies {
		counts[operation] = Tally{Requests: t.Requests, Status: maps.Clone(t.Status), Codes: maps.Clone(t.Codes)}
	}
	return counts
}

func (r *record) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept, r.bytes, r.dropped, r.tallies = nil, 0, 0, nil
}
