//go:build !unix

package term

// HoldPipe does nothing on systems without SIGPIPE: a write to a closed pipe fails anyway.
func HoldPipe() (release func()) { return func() {} }
