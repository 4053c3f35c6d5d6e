//go:build !unix

package term

import "os"

// pipeSignals is empty where no signal comes of a closed pipe. A name that is never sent keeps Notify from taking all.
var pipeSignals = []os.Signal{noSignal{}}

type noSignal struct{}

func (noSignal) String() string { return "none" }
func (noSignal) Signal()        {}
