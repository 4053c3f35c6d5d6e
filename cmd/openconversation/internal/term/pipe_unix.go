//go:build unix

package term

import (
	"os"
	"os/signal"
	"syscall"
)

// HoldPipe makes a write to a closed pipe fail instead of killing the process, until release is called: paid results
// can then go elsewhere.
func HoldPipe() (release func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	return func() { signal.Stop(signals) }
}
