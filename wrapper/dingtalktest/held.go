package dingtalktest

import "sync"

// held lets go of the requests that are waiting, now and once more when the emulator is closed.
type held struct {
	mu     sync.Mutex
	waits  chan struct{}
	closed bool
}

// channel is closed when the requests that wait from now on are to be let go.
func (h *held) channel() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waits == nil {
		h.waits = make(chan struct{})
	}
	return h.waits
}

func (h *held) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waits != nil && !h.closed {
		close(h.waits)
		h.waits = nil
	}
}

// close lets go for good.
func (h *held) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	if h.waits == nil {
		h.waits = make(chan struct{})
	}
	close(h.waits)
}
