package run

import (
	"fmt"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// lost are paid conversions that a stream did not take, because its disk is full or its reader has left. They go to
// standard error; there are at most as many as calls in flight.
type lost struct {
	err   error // why the stream failed
	pairs []string
}

func (l *lost) add(chatID, id string) {
	l.pairs = append(l.pairs, term.Printable(chatID)+"\t"+term.Printable(id))
}

// report prints them.
func (l *lost) report(w *term.World) {
	if len(l.pairs) == 0 {
		return
	}
	w.Note("%s", lang.N(len(l.pairs), "%d conversion that the output did not take, as chatId, tab, openConversationId:",
		"%d conversions that the output did not take, as chatId, tab, openConversationId:", len(l.pairs)))
	for _, pair := range l.pairs {
		fmt.Fprintln(w.Err, pair)
	}
}
