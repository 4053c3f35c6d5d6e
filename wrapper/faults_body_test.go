package dingtalk_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	const (
		truncated = "row_09_body_is_truncated"
		chunks    = "row_10_chunks_are_broken"
		noID      = "row_11_success_without_an_id"
		html      = "row_13_success_is_HTML"
		chunked   = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
		json      = "application/json"
		neither   = "neither a result nor an error"
	)
	length := func(n int64) string { return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n) }
	broken := fault{kind: dingtalk.ErrUnexpectedResponse, cause: io.ErrUnexpectedEOF, status: 200, repeated: true, text: "the body broke off"}
	garbled := fault{kind: dingtalk.ErrUnexpectedResponse, status: 200, repeated: true, text: "the body broke off"}
	refused := fault{kind: dingtalk.ErrUnexpectedResponse, status: 200, text: neither}
	as := func(f fault, row, name string, does script) fault {
		f.row, f.name, f.does = row, name, does
		return f
	}
	faults := []fault{
		as(broken, truncated, "length_too_long", say(length(int64(len(successBody))+1)+successBody)),
		as(broken, truncated, "length_of_a_terabyte", say(length(1<<40)+successBody)),
		as(broken, truncated, "no_body", say(length(int64(len(successBody))))),
		as(broken, truncated, "chunks_do_not_end", say(chunked+"10\r\n0123456789abcdef\r\n")),
		as(broken, truncated, "compressed", say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"+string(compressed(successBody)[:20]))),
		// A body cut at its declared end is not a network fault: nothing shows that it was longer.
		as(refused, truncated, "length_too_short", say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 41\r\n\r\n"+successBody)),

		as(garbled, chunks, "size_is_not_a_number", say(chunked+"zz\r\n"+successBody+"\r\n0\r\n\r\n")),
		as(garbled, chunks, "size_is_negative", say(chunked+"-1\r\n"+successBody+"\r\n0\r\n\r\n")),
		as(garbled, chunks, "size_is_too_small", say(chunked+"3\r\n"+successBody+"\r\n0\r\n\r\n")),
		as(garbled, chunks, "size_overflows", say(chunked+"fffffffffffffffff\r\n"+successBody+"\r\n0\r\n\r\n")),
		as(garbled, chunks, "gzip_is_not_gzip", respond(200, json, successBody, "Content-Encoding: gzip")),

		as(fault{kind: dingtalk.ErrUnexpectedResponse, status: 200, text: "text/html, 54 bytes", notText: "<h1>"}, html, "captive_portal",
			respond(200, "text/html; charset=utf-8", "<html><body><h1>Log in to the network</h1></body></html>"[:54])),
	}
	for name, body := range map[string]string{
		"empty": "", "object": "{}", "null": "null", "array": "[]", "string": `"cid"`, "number": "7", "not_JSON": "cid=",
		"id_is_empty": `{"openConversationId":""}`, "id_is_null": `{"openConversationId":null}`,
		"id_is_a_number": `{"openConversationId":7}`, "id_is_an_object": `{"openConversationId":{}}`,
		"two_values": successBody + successBody, "cut": successBody[:len(successBody)-1],
		"id_twice": `{"openConversationId":"cid","openConversationId":7}`,
	} {
		faults = append(faults, as(refused, noID, name, respond(200, json, body)))
	}
	faults = append(faults,
		fault{row: noID, name: "legacy_envelope", does: respond(200, json, `{"errcode":404,"errmsg":"请求的URI地址不存在"}`),
			kind: dingtalk.ErrUnexpectedResponse, status: 200, text: "404: 请求的URI地址不存在"},
		fault{row: noID, name: "long_and_with_controls", does: respond(200, json, "\x1b[31m"+strings.Repeat("x", 300)+"THE END"),
			kind: dingtalk.ErrUnexpectedResponse, status: 200, text: "·[31mxxxx", notText: "THE END"})
	addFaults(faults)
	addRow("row_12_content_type_is_wrong", testContentTypeIsWrong)
	addRow("row_16_body_is_too_large", testBodyTooLarge)
	addRow("row_17_informational_answers_come_first", testInformational)
}

func compressed(body string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close() // neither fails on a buffer
	return b.Bytes()
}

func wantSuccess(t *testing.T, does script, opts ...dingtalk.Option) {
	t.Helper()
	peer := newPeer(t, nil, func(int) script { return does })
	id, err := faultClient(t, peer.URL, append(opts, newHandClock().option())...).OpenConversationID(t.Context(), dingtalktest.ChatID)
	if err != nil || id != dingtalktest.OpenConversationID || peer.requests() != 1 {
		t.Errorf("%q, %v after %d requests", id, err, peer.requests())
	}
}

func testContentTypeIsWrong(t *testing.T) {
	for _, contentType := range []string{"", "text/plain", "text/html", "application/octet-stream", "nonsense;;;"} {
		wantSuccess(t, respond(http.StatusOK, contentType, successBody))
	}
	wantSuccess(t, respond(http.StatusOK, "application/json", string(compressed(successBody)), "Content-Encoding: gzip"))
}

func testInformational(t *testing.T) {
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
	final := response(http.StatusOK, "application/json", successBody)
	wantSuccess(t, keep("HTTP/1.1 100 Continue\r\n\r\n"+final))
	wantSuccess(t, keep(early+early+final))
	wantSuccess(t, keep("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"+early+final))
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
			peer := newPeer(t, nil, func(int) script {
				return func(c net.Conn) bool {
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
				}
			})
			client := faultClient(t, peer.URL, newHandClock().option(), dingtalk.WithTimeout(time.Minute))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
			runtime.ReadMemStats(&after)
			e := checkError(t, id, err, dingtalk.ErrUnexpectedResponse)
			wantIs(t, err, dingtalk.ErrTooLarge)
			if e.Attempts != 1 || peer.requests() != 1 || e.StatusCode == 0 {
				t.Errorf("%d attempts, %d requests: %v", e.Attempts, peer.requests(), err)
			}
			if got := sent.Load(); got > test.maxSent {
				t.Errorf("the client took %d of 1024 parts", got)
			}
			// All allocations together bound the peak, whenever the collector ran.
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16*mebibyte {
				t.Errorf("%d bytes allocated", grown)
			}
			if grown := int64(after.Sys) - int64(before.Sys); grown > 64*mebibyte {
				t.Errorf("the process grew by %d bytes", grown)
			}
		})
	}
	t.Run("exactly_the_limit", func(t *testing.T) {
		wantSuccess(t, respond(http.StatusOK, "application/json", successBody+strings.Repeat(" ", dingtalk.MaxBodyBytes-len(successBody))))
	})
	t.Run("one_byte_more", func(t *testing.T) {
		peer := newPeer(t, nil, func(int) script {
			return respond(http.StatusOK, "application/json", successBody+strings.Repeat(" ", dingtalk.MaxBodyBytes+1-len(successBody)))
		})
		_, err := faultClient(t, peer.URL).OpenConversationID(t.Context(), dingtalktest.ChatID)
		wantIs(t, err, dingtalk.ErrTooLarge)
	})
}
