package lang

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"syscall"
)

// faults are errors of the system and the standard library that a user can do something about.
var faults = []struct {
	err  error
	text Format
}{
	{syscall.EISDIR, "it is a folder"},
	{syscall.ENOTDIR, "a part of its path is no folder"},
	{syscall.ENOSPC, "the disk is full"},
	{syscall.EDQUOT, "the disk quota is used up"},
	{syscall.EFBIG, "the file is larger than is allowed"},
	{syscall.EROFS, "the file system is read-only"},
	{syscall.ENAMETOOLONG, "the name is too long"},
	{syscall.ELOOP, "its links lead in a circle"},
	{syscall.EMFILE, "too many files are open"},
	{syscall.EIO, "the device failed"},
	{syscall.ENXIO, "there is no such device"},
	{syscall.EPIPE, "the reader of the pipe has gone"},
	{syscall.EADDRINUSE, "the address is in use"},
	{syscall.EADDRNOTAVAIL, "this machine does not have the address"},
	{syscall.ECONNREFUSED, "the connection was refused"},
	{syscall.ECONNRESET, "the connection was reset"},
	{syscall.EHOSTUNREACH, "the host cannot be reached"},
	{syscall.ENETUNREACH, "the network cannot be reached"},
	{syscall.ETIMEDOUT, "it timed out"},
	{fs.ErrNotExist, "there is no such file or folder"},
	{fs.ErrExist, "it exists already"},
	{fs.ErrPermission, "access is denied"},
	{fs.ErrClosed, "it is closed already"},
	{os.ErrDeadlineExceeded, "it timed out"},
	{context.DeadlineExceeded, "the time limit has passed"},
	{context.Canceled, "it was stopped"},
	{io.ErrUnexpectedEOF, "it ends too early"},
	{io.EOF, "it ended"},
	{zip.ErrFormat, "it is no zip file"},
	{zip.ErrChecksum, "its checksum is wrong"},
	{zip.ErrAlgorithm, "its compression is not supported"},
	{syscall.EINVAL, "the system does not allow it"},
}

// system returns the meaning of an error of the system or the standard library, by its type, or nil.
func system(err error) Said {
	switch e := err.(type) { //nolint:errorlint // each layer is handled separately
	case *fs.PathError:
		return T("%s: %s", Literal(e.Path), e.Err)
	case *os.LinkError:
		return T("%s: %s", Literal(e.New), e.Err)
	case *os.SyscallError:
		return T("%s", e.Err)
	case *url.Error:
		return T("%s", e.Err)
	case *net.OpError:
		if e.Addr == nil {
			return T("%s", e.Err)
		}
		return T("%s: %s", Literal(e.Addr.String()), e.Err)
	case *net.DNSError:
		switch {
		case e.IsNotFound:
			return T("there is no host %s", Literal(e.Name))
		case e.IsTimeout:
			return T("the name server did not answer for %s", Literal(e.Name))
		}
		return T("the name server failed for %s", Literal(e.Name))
	case *json.SyntaxError:
		return T("it is not JSON: it goes wrong at byte %d", e.Offset)
	case net.Error:
		if e.Timeout() {
			return T("it timed out")
		}
	}
	for _, fault := range faults {
		if err == fault.err || isErrno(err) && errors.Is(err, fault.err) { //nolint:errorlint // each layer is handled separately
			return T(fault.text)
		}
	}
	return nil
}

func isErrno(err error) bool {
	_, is := err.(syscall.Errno) //nolint:errorlint // each layer is handled separately
	return is
}
