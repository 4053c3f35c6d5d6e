//go:build unix

package term

import (
	"os"
	"syscall"
)

var pipeSignals = []os.Signal{syscall.SIGPIPE}
