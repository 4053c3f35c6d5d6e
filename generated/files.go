package generated

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
)

// File is a file to upload.
type File struct {
	Name      string    // such as picture.png; the service looks at what follows the dot
	MediaType string    // such as image/png; empty: application/octet-stream
	Content   io.Reader // read once, while the request is sent, and never after the call has ended
}

// form is a body of multipart/form-data. Its files are read while it is sent, so that it can be sent once.
type form struct {
	body     bytes.Buffer // what is before each file, and behind the last
	writer   *multipart.Writer
	files    []io.Reader
	ends     []int // where in body a file is
	size     int64 // of the files; -1: unknown
	set      map[string]bool
	mu       sync.Mutex
	touched  bool
	finished bool
}

// sizeOf returns how much a reader holds, or -1 if it does not say.
func sizeOf(content io.Reader) int64 {
	if held, is := content.(interface{ Len() int }); is {
		return int64(held.Len())
	}
	seeker, is := content.(io.Seeker)
	if !is {
		return -1
	}
	at, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if _, back := seeker.Seek(at, io.SeekStart); err != nil || back != nil {
		return -1
	}
	return end - at
}

// attach makes the form the body of a request.
func (f *form) attach(req *http.Request) {
	text := f.body.String() + "\r\n--" + f.writer.Boundary() + "--\r\n"
	var parts []io.Reader
	at := 0
	for i, file := range f.files {
		parts = append(parts, strings.NewReader(text[at:f.ends[i]]), file)
		at = f.ends[i]
	}
	parts = append(parts, strings.NewReader(text[at:]))
	req.Header.Set("Content-Type", f.writer.FormDataContentType())
	if req.ContentLength = -1; f.size >= 0 {
		req.ContentLength = int64(len(text)) + f.size
	}
	req.Body = formBody{io.MultiReader(parts...), f}
}

// formBody notes that a form was read, and reads no more of its files once the call has ended.
type formBody struct {
	parts io.Reader
	form  *form
}

func (b formBody) Read(p []byte) (int, error) {
	b.form.mu.Lock()
	b.form.touched = true
	finished := b.form.finished
	b.form.mu.Unlock()
	if finished {
		return 0, errors.New("the call has ended")
	}
	return b.parts.Read(p)
}

func (b formBody) Close() error { return nil }
