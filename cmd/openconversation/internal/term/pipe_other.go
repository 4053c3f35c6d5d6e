//go:build !unix

package term

// HoldPipe does nothing where no signal comes of a closed pipe: a write to it fails as it is.
func HoldPipe() (release func()) { return func() {} }
