package run

import (
	"errors"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// enough is the number of distinct unknown ids, with none known, after which a run assumes that the values are not chat ids.
const enough = 20

// guard keeps a run from spending the monthly quota on a column of other values. Only the first enough ids are sent
// until one is known or all are settled.
type guard struct {
	what lang.Said // source of the ids: a column, a field, or the lines of standard input

	mu       sync.Mutex
	open     chan struct{} // closed once the values count as chat ids
	opened   bool
	admitted map[string]bool // distinct ids sent; true once settled
	settled  int
	unknown  int
}

// newGuard makes a guard. Unless on, it lets all ids pass.
func newGuard(on bool, what lang.Said) *guard {
	g := &guard{what: what, open: make(chan struct{}), admitted: map[string]bool{}}
	if !on {
		g.pass()
	}
	return g
}

// pass lets all further ids pass.
func (g *guard) pass() {
	if !g.opened {
		g.opened = true
		close(g.open)
	}
}

// admit waits until an id may be sent. It returns false if the run ends first.
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

// saw records the result of an id that was sent; err is nil if it was converted.
func (g *guard) saw(id string, err error) {
	kind := explain.Sentinel(err)
	g.settle(id, errors.Is(kind, dingtalk.ErrInvalidChatID), err == nil || errors.Is(kind, dingtalk.ErrOwnerNotVisible))
}

// settle counts an id whose result is known, in this run or from an earlier one.
func (g *guard) settle(id string, unknown, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	settled, admitted := g.admitted[id]
	if settled || !admitted && len(g.admitted) >= enough {
		return
	}
	g.admitted[id] = true
	g.settled++
	if unknown {
		g.unknown++
	}
	if known || g.settled == enough && g.unknown < enough {
		g.pass()
	}
}

// nonsense reports whether enough distinct ids were all unknown.
func (g *guard) nonsense() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.opened && g.unknown >= enough
}

// refusal makes the error of a run ended by nonsense.
func (g *guard) refusal() error {
	return &explain.Error{
		Code: explain.SomeFailed,
		Err:  lang.Errorf("the first %d different ids are all unknown, so nothing more was sent: does %s really hold chat ids?", enough, g.what),
		Hint: lang.T("name another column with --column, or check --region and the app's organisation; if they are chat ids, go on with --accept-unknown"),
	}
}
