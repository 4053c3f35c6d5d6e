package run

import (
	"errors"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// enough is how many distinct ids have to be unknown, with none known, until a run takes them to be no chat ids at all.
const enough = 20

// guard keeps a run from spending the month's calls on a column that holds something else. No more than the first ids
// are sent until one of them is known, or all are settled.
type guard struct {
	what lang.Said // what the ids are: a column or field, or the lines of standard input

	mu       sync.Mutex
	open     chan struct{} // closed when the ids are taken to be chat ids
	opened   bool
	admitted map[string]bool // distinct ids that were sent; true once settled
	settled  int
	unknown  int
}

// newGuard is a guard, or one that lets all pass.
func newGuard(on bool, what lang.Said) *guard {
	g := &guard{what: what, open: make(chan struct{}), admitted: map[string]bool{}}
	if !on {
		g.pass()
	}
	return g
}

// pass lets all further ids through.
func (g *guard) pass() {
	if !g.opened {
		g.opened = true
		close(g.open)
	}
}

// admit waits until an id may be sent. It is false if the run has ended meanwhile.
func (g *guard) admit(id string, stop <-chan struct{}) bool {
	g.mu.Lock()
	_, again := g.admitted[id]
	if g.opened || again || len(g.admitted) < enough {
		if !g.opened && !again {
			g.admitted[id] = false
		}
		g.mu.Unlock()
		return true
	}
	g.mu.Unlock()
	select {
	case <-g.open:
		return true
	case <-stop:
		return false
	}
}

// saw takes what became of an id that was sent; err is nil if it was converted.
func (g *guard) saw(id string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	done, admitted := g.admitted[id]
	if g.opened || done || !admitted {
		return
	}
	g.admitted[id] = true
	g.settled++
	switch kind := explain.Sentinel(err); {
	case err == nil, errors.Is(kind, dingtalk.ErrOwnerNotVisible):
		g.pass()
	case errors.Is(kind, dingtalk.ErrInvalidChatID):
		g.unknown++
	}
	if g.settled == enough && g.unknown < enough {
		g.pass()
	}
}

// nonsense reports whether as many distinct ids as it takes were all unknown.
func (g *guard) nonsense() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.opened && g.unknown >= enough
}

// refusal is the error of a run that nonsense ended.
func (g *guard) refusal() error {
	return &explain.Error{
		Code: explain.SomeFailed,
		Err:  lang.Errorf("the first %d different ids are all unknown, so nothing more was sent: does %s really hold chat ids?", enough, g.what),
		Hint: lang.T("name another column with --column or --field, or check --region and the app's organisation; if they are chat ids, go on with --accept-unknown"),
	}
}

// seed counts ids of an earlier part of the run, as its output has them.
func (g *guard) seed(id string, unknown, converted bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, again := g.admitted[id]; g.opened || again || len(g.admitted) == enough {
		return
	}
	switch {
	case converted:
		g.pass()
	case unknown:
		g.admitted[id] = true
		g.settled++
		g.unknown++
	}
}
