package dingtalk_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() { addRow("row_46_HTTP2_stream_or_connection_dies", testHTTP2) }

// The frames of HTTP/2 (RFC 9113), as far as these tests need them.
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameGoAway       = 0x7
	flagEndStream     = 0x1
	flagAck           = 0x1
	flagEndHeaders    = 0x4
	codeInternalError = 0x2
	codeRefusedStream = 0x7
	status200         = "\x88" // entry 8 of HPACK's static table
	preface           = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

type frame struct {
	kind, flags byte
	stream      uint32
	payload     string
}

func (f frame) write(w io.Writer) error {
	head := make([]byte, 9)
	binary.BigEndian.PutUint32(head, uint32(len(f.payload))<<8|uint32(f.kind))
	head[4] = f.flags
	binary.BigEndian.PutUint32(head[5:], f.stream)
	_, err := io.WriteString(w, string(head)+f.payload)
	return err
}

func readFrame(r io.Reader) (f frame, err error) {
	head := make([]byte, 9)
	if _, err := io.ReadFull(r, head); err != nil {
		return f, err
	}
	payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
	_, err = io.ReadFull(r, payload)
	return frame{kind: head[3], flags: head[4], stream: binary.BigEndian.Uint32(head[5:]), payload: string(payload)}, err
}

func number(ns ...uint32) string {
	var b []byte
	for _, n := range ns {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return string(b)
}

// newHTTP2Peer speaks HTTP/2 by hand. answer gets the nth request's stream and writes frames; it says whether the
// connection serves on. If deaf, pings are not answered.
func newHTTP2Peer(t *testing.T, config *tls.Config, deaf bool, answer func(n int, stream uint32, c net.Conn) bool) *peer {
	t.Helper()
	config.NextProtos = []string{"h2"}
	return newRawPeer(t, config, func(p *peer, c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, len(preface))); err != nil {
			return
		}
		if frame.write(frame{kind: frameSettings}, c) != nil {
			return
		}
		for {
			f, err := readFrame(c)
			if err != nil {
				return
			}
			switch {
			case f.kind == frameSettings && f.flags&flagAck == 0:
				err = frame{kind: frameSettings, flags: flagAck}.write(c)
			case f.kind == framePing && f.flags&flagAck == 0 && !deaf:
				err = frame{kind: framePing, flags: flagAck, payload: f.payload}.write(c)
			case f.kind == frameHeaders:
				if !answer(int(p.total.Add(1)), f.stream, c) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
}

func succeedHTTP2(stream uint32, c net.Conn) bool {
	return frame{kind: frameHeaders, flags: flagEndHeaders, stream: stream, payload: status200}.write(c) == nil &&
		frame{kind: frameData, flags: flagEndStream, stream: stream, payload: successBody}.write(c) == nil
}

func testHTTP2(t *testing.T) {
	authority := newAuthority(t)
	send := func(frames ...frame) func(uint32, net.Conn) bool {
		return func(stream uint32, c net.Conn) bool {
			for _, f := range frames {
				if f.kind != frameGoAway {
					f.stream = stream
				}
				if f.write(c) != nil {
					return false
				}
			}
			return frames[len(frames)-1].kind != frameGoAway
		}
	}
	headers := frame{kind: frameHeaders, flags: flagEndHeaders, payload: status200}
	for _, test := range []struct {
		name     string
		does     func(stream uint32, c net.Conn) bool
		deaf     bool
		kind     error  // of the error if it happens always; nil if the transport itself tries again until the time limit
		cause    string // in its text
		status   int
		requests int // on the wire until success, if it happens to the first only
	}{
		{name: "stream_reset", does: send(frame{kind: frameReset, payload: number(codeInternalError)}), kind: dingtalk.ErrUnavailable, cause: "INTERNAL_ERROR; received from peer", requests: 2},
		{name: "stream_reset_in_body", does: send(headers, frame{kind: frameData, payload: "{"}, frame{kind: frameReset, payload: number(codeInternalError)}), kind: dingtalk.ErrUnexpectedResponse, cause: "INTERNAL_ERROR; received from peer", status: 200, requests: 2},
		{name: "stream_refused", does: send(frame{kind: frameReset, payload: number(codeRefusedStream)}), requests: 2},
		{name: "going_away_with_an_error", does: send(frame{kind: frameGoAway, payload: number(1, codeInternalError)}), kind: dingtalk.ErrUnavailable, cause: "GOAWAY", requests: 2},
		{name: "going_away_before_the_request", does: send(frame{kind: frameGoAway, payload: number(0, 0)}), requests: 2},
		{name: "garbage", does: func(_ uint32, c net.Conn) bool { return say("HTTP/1.1 200 OK\r\n\r\n" + successBody)(c) }, kind: dingtalk.ErrUnavailable, requests: 2},
		{name: "connection_is_stuck", does: func(_ uint32, c net.Conn) bool { return hang("")(c) }, deaf: true, kind: dingtalk.ErrUnavailable, cause: "connection lost", requests: 2},
	} {
		start := func(t *testing.T, always bool) (*peer, *dingtalk.Client, *handClock) {
			peer := newHTTP2Peer(t, authority.serve(t, nil), test.deaf, func(n int, stream uint32, c net.Conn) bool {
				if always || n == 1 {
					return test.does(stream, c)
				}
				return succeedHTTP2(stream, c)
			})
			httpClient := authority.trusting()
			if transport, ok := httpClient.Transport.(*http.Transport); ok && test.deaf {
				if h := transport.HTTP2; h == nil || h.SendPingTimeout != 10*time.Second || h.PingTimeout != 5*time.Second {
					t.Errorf("the default transport pings as %+v", h)
				}
				transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond}
			}
			clock := newHandClock()
			client := faultClient(t, peer.URL, clock.option(), dingtalk.WithHTTPClient(httpClient), dingtalk.WithTimeout(patience))
			return peer, client, clock
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			t.Run("once", func(t *testing.T) {
				t.Parallel()
				peer, client, _ := start(t, false)
				id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
				if err != nil || id != dingtalktest.OpenConversationID || peer.requests() != test.requests {
					t.Errorf("%q, %v after %d requests", id, err, peer.requests())
				}
			})
			if test.kind == nil {
				return
			}
			t.Run("always", func(t *testing.T) {
				t.Parallel()
				peer, client, clock := start(t, true)
				id, err := client.OpenConversationID(t.Context(), dingtalktest.ChatID)
				e := checkError(t, id, err, test.kind)
				if e.Attempts != 3 || e.StatusCode != test.status || peer.requests() != 3 || len(clock.waited()) != 2 {
					t.Errorf("%d attempts, %d requests, waits %v: %v", e.Attempts, peer.requests(), clock.waited(), err)
				}
				if !strings.Contains(err.Error(), test.cause) {
					t.Errorf("%q is not in: %v", test.cause, err)
				}
			})
		})
	}
}
