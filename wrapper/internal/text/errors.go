package text

import (
	"errors"
	"net"
)

// HideError returns err, unless its text repeats a secret, as that of a malformed answer may: then one with the secret
// hidden. It still is, for [errors.Is], what err is, and keeps the type of the network's errors.
func (s Secrets) HideError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	shown := s.Hide(text)
	if shown == text {
		return err
	}
	switch e := err.(type) { //nolint:errorlint // what is wrapped is looked at below
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

// hiddenError keeps an error behind functions, into which no formatter looks.
type hiddenError struct {
	text    string
	err     func() error
	secrets func() Secrets
}

func (h *hiddenError) Error() string { return h.text }

// Is lets errors.Is find what the error wraps.
func (h *hiddenError) Is(target error) bool { return errors.Is(h.err(), target) }

// As hands out the network's errors, of which it knows where they could hold a secret.
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

// Timeout reports whether a time limit was the cause.
func (h *hiddenError) Timeout() bool {
	t, ok := Find[interface {
		error
		Timeout() bool
	}](h.err())
	return ok && t.Timeout()
}

// Find finds an error of type T in err's tree. errors.As does the same through reflection, which takes time on the way of
// every failure, and 20 KB of an app that has no other use for it.
func Find[T error](err error) (found T, ok bool) {
	for err != nil {
		if found, ok = err.(T); ok { //nolint:errorlint // this is the walk over what is wrapped
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
