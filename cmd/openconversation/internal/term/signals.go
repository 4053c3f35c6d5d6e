package term

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// SignalError is the cause of a context ended by a signal.
type SignalError struct{ Signal syscall.Signal }

func (e SignalError) Error() string { return e.Say(lang.English) }

// Say implements lang.Said.
func (e SignalError) Say(l lang.Language) string {
	name := lang.Literal("SIGINT")
	switch e.Signal {
	case syscall.SIGTERM:
		name = "SIGTERM"
	case syscall.SIGHUP:
		name = "SIGHUP"
	}
	return l.Sprintf("stopped by %s", name)
}

// UntilSignal returns a context that the first SIGINT, SIGTERM or SIGHUP ends. A second signal kills the process. A
// signal ignored by the parent process, as with nohup and background jobs, stays ignored.
func UntilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		received := <-signals
		signal.Stop(signals) // first: a second signal must not wait for the shutdown
		number, ok := received.(syscall.Signal)
		if !ok {
			number = syscall.SIGINT
		}
		cancel(SignalError{number})
	}()
	return ctx
}
