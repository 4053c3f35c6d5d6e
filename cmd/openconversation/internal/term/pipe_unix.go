//go:build unix

package term

import (
	"os"
	"os/signal"
	"syscall"
)

// HoldPipe has a write to a pipe that nobody reads any more fail, instead of killing the process, until release is
// called: what was paid for can still be put elsewhere.
func HoldPipe() (release func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	return func() { signal.Stop(signals) }
}
