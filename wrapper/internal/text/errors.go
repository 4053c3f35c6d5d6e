package text

import (
	"errors"
	"net"
)

// HideError returns err, or, if its text repeats a secret (as a malformed answer may), an error with the secret
// redacted. For [errors.Is] that error matches as err does, and it keeps the type of the network's errors.
func (s Secrets) HideError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	shown := s.Hide(text)
	if shown == text {
		return err
	}
	switch e := err.(type) { //nolint:errorlint // wrapped errors are handled below
	case *net.OpError:
		return &net.OpError{Op: e.Op, Net: e.Net, Source: e.Source, Addr: e.Addr, Err: s.HideError(e.Err)}
	case *net.DNSError:
		return s.hideDNS(e)
	}
	return &hiddenError{text: shown, err: func() error { return err }, secrets: func() Secrets { return s }}
}

func (s Secrets) hideDNS(e *net.DNSError) *net.DNSError {
	own := *e
	own.UnwrapErr, own.Err, own.Name, own.Server = nil, s.Hide(e.Err), s.Hide(e.Name), s.Hide(e.Server)
	return &own
}

// hiddenError holds an error in functions: no formatter looks into a function.
type hiddenError struct {
	text    string
	err     func() error
	secrets func() Secrets
}

func (h *hiddenError) Error() string { return h.text }

// Is lets errors.Is find the wrapped errors.
func (h *hiddenError) Is(target error) bool { return errors.Is(h.err(), target) }

// As returns the network's errors alone: for these it knows which fields may hold a secret.
func (h *hiddenError) As(target any) bool {
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
			*t, ok = h.secrets().HideError(found).(*net.OpError) //nolint:errorlint // as HideError makes it
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
