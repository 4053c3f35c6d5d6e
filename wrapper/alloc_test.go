//go:build !race && unix

// The race detector allocates, too, so these limits hold only without it. Other systems tell processor time otherwise.

package dingtalk_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Limits of a call's allocations, independent of the machine and its load. A hand-written call with net/http, without
// the client's safety, takes 64 allocations and 5,370 bytes for the same answer; 41 of the allocations are net/http's own.
const (
	maxAllocs      = 49
	maxBytes       = 3400
	maxErrorFactor = 1.3 // an error, as a multiple of a success
)

func TestCallAllocatesLittle(t *testing.T) {
	ctx := t.Context()
	address := canned(t, cannedReply(200, fmt.Sprintf(`{"openConversationId":%q}`, dingtalktest.OpenConversationID)))
	converts := func(creds dingtalk.Credentials, opts ...dingtalk.Option) func() {
		client := newClient(t, address, creds, opts...)
		return func() {
			if id, err := client.OpenConversationID(ctx, dingtalktest.ChatID); id != dingtalktest.OpenConversationID || err != nil {
				t.Fatalf("%q, %v", id, err)
			}
		}
	}
	allocs, size := costOf(converts(appCredentials))
	t.Logf("a call: %d allocations, %d bytes", allocs, size)
	errorIf(t, allocs > maxAllocs || size > maxBytes, "%d allocations, %d bytes; at most %d and %d", allocs, size, maxAllocs, maxBytes)
	static, _ := costOf(converts(dingtalk.StaticToken("t0ken")))
	errorIf(t, allocs > static, "%d allocations with a cached token, %d with a static one", allocs, static)
	logged, _ := costOf(converts(appCredentials, dingtalk.WithLogger(slog.New(slog.DiscardHandler))))
	errorIf(t, logged > allocs, "%d allocations with a logger whose levels are off, %d without", logged, allocs)
	client := newClient(t, canned(t, cannedReply(400, `{"requestid":"30EE8654-1AA2-7D88-8248-9518547248AA","code":"invalideChatId","message":"Invalid chatId"}`)), appCredentials)
	failing, failingSize := costOf(func() {
		if _, err := client.OpenConversationID(ctx, dingtalktest.ChatID); !errors.Is(err, dingtalk.ErrInvalidChatID) {
			t.Fatal(err)
		}
	})
	t.Logf("an error: %d allocations, %d bytes", failing, failingSize)
	errorIf(t, float64(failing) > maxErrorFactor*float64(allocs) || float64(failingSize) > maxErrorFactor*float64(size),
		"an error takes %d allocations and %d bytes, more than %v times %d and %d", failing, failingSize, maxErrorFactor, allocs, size)
}

// costOf returns the allocations of one run of f: the least of some batches, because other tests' leftovers count, too.
func costOf(f func()) (allocs, size uint64) {
	const runs = 200
	f() // warm-up: fetches a token, dials and fills pools
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	allocs, size = math.MaxUint64, math.MaxUint64
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			f()
		}
		runtime.ReadMemStats(&after)
		n, s := (after.Mallocs-before.Mallocs)/runs, (after.TotalAlloc-before.TotalAlloc)/runs
		allocs, size = min(allocs, n), min(size, s)
	}
	return allocs, size
}

// BenchmarkLargeAnswer makes calls whose answer of 1 MiB is full of what costs a reader most. cpu-ms is the processor time of
// a call, with the server's and the collector's.
func BenchmarkLargeAnswer(b *testing.B) {
	for _, unit := range []string{`"a":1,`, `"code":1,`, `"a":[[]],`, `"\\u0061":"\\\\",`, `"\/aaaa":1,`, `"code":"\/",`} {
		body := "{" + strings.Repeat(unit, 1<<20/len(unit)-1) + `"z":0}`
		for name, status := range map[string]int{"refused": 400, "without the id": 200, "decoded": 200} {
			b.Run(name+" "+unit, func(b *testing.B) {
				client := newClient(b, canned(b, cannedReply(status, body)), dingtalk.StaticToken("t0ken"), oneAttempt)
				begun := processorTime()
				for b.Loop() {
					if name != "decoded" {
						_, _ = client.OpenConversationID(b.Context(), "any")
					} else if err := client.Do(b.Context(), "GET", "/any", nil, &struct{ Z int }{}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((processorTime()-begun).Microseconds())/1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// processorTime is this process's, in user and system mode.
func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail with these arguments
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func cannedReply(status int, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %d Status\r\nDate: Mon, 02 Nov 2026 15:04:05 GMT\r\nContent-Type: application/json;charset=utf-8\r\n"+
		"x-acs-request-id: 30EE8654-1AA2-7D88-8248-9518547248AA\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

// canned serves one answer to every request, and a token to token requests. It allocates nothing per request.
func canned(t testing.TB, answer []byte) (url string) {
	t.Helper()
	listener := httptest.NewUnstartedServer(nil).Listener
	t.Cleanup(func() { listener.Close() })
	token := cannedReply(200, `{"accessToken":"t0ken","expireIn":7200}`)
	path, bodyEnd, headEnd := []byte(tokenOp.Path+" "), []byte("}"), []byte("\r\n\r\n")
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go func() {
				defer conn.Close()
				buf := make([]byte, 4<<10)
				for n := 0; ; {
					m, err := conn.Read(buf[n:])
					if n += m; err != nil {
						return
					}
					reply, end := answer, headEnd
					if bytes.Contains(buf[:n], path) {
						reply, end = token, bodyEnd
					}
					if bytes.HasSuffix(buf[:n], end) {
						n = 0
						_, _ = conn.Write(reply)
					}
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}
