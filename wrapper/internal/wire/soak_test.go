package wire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/wire"
)

// TestSoak sends messages that may be sent once, by several methods and through faults of HTTP/2, and counts at the
// server. OPENCONVERSATION_SOAK is how long, such as 5m.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("OPENCONVERSATION_SOAK"))
	if err != nil {
		long = time.Second
	}
	var processed sync.Map // *atomic.Int64 by id
	var requests, faults atomic.Int64
	config, trusting := encryption(t, "h2")
	server := newRawServer(t, config, -1, http2(func(_ int, stream uint32, c net.Conn, body []byte) bool {
		requests.Add(1)
		count := func() {
			n, _ := processed.LoadOrStore(string(body), new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
		}
		answer := func() bool {
			return frames(frame{kind: headers, flags: endHeaders, payload: []byte{0x88}}, frame{kind: data, flags: endStream, payload: body})(0, stream, c, body)
		}
		switch kind := rand.IntN(400); {
		case kind >= 19:
			count()
			return answer()
		case kind == refusedStream: // and so not processed
			faults.Add(1)
			return frames(frame{kind: reset, payload: numbers(refusedStream)})(0, stream, c, body)
		case kind < 14:
			faults.Add(1)
			count()
			return frames(frame{kind: reset, payload: numbers(uint32(kind))})(0, stream, c, body)
		case kind < 17:
			faults.Add(1)
			count()
			last := []uint32{0, stream, 1<<31 - 1}[kind-14]
			frames(frame{kind: goAway, payload: numbers(last, uint32(rand.IntN(2)))})(0, stream, c, body)
			return kind != 16 && answer() && false
		default:
			faults.Add(1)
			count()
			return kind == 17 && rst(c)
		}
	}))
	transport := wire.NewTransport()
	trusting(transport)
	client, err := dingtalk.NewClient(dingtalk.StaticToken("t0ken"), dingtalk.WithBaseURL("https://"+server.host), dingtalk.WithTimeout(5*time.Second),
		dingtalk.WithHTTPClient(&http.Client{Transport: transport}), dingtalk.WithRetry(dingtalk.Retry{BaseDelay: time.Millisecond, MaxDelay: 100 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	var sent, failed, unsure, wrong atomic.Int64
	var workers sync.WaitGroup
	end := time.Now().Add(long)
	methods := []string{http.MethodPost, http.MethodGet, http.MethodDelete, http.MethodPut, http.MethodPatch}
	for n := range 16 {
		workers.Go(func() {
			for time.Now().Before(end) {
				id := fmt.Sprint(sent.Add(1))
				body := map[string]string{"id": id}
				var out struct{ ID string }
				err := client.Do(context.Background(), methods[n%len(methods)], "/v1.0/messages/"+string(rune('a'+n%3)), body, &out)
				raw, _ := json.Marshal(body)
				times := int64(0)
				if n, ok := processed.LoadAndDelete(string(bytes.TrimSpace(raw))); ok {
					times = n.(*atomic.Int64).Load()
				}
				var e *dingtalk.Error
				switch {
				case times > 1, err == nil && (times != 1 || out.ID != id), err != nil && (!errors.As(err, &e) || times == 1 && !e.MayBeDone):
					wrong.Add(1)
					t.Errorf("message %s was processed %d times: %q, %v", id, times, out.ID, err)
				case err != nil:
					failed.Add(1)
					if e.MayBeDone && times == 0 {
						unsure.Add(1)
					}
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d messages, %d requests, %d faults: %d failed (%d of them in vain thought possible), %d wrong", sent.Load(), requests.Load(), faults.Load(), failed.Load(), unsure.Load(), wrong.Load())
	if faults.Load() == 0 || failed.Load() == 0 {
		t.Error("no fault was met")
	}
}
