package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return "stopped by a signal (" + e.signal.String() + ")" }

// untilSignal returns a context that the first SIGINT or SIGTERM ends. The second does what it does to any process: it
// kills. A signal that the parent process has the command ignore, as nohup and background jobs do, stays ignored.
func untilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		received := <-signals
		signal.Stop(signals) // before the end begins, so that a second signal need not wait for it
		number, ok := received.(syscall.Signal)
		if !ok {
			number = syscall.SIGINT
		}
		cancel(signalError{number})
	}()
	return ctx
}
