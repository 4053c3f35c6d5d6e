package wire_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
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
	long, _ := time.ParseDuration(os.Getenv("OPENCONVERSATION_SOAK"))
	var processed sync.Map // by id
	var met, sent, failed atomic.Int64
	faults := http2Faults()
	delete(faults, "stuck") // which takes a time limit each
	names := slices.Collect(maps.Keys(faults))
	config, trusting := encryption(t, "h2")
	server := newRawServer(t, config, -1, fault(func(n int, stream uint32, c net.Conn, body []byte) bool {
		name, does := "", frames(frame{kind: headers, flags: endHeaders, payload: []byte{0x88}}, frame{kind: data, flags: endStream, payload: body})
		if rand.IntN(20) == 0 {
			met.Add(1)
			name = names[rand.IntN(len(names))]
			does = faults[name]
		}
		if !isRefused[name] {
			n, _ := processed.LoadOrStore(string(body), new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
		}
		return does(n, stream, c, body)
	}).http2)
	transport := wire.NewTransport()
	trusting(transport)
	client, err := dingtalk.NewClient(dingtalk.StaticToken("t0ken"), dingtalk.WithBaseURL("https://"+server.host), dingtalk.WithTimeout(5*time.Second),
		dingtalk.WithHTTPClient(&http.Client{Transport: transport}), dingtalk.WithRetry(dingtalk.Retry{BaseDelay: time.Millisecond, MaxDelay: 100 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	end := time.Now().Add(cmp.Or(long, time.Second))
	methods := []string{http.MethodPost, http.MethodGet, http.MethodDelete, http.MethodPut, http.MethodPatch}
	for n := range 16 {
		workers.Go(func() {
			for time.Now().Before(end) {
				id := fmt.Sprint(sent.Add(1))
				body := json.RawMessage(`{"id":"` + id + `"}`)
				var out struct{ ID string }
				err := client.Do(context.Background(), methods[n%len(methods)], "/v1.0/messages/"+string(rune('a'+n%3)), body, &out)
				count, _ := processed.LoadOrStore(string(body), new(atomic.Int64))
				times := count.(*atomic.Int64).Load()
				var e *dingtalk.Error
				good := err == nil && times == 1 && out.ID == id || errors.As(err, &e) && times <= 1 && (times == 0 || e.MayBeDone)
				errorIf(t, !good, "message %s was processed %d times: %q, %v", id, times, out.ID, err)
				if err != nil {
					failed.Add(1)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d messages, %d requests, %d faults, %d failed", sent.Load(), server.requests.Load(), met.Load(), failed.Load())
	errorIf(t, met.Load() == 0 || failed.Load() == 0, "no fault was met")
}
