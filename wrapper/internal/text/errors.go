package text

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
)

// HideError returns an error with the text of err, at most [MaxError] bytes without secrets, under every verb of fmt:
// a transport's error may hold the request. For [errors.Is] it matches as err does. Unless its text repeats a secret (as
// a malformed answer may), it wraps err; otherwise it keeps the type of the network's errors alone.
func (s Secrets) HideError(err error) error {
	if err == nil {
		return nil
	}
	shown, changed := s.hide(err.Error(), MaxError)
	if !changed {
		return &hiddenError{text: shown, err: func() error { return err }}
	}
	switch e := err.(type) { //nolint:errorlint // wrapped errors are handled below
	case *net.OpError:
		return s.hideOp(e)
	case *net.DNSError:
		return s.hideDNS(e)
	}
	s = slices.Clone(s) // the caller's may live in a pool
	return &hiddenError{text: shown, err: func() error { return err }, secrets: func() Secrets { return s }}
}

func (s Secrets) hideOp(e *net.OpError) *net.OpError {
	own := *e
	own.Op, _ = s.hide(e.Op, MaxError)
	own.Net, _ = s.hide(e.Net, MaxError)
	own.Err = s.HideError(e.Err)
	for _, addr := range []*net.Addr{&own.Source, &own.Addr} {
		if *addr == nil {
			continue
		}
		if _, changed := s.hide((*addr).String(), MaxError); changed {
			*addr = nil
		}
	}
	return &own
}

func (s Secrets) hideDNS(e *net.DNSError) *net.DNSError {
	own := *e
	own.UnwrapErr = nil
	for _, field := range []*string{&own.Err, &own.Name, &own.Server} {
		*field, _ = s.hide(*field, MaxError)
	}
	return &own
}

// hiddenError holds an error in functions: no formatter looks into a function.
type hiddenError struct {
	text    string
	err     func() error
	secrets func() Secrets // nil: the text of err holds none
}

func (h *hiddenError) Error() string { return h.text }

// Format writes the text for every verb of fmt.
func (h *hiddenError) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, h.text) }

// Unwrap returns an error whose text holds no secret.
func (h *hiddenError) Unwrap() error {
	if h.secrets != nil {
		return nil
	}
	return h.err()
}

// Is lets errors.Is find what Unwrap does not return.
func (h *hiddenError) Is(target error) bool { return h.secrets != nil && errors.Is(h.err(), target) }

// As returns the network's errors alone from an error whose text holds a secret: it knows which of their fields may.
func (h *hiddenError) As(target any) bool {
	if h.secrets == nil {
		return false
	}
	switch t := target.(type) {
	case **net.DNSError:
		found, ok := Find[*net.DNSError](h.err())
		if ok {
			*t = h.secrets().hideDNS(found)
		}
		return ok
	case **net.OpError:
		found, ok := Find[*net.OpError](h.err())
		if ok {
			*t = h.secrets().hideOp(found)
		}
		return ok
	}
	return false
}

// Timeout reports whether the error is a time-out.
func (h *hiddenError) Timeout() bool {
	t, ok := Find[interface {
		error
		Timeout() bool
	}](h.err())
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
