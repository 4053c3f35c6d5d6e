package shapes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func newClient(t *testing.T, server *dingtalktest.Server, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	creds := dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
	client, err := dingtalk.NewClient(creds, append(opts, dingtalk.WithBaseURL(server.URL))...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

var picture = generated.UploadMediaParams{Type: "image"}

// TestUpload: a file reaches the server byte for byte, whether its size is known or not.
func TestUpload(t *testing.T) {
	content := bytes.Repeat([]byte("\x00\r\n--picture\xff"), 100_000)
	for name, reader := range map[string]io.Reader{"known": bytes.NewReader(content), "unknown": io.MultiReader(bytes.NewReader(content))} {
		t.Run(name, func(t *testing.T) {
			var got []byte
			var file, media string
			var length int64
			server := dingtalktest.NewServer(t, dingtalktest.WithAnswer("uploadMedia", func(r *http.Request) any {
				_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
				part, err := multipart.NewReader(r.Body, params["boundary"]).NextPart()
				if err != nil {
					t.Error(err)
					return nil
				}
				got, _ = io.ReadAll(part)
				file, media, length = part.FileName(), part.Header.Get("Content-Type"), r.ContentLength
				return map[string]any{"errcode": 0, "media_id": "@m"}
			}))
			answer, err := newClient(t, server).UploadMedia(t.Context(), picture, generated.File{Name: `群"图\.png`, MediaType: "image/png", Content: reader})
			if err != nil || *answer.MediaID != "@m" || !bytes.Equal(got, content) || file != `群"图\.png` || media != "image/png" || (length > 0) != (name == "known") {
				t.Errorf("got %+v, %v; %d bytes of %q, %s, length %d", answer, err, len(got), file, media, length)
			}
		})
	}
}

// TestUploadOnce: what was read is not sent again; what was not, is.
func TestUploadOnce(t *testing.T) {
	server := dingtalktest.NewServer(t)
	client := newClient(t, server)
	upload := func() error {
		_, err := client.UploadMedia(t.Context(), picture, generated.File{Name: "a.png", Content: strings.NewReader("x")})
		return err
	}
	for _, tt := range []struct {
		name  string
		fault dingtalktest.Fault
		kind  error
	}{
		{"throttle", dingtalktest.Raw(200, "application/json", []byte(`{"errcode":90018,"errmsg":"slow"}`)), nil},
		{"rejected token", dingtalktest.Code(generated.CodeInvalidAuthentication), dingtalk.ErrUnauthenticated},
		{"unavailable", dingtalktest.Raw(503, "", nil), dingtalk.ErrUnavailable},
	} {
		before := server.Count(generated.OperationUploadMedia)
		server.FailNext(tt.fault.For(generated.OperationUploadMedia))
		err := upload()
		failed := (*dingtalk.Error)(nil)
		if n := server.Count(generated.OperationUploadMedia) - before; n != 1 || !errors.As(err, &failed) || tt.kind != nil && !errors.Is(err, tt.kind) || strings.Contains(err.Error(), "access_token=") {
			t.Errorf("%s: %d requests, %v", tt.name, n, err)
		}
		if err := upload(); err != nil {
			t.Errorf("after %s: %v", tt.name, err)
		}
	}
	shared := dingtalk.NewRequest(&generated.OperationUploadMedia)
	shared.AddQuery("type", "image")
	shared.AddFile("media", generated.File{Name: "a.png", Content: io.MultiReader(strings.NewReader("x"))}) // of unknown length
	results := make(chan error, 8)
	for range cap(results) {
		go func() { _, err := dingtalk.Do[json.RawMessage](t.Context(), client, shared); results <- err }()
	}
	done := 0
	for range cap(results) {
		if <-results == nil {
			done++
		}
	}
	before := server.Count(generated.OperationUploadMedia)
	_, err := dingtalk.Do[json.RawMessage](t.Context(), client, shared)
	if n := server.Count(generated.OperationUploadMedia) - before; done != 1 || n != 0 || !errors.Is(err, dingtalk.ErrRejected) {
		t.Errorf("one file: %d uploads at the same time, then %d requests: %v", done, n, err)
	}
}

// TestUploadOfABadReader: a reader that blocks or panics ends its own call alone, in time.
func TestUploadOfABadReader(t *testing.T) {
	blocks, _ := io.Pipe()
	for want, reader := range map[error]io.Reader{context.DeadlineExceeded: blocks, dingtalk.ErrPanicked: io.LimitReader(nil, 1)} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := newClient(t, dingtalktest.NewServer(t)).UploadMedia(ctx, picture, generated.File{Name: "a.png", Content: reader})
		if cancel(); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// TestUploadRefused: nothing is sent for a name that would be another header, or without a file.
func TestUploadRefused(t *testing.T) {
	server := dingtalktest.NewServer(t)
	client := newClient(t, server)
	for _, file := range []generated.File{
		{Name: "a\r\nX-Evil: 1", Content: strings.NewReader("x")}, {Name: "a.png", MediaType: "image/png\nX-Evil: 1", Content: strings.NewReader("x")},
		{Name: "a\x00", Content: strings.NewReader("x")}, {Content: strings.NewReader("x")}, {Name: "a.png"},
		{Name: "a\xff.png", Content: strings.NewReader("x")}, {Name: "a.png", MediaType: "image/\xff", Content: strings.NewReader("x")},
	} {
		_, err := client.UploadMedia(t.Context(), picture, file)
		failed := (*dingtalk.Error)(nil)
		if !errors.As(err, &failed) || !failed.Local || !errors.Is(err, dingtalk.ErrRejected) || !strings.Contains(err.Error(), "media") || server.Count(generated.OperationUploadMedia) != 0 {
			t.Errorf("%q: %v", file.Name, err)
		}
	}
}
