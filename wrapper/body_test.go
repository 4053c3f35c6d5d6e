package dingtalk_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func compressed(body string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close() // neither fails on a buffer
	return b.Bytes()
}

// testBodyTooLarge sends endless bodies, plain and compressed, and measures their cost.
func testBodyTooLarge(t *testing.T) {
	const mebibyte = 1 << 20
	spaces := strings.Repeat(" ", mebibyte)
	member := compressed(spaces) // gzip members may be concatenated: 1024 of these are a gibibyte
	for _, test := range []struct {
		name, head string
		part       []byte
		maxSent    int64 // of the parts, the most that the client may read
	}{
		{"gibibyte_of_gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", member, 1024},
		{"gibibyte_of_gzip_in_an_error", "HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\n\r\n", member, 1024},
		{"gibibyte", "HTTP/1.1 200 OK\r\n\r\n", []byte(spaces), 64},
		{"gibibyte_announced", "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", []byte(spaces), 64},
	} {
		t.Run(test.name, func(t *testing.T) {
			var sent atomic.Int64
			peer := newPeer(t, nil, always(func(c net.Conn) bool {
				_, err := io.WriteString(c, test.head)
				for range 1024 {
					if err != nil {
						break
					}
					if _, err = c.Write(test.part); err == nil {
						sent.Add(1)
					}
				}
				return false
			}))
			client := newStatic(t, peer.URL, newHandClock().option(), dingtalk.WithTimeout(time.Minute))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e := refused(t, client, dingtalk.ErrUnexpectedResponse)
			runtime.ReadMemStats(&after)
			if !errors.Is(e, dingtalk.ErrTooLarge) || e.Attempts != 1 || peer.requests() != 1 || e.StatusCode == 0 {
				t.Errorf("%d requests: %+v", peer.requests(), e)
			}
			if got := sent.Load(); got > test.maxSent {
				t.Errorf("the client took %d of 1024 parts", got)
			}
			// All allocations together bound the peak, whenever the collector ran.
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16*mebibyte {
				t.Errorf("%d bytes allocated", grown)
			}
		})
	}
	for more, kind := range map[int]error{0: nil, 1: dingtalk.ErrTooLarge} {
		body := successBody + strings.Repeat(" ", dingtalk.MaxBodyBytes+more-len(successBody))
		client := newStatic(t, newPeer(t, nil, always(respond(200, "application/json", body))).URL)
		if _, err := client.OpenConversationID(within(t), dingtalktest.ChatID); !errors.Is(err, kind) {
			t.Errorf("%d bytes more than the limit: %v", more, err)
		}
	}
}
