package emulatortest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestRequests(t *testing.T) {
	clock := new(fakeClock)
	a := start(t, dingtalktest.WithClock(clock.Now))
	token := a.token().AccessToken
	clock.Advance(time.Second)
	r := a.request(convertOp.Method, convertPath("a/b")+"?access_token="+token, token, strings.NewReader("body"))
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		r.Header.Set(name, "Basic "+dingtalktest.AppSecret)
	}
	r.Header.Set("X-Kept", "kept")
	a.do(r)

	list := a.Requests()
	if len(list) != 2 {
		t.Fatalf("%d requests", len(list))
	}
	first, second := list[0], list[1]
	if first.Operation != tokenOp.ID || first.Method != "POST" || first.Path != tokenOp.Path || first.ChatID != "" ||
		first.Status != 200 || first.Code != "" || first.ContentLength <= 0 || first.Header.Get("Content-Type") != "application/json" {
		t.Errorf("token call: %+v", first)
	}
	if second.Operation != convertOp.ID || second.Path != convertPath("a/b") || second.ChatID != "a/b" || second.ContentLength != 4 ||
		second.Status != 400 || second.Code != generated.CodeInvalidChatID || second.Time.Sub(first.Time) != time.Second {
		t.Errorf("conversion: %+v", second)
	}
	for _, name := range []string{generated.TokenHeader, "Authorization", "Proxy-Authorization", "Cookie"} {
		if got := second.Header.Values(name); len(got) != 1 || got[0] != dingtalktest.Redacted {
			t.Errorf("%s: %q", name, got)
		}
	}
	if text := fmt.Sprintf("%+v", list); strings.Contains(text, token) || strings.Contains(text, dingtalktest.AppSecret) {
		t.Errorf("a secret is on record: %s", text)
	}

	// What was returned is the caller's own.
	second.Header["X-Kept"][0] = "changed"
	if got := a.Requests()[1].Header.Get("X-Kept"); got != "kept" {
		t.Errorf("header %q", got)
	}

	a.ResetRequests()
	if len(a.Requests()) != 0 || len(a.Counts()) != 0 || a.Count(convertOp) != 0 {
		t.Error("not reset")
	}
	a.convert(token, "x")
	if len(a.Requests()) != 1 || a.Count(convertOp) != 1 {
		t.Error("nothing is recorded after a reset")
	}
}

// A request that is answered late does not stand before earlier ones with a later time.
func TestRecordIsInTheOrderOfItsTimes(t *testing.T) {
	clock := new(fakeClock)
	a := start(t, dingtalktest.WithClock(clock.Now))
	token := a.token().AccessToken
	a.FailNext(dingtalktest.Code(generated.CodeServiceBusy).WithDelay(200 * time.Millisecond))
	var late sync.WaitGroup
	late.Go(func() { a.convert(token, "late") })
	for a.Count(convertOp) == 0 {
		runtime.Gosched()
	}
	clock.Advance(time.Second)
	a.convert(token, "early")
	clock.Advance(time.Second)
	late.Wait()
	list := a.RequestsOf(dingtalktest.Filter{Operation: convertOp.ID})
	if len(list) != 2 || list[1].Time.Before(list[0].Time) {
		t.Errorf("%+v", list)
	}
}

func TestCounts(t *testing.T) {
	a := start(t)
	token := a.token().AccessToken
	a.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).Times(2), dingtalktest.Code(generated.CodeServiceBusy), dingtalktest.Bytes([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")))
	for range 6 {
		a.convert(token, dingtalktest.ChatID)
	}
	a.do(a.request("GET", "/", "", nil))
	want := map[string]dingtalktest.Tally{
		tokenOp.ID: {Requests: 1, Status: map[int]int64{200: 1}, Codes: map[generated.Code]int64{}},
		convertOp.ID: {Requests: 6, Status: map[int]int64{200: 2, 403: 2, 503: 1, 0: 1},
			Codes: map[generated.Code]int64{generated.CodeAppQPSLimit: 2, generated.CodeServiceBusy: 1}},
		"": {Requests: 1, Status: map[int]int64{200: 1}, Codes: map[generated.Code]int64{}},
	}
	got := a.Counts()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if a.Count(convertOp) != 6 || a.Count(generated.Operation{ID: "no such"}) != 0 {
		t.Error("Count is not Counts")
	}
}

// TestArrivalIsCounted checks that a request which hangs is counted, and on record.
func TestArrivalIsCounted(t *testing.T) {
	a := start(t)
	a.FailNext(dingtalktest.Hang())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = a.send(a.request(convertOp.Method, convertPath("x"), "", nil))
	}()
	for len(a.Requests()) == 0 {
		runtime.Gosched()
	}
	if a.Count(convertOp) != 1 {
		t.Errorf("counted %d", a.Count(convertOp))
	}
	a.Close()
	<-ended
}

