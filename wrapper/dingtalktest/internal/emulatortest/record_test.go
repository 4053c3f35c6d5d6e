package emulatortest

import (
	"context"
	"errors"
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
	list := a.Requests(dingtalktest.Filter{Operation: convertOp.ID})
	if len(list) != 2 || list[1].Time.Before(list[0].Time) {
		t.Errorf("%+v", list)
	}
}

func TestRecordSize(t *testing.T) {
	e := dingtalktest.New()
	call := func(from, to int) {
		for i := from; i < to; i++ {
			e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), convertOp.Method, convertPath(fmt.Sprint("c", i)), nil))
		}
	}
	for _, c := range []struct {
		size, from, to int
		kept           string
	}{
		{3, 0, 2, "c0 c1"}, {3, 2, 5, "c2 c3 c4"}, {2, 5, 5, "c3 c4"}, {2, 5, 6, "c4 c5"}, {4, 6, 9, "c5 c6 c7 c8"}, {-1, 9, 10, ""},
	} {
		e.Configure(func(s *dingtalktest.Settings) { s.RecordSize = c.size })
		call(c.from, c.to)
		var got []string
		for _, r := range e.Requests() {
			got = append(got, r.ChatID)
		}
		if strings.Join(got, " ") != c.kept {
			t.Errorf("%+v: kept %v", c, got)
		}
	}
	if e.Count(convertOp) != 10 {
		t.Errorf("counted %d", e.Count(convertOp))
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
				got, err := a.send(a.request(convertOp.Method, convertPath(knownChat), a.IssueToken(), nil))
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

func TestFilterAndCounts(t *testing.T) {
	a := start(t, dingtalktest.WithChat("a", "cidA=="))
	token := a.token().AccessToken
	a.convert(token, "a")
	a.convert(token, "b")
	a.FailNext(dingtalktest.Code(generated.CodeSystemError), dingtalktest.Fault{Kind: "ban"}, dingtalktest.Pass())
	a.convert(token, "a")
	a.convert(token, "a")
	a.convert(token, "a")
	for _, c := range []struct {
		filter dingtalktest.Filter
		want   string
	}{
		{dingtalktest.Filter{}, "1 2 3 4 5 6"},
		{dingtalktest.Filter{Operation: tokenOp.ID}, "1"},
		{dingtalktest.Filter{ChatID: "a"}, "2 4 5 6"},
		{dingtalktest.Filter{ChatID: "a", Status: 200}, "2 6"},
		{dingtalktest.Filter{Code: generated.CodeInvalidChatID}, "3"},
		{dingtalktest.Filter{Fault: "systemError"}, "4"},
		{dingtalktest.Filter{Fault: "ban"}, "5"},
		{dingtalktest.Filter{Fault: "pass"}, "6"},
		{dingtalktest.Filter{ChatID: "a", After: 4}, "5 6"},
		{dingtalktest.Filter{ChatID: "c"}, ""},
	} {
		var got []string
		for _, r := range a.Requests(c.filter) {
			got = append(got, fmt.Sprint(r.Seq))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %s", c.filter, got, c.want)
		}
	}
	a.FailNext(dingtalktest.Bytes([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")))
	a.convert(token, "a")
	a.do(a.request("GET", "/", "", nil))
	want := map[string]dingtalktest.Tally{
		tokenOp.ID: {Requests: 1, Status: map[int]int64{200: 1}, Codes: map[generated.Code]int64{}},
		convertOp.ID: {Requests: 6, Status: map[int]int64{200: 2, 400: 2, 403: 1, 0: 1},
			Codes: map[generated.Code]int64{generated.CodeInvalidChatID: 1, generated.CodeSystemError: 1}},
		"": {Requests: 1, Status: map[int]int64{200: 1}, Codes: map[generated.Code]int64{}},
	}
	if got := a.Counts(); !reflect.DeepEqual(got, want) || a.Count(convertOp) != 6 || a.Count(generated.Operation{ID: "no such"}) != 0 {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestWaitRequests(t *testing.T) {
	a := start(t)
	failures := dingtalktest.Filter{Status: 400}
	got := make(chan int, 1)
	go func() {
		found, err := a.WaitRequests(t.Context(), 2, failures)
		if err != nil {
			t.Error(err)
		}
		got <- len(found)
	}()
	a.known()
	a.convert("", "x")
	select {
	case n := <-got:
		t.Errorf("%d were enough", n)
	default:
	}
	a.convert("", "x")
	if n := <-got; n != 2 {
		t.Errorf("found %d", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if found, err := a.WaitRequests(ctx, 3, failures); !errors.Is(err, context.DeadlineExceeded) || len(found) != 2 {
		t.Errorf("%d, %v", len(found), err)
	}
}

// A long request is cut, large ones are fewer on record than small ones, and the emulator says how many it has dropped.
func TestRecordIsBounded(t *testing.T) {
	e := dingtalktest.New(func(s *dingtalktest.Settings) { s.RecordSize = 100_000 })
	id := strings.Repeat("x", 10_000)
	const n = 500
	for i := range n {
		r := httptest.NewRequestWithContext(t.Context(), convertOp.Method, convertPath(id), nil)
		for field := range 100 {
			r.Header.Add("X-Many", fmt.Sprint(field))
			r.Header.Set(fmt.Sprint("X-", field), id)
		}
		r.ContentLength = int64(i)
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
	kept := e.Requests()
	last := kept[len(kept)-1]
	longest := 0
	for _, values := range last.Header {
		for _, value := range values {
			longest = max(longest, len(value))
		}
		if len(values) > 64 {
			t.Errorf("%d values of a field", len(values))
		}
	}
	if len(last.Header) != 64 || longest != 2051 || len(last.ChatID) != 2051 || len(last.Path) != 2051 || !strings.HasSuffix(last.ChatID, "…") {
		t.Errorf("%d fields, longest %d, id %d, path %d", len(last.Header), longest, len(last.ChatID), len(last.Path))
	}
	if len(kept) < 10 || len(kept) > 8<<20/100_000 || int64(len(kept))+e.Dropped() != n || last.ContentLength != n-1 {
		t.Errorf("%d on record, %d dropped, the last is %d", len(kept), e.Dropped(), last.ContentLength)
	}
	e.ResetRequests()
	if e.Dropped() != 0 || len(e.Requests()) != 0 {
		t.Error("not forgotten")
	}
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if got := e.Requests(); len(got) != 1 || got[0].Seq != n+1 {
		t.Errorf("%+v", got)
	}
}

func TestObserver(t *testing.T) {
	var seen []dingtalktest.Request
	a := start(t, func(s *dingtalktest.Settings) { s.RecordSize = 0 }, func(s *dingtalktest.Settings) { s.Observe = func(r dingtalktest.Request) { seen = append(seen, r) } })
	a.convert("secret-token", "x")
	if len(seen) != 1 || seen[0].Seq != 1 || seen[0].Status != 400 || seen[0].Header != nil || len(a.Requests()) != 0 {
		t.Errorf("%+v", seen)
	}
}
