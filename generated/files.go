package generated

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
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

// AddFile adds a file to a body of multipart/form-data. A name with a line break or another control character is an error of
// the request.
func (r *Request) AddFile(name string, file File) {
	if file.Content == nil || file.Name == "" {
		r.fail(errors.New("the file " + name + " has no name or no content"))
		return
	}
	if file.MediaType == "" {
		file.MediaType = "application/octet-stream"
	}
	r.addPart(name, file.Name, file.MediaType)
	if r.err != nil {
		return
	}
	f := r.form
	f.files, f.ends = append(f.files, file.Content), append(f.ends, f.body.Len())
	if size := sizeOf(file.Content); size < 0 || f.size < 0 {
		f.size = -1
	} else {
		f.size += size
	}
}

// AddField adds a field that is no file to a body of multipart/form-data.
func (r *Request) AddField(name, value string) {
	if r.addPart(name, "", ""); r.err == nil {
		r.form.body.WriteString(value)
	}
}

func (r *Request) addPart(name, file, mediaType string) {
	if strings.ContainsFunc(name+file+mediaType, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.fail(fmt.Errorf("the name of the field %q, or of its file, has a control character", name))
		return
	}
	if r.form == nil {
		r.form = &form{set: map[string]bool{}}
		r.form.writer = multipart.NewWriter(&r.form.body)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
	header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + quote(name) + `"`}}
	if mediaType != "" {
		header.Set("Content-Disposition", header.Get("Content-Disposition")+`; filename="`+quote(file)+`"`)
		header.Set("Content-Type", mediaType)
	}
	_, err := r.form.writer.CreatePart(header)
	if err != nil { // a buffer takes everything
		r.fail(err)
	}
	r.form.set[name], r.hasBody = true, true
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

// Streamed reports whether the request has files.
func (r *Request) Streamed() bool { return r.form != nil }

// Touched reports whether a file of the request was read, so that it cannot be sent again.
func (r *Request) Touched() bool {
	r.form.mu.Lock()
	defer r.form.mu.Unlock()
	return r.form.touched
}

// Finish ends the reading of the request's files.
func (r *Request) Finish() {
	r.form.mu.Lock()
	r.form.finished = true
	r.form.mu.Unlock()
}
