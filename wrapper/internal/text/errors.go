package text

import (
	"errors"
	"fmt"
	"io"
)

// HideError returns an error with the text of err, at most [MaxError] bytes without secrets, under every verb of fmt:
// a transport's error may hold the request. For [errors.Is] it matches as err does. It wraps err unless its text repeats a
// secret, as a malformed answer may.
func (s Secrets) HideError(err error) error {
	if err == nil {
		return nil
	}
	shown, changed := s.hide(err.Error(), MaxError)
	return &hiddenError{text: shown, odd: changed, err: func() error { return err }}
}

// hiddenError holds an error in a function: no formatter looks into one.
type hiddenError struct {
	text string
	odd  bool // the text of err holds a secret
	err  func() error
}

func (h *hiddenError) Error() string { return h.text }

// Format writes the text for every verb of fmt.
func (h *hiddenError) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, h.text) }

// Unwrap returns an error whose text holds no secret.
func (h *hiddenError) Unwrap() error {
	if h.odd {
		return nil
	}
	return h.err()
}

// Is lets errors.Is find what Unwrap does not return.
func (h *hiddenError) Is(target error) bool { return h.odd && errors.Is(h.err(), target) }

// Timeout reports whether the error is a time-out.
func (h *hiddenError) Timeout() bool { return Timeout(h.err()) }

// Timeout reports whether an error is, or wraps, a time-out.
func Timeout(err error) bool {
	t, ok := Find[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// Find finds an error of type T in err's tree. errors.As uses reflection, which costs time on every failure, and adds
// 20 KB to an app without other use for it.
func Find[T error](err error) (found T, ok bool) {
	for err != nil {
		if found, ok = err.(T); ok { //nolint:errorlint // the loop unwraps
			return found, true
		}
		switch wrapper := err.(type) { //nolint:errorlint // likewise
		case interface{ Unwrap() error }:
			err = wrapper.Unwrap()
		case interface{ Unwrap() []error }:
			for _, inner := range wrapper.Unwrap() {
				if found, ok = Find[T](inner); ok {
					return found, true
				}
			}
			return found, false
		default:
			return found, false
		}
	}
	return found, false
}