func TestRecordSize(t *testing.T) {
	e := dingtalktest.New(func(s *dingtalktest.Settings) { s.RecordSize = 3 })
	call := func(from, to int) {
		for i := from; i < to; i++ {
			e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), convertOp.Method, convertPath(fmt.Sprint("c", i)), nil))
		}
	}
	check := func(want ...string) {
		t.Helper()
		got := []string{}
		for _, r := range e.Requests() {
			got = append(got, r.ChatID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("kept %v, want %v", got, want)
		}
	}
	call(0, 2)
	check("c0", "c1")
	call(2, 5)
	check("c2", "c3", "c4")
	e.Configure(func(s *dingtalktest.Settings) { s.RecordSize = 2 })
	check("c3", "c4")
	call(5, 6)
	check("c4", "c5")
	e.Configure(func(s *dingtalktest.Settings) { s.RecordSize = 4 })
	call(6, 9)
	check("c5", "c6", "c7", "c8")
	e.Configure(func(s *dingtalktest.Settings) { s.RecordSize = -1 })
	call(9, 10)
	check()
	if e.Count(convertOp) != 10 {
		t.Errorf("counted %d", e.Count(convertOp))
	}
}

func TestLongRequestsAreCut(t *testing.T) {
	e := dingtalktest.New()
	id := strings.Repeat("x", 10_000)
	r := httptest.NewRequestWithContext(t.Context(), convertOp.Method, convertPath(id), nil)
	r.Header.Set("X-Long", id)
	for i := range 100 {
		r.Header.Add("X-Many", fmt.Sprint(i))
		r.Header.Set(fmt.Sprint("X-", i), "y")
	}
	e.ServeHTTP(httptest.NewRecorder(), r)
	got := e.Requests()[0]
	longest := 0
	for _, values := range got.Header {
		for _, value := range values {
			longest = max(longest, len(value))
		}
		if len(values) > 64 {
			t.Errorf("%d values of a field", len(values))
		}
	}
	if len(got.Header) != 64 || longest > 2051 || len(got.ChatID) > 2051 || len(got.Path) > 2051 || !strings.HasSuffix(got.ChatID, "…") {
		t.Errorf("%d fields, longest %d, id %d, path %d", len(got.Header), longest, len(got.ChatID), len(got.Path))
	}
}

// TestConcurrentUse is for the race detector, and checks that counts are exact.
func TestConcurrentUse(t *testing.T) {
	a := start(t, func(s *dingtalktest.Settings) { s.RecordSize = 7 }, dingtalktest.WithQPS(100_000), dingtalktest.WithMonthlyQuota(1<<30))
	const workers, calls = 8, 40
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for call := range calls {
				a.FailNext(dingtalktest.Pass())
				got, err := a.send(a.request(convertOp.Method, convertPath(dingtalktest.ChatID), a.IssueToken(), nil))
				if err != nil || got.status != http.StatusOK && got.status != http.StatusBadRequest {
					t.Errorf("%v %+v", err, got)
				}
				switch (worker + call) % 5 {
				case 0:
					a.RejectTokens()
				case 1:
					a.Configure(func(s *dingtalktest.Settings) { s.RecordSize = 5 + call%3 }, dingtalktest.WithChat("x", "y"))
				case 2:
					_, _, _ = a.Requests(), a.Counts(), a.QuotaUsed()
				case 3:
					_ = a.String()
					a.ClearFaults()
				}
			}
		})
	}
	wait.Wait()
	tally := a.Counts()[convertOp.ID]
	if tally.Requests != workers*calls || tally.Status[200]+tally.Status[400] != workers*calls {
		t.Errorf("counted %+v", tally)
	}
}
