package generated

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// File is a file to upload.
type File struct {
	Name      string    // such as picture.png; the service looks at what follows the dot
	MediaType string    // such as image/png; empty: application/octet-stream
	Content   io.Reader // read once, while the request is sent; a Read that has begun may end after the call
}

// ErrFilePanicked is the cause of a failure when the reader of a file panicked or ended its goroutine.
var ErrFilePanicked = errors.New("the reader of a file panicked or ended its goroutine")

// form is a body of multipart/form-data. Its files are read while it is sent, so that it can be sent once.
type form struct {
	full
	text    bytes.Buffer // what follows the last file
	writer  *multipart.Writer
	parts   []io.Reader // files, and the text before each
	size    int64       // of the parts; -1: unknown
	set     []string
	touched atomic.Bool
}

// AddFile adds a file to a body of multipart/form-data. A name with a line break or another control character is an error of the request.
func (r *Request) AddFile(name string, file File) {
	if file.Content == nil || file.Name == "" {
		r.fail(errors.New("the file " + name + " has no name or no content"))
		return
	}
	if file.MediaType == "" {
		file.MediaType = "application/octet-stream"
	}
	f := r.formOf(name + file.Name + file.MediaType)
	_, err := f.writer.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(name, file.Name)}, "Content-Type": {file.MediaType},
	})
	r.fail(err)
	f.set, f.parts = append(f.set, name), append(f.parts, strings.NewReader(f.text.String()), file.Content)
	if size := sizeOf(file.Content); size < 0 || f.size < 0 {
		f.size = -1
	} else {
		f.size += int64(f.text.Len()) + size
	}
	f.text.Reset()
}

// AddField adds a field that is no file to a body of multipart/form-data, once for each value.
func (r *Request) AddField(name string, values ...string) {
	for _, value := range values {
		f := r.formOf(name)
		r.fail(f.writer.WriteField(name, r.text("form", name, []string{value}, strings.Clone)))
		f.set = append(f.set, name)
	}
}

// formOf returns the form that is the body. header is what a part's header is to hold.
func (r *Request) formOf(header string) *form {
	if !utf8.ValidString(header) || strings.ContainsFunc(header, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.fail(fmt.Errorf("the name of a field of the body, or of its file, has a control character or is not UTF-8 text: %q", header))
	}
	f, is := r.rest.(*form)
	if !is {
		f = new(form)
		f.writer, r.rest = multipart.NewWriter(&f.text), f
	}
	return f
}

// sizeOf returns how much a reader holds, or -1 if it does not say.
func sizeOf(content io.Reader) int64 {
	switch c := content.(type) {
	case interface{ Len() int }:
		return int64(c.Len())
	case io.Seeker:
		at, errAt := c.Seek(0, io.SeekCurrent)
		end, errEnd := c.Seek(0, io.SeekEnd)
		if _, err := c.Seek(at, io.SeekStart); cmp.Or(errAt, errEnd, err) == nil {
			return end - at
		}
	}
	return -1
}

// attach makes the form the body of a request. What was read of an earlier one is not sent again: see read.
func (f *form) attach(o *Operation, path string, params []parameter, req *http.Request) error {
	end := f.text.String() + "\r\n--" + f.writer.Boundary() + "--\r\n"
	req.Header.Set("Content-Type", f.writer.FormDataContentType())
	if req.ContentLength = -1; f.size >= 0 {
		req.ContentLength = f.size + int64(len(end))
	}
	content := io.MultiReader(append(slices.Clip(f.parts), strings.NewReader(end))...)
	out, in := io.Pipe()
	copies := func() {
		defer context.AfterFunc(req.Context(), func() { _ = out.CloseWithError(context.Cause(req.Context())) })()
		err := ErrFilePanicked
		defer func() { _ = recover(); _ = in.CloseWithError(err) }()
		_, err = io.Copy(in, content)
	}
	req.Body = formBody{out, sync.OnceFunc(func() {
		if f.touched.Swap(true) {
			_ = in.CloseWithError(errors.New("a file of the request was read, and can be read once"))
			return
		}
		go copies()
	})}
	return cmp.Or(f.missing(o, path, params, true), f.full.attach(o, path, params, req))
}

func (f *form) missing(o *Operation, path string, params []parameter, _ bool) error {
	fields := cmp.Or(o.Content, new(Field)).Fields
	for i := range fields {
		if name := fields[i].Name; fields[i].Required && !slices.Contains(f.set, name) {
			return errors.New("the field " + name + " of the body is not set")
		}
	}
	return f.full.missing(o, path, params, true)
}

func (f *form) read() bool { return f.touched.Load() }

// formBody is read by a goroutine, so that a file whose Read blocks holds nobody up. A form is read by one request.
type formBody struct {
	*io.PipeReader
	start func()
}

func (b formBody) Read(p []byte) (int, error) {
	b.start()
	return b.PipeReader.Read(p)
}
