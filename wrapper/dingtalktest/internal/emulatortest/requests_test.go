package emulatortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestFilter(t *testing.T) {
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
		for _, r := range a.RequestsOf(c.filter) {
			got = append(got, fmt.Sprint(r.Seq))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %s", c.filter, got, c.want)
		}
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
	a.convert(a.IssueToken(), dingtalktest.ChatID)
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

// Large requests are fewer on record than small ones, and the emulator says how many it has dropped.
func TestRecordIsBoundedInBytes(t *testing.T) {
	e := dingtalktest.New(func(s *dingtalktest.Settings) { s.RecordSize = 100_000 })
	call := func(header http.Header) {
		r := httptest.NewRequestWithContext(t.Context(), convertOp.Method, convertPath("x"), nil)
		r.Header = header
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
	const n = 500
	for i := range n {
		header := http.Header{}
		for field := range 60 {
			header.Set(fmt.Sprint("X-", field), strings.Repeat("x", 2000))
		}
		header.Set("X-Number", fmt.Sprint(i))
		call(header)
	}
	kept := e.Requests()
	if len(kept) < 10 || len(kept) > 8<<20/100_000 || int64(len(kept))+e.Dropped() != n {
		t.Errorf("%d on record, %d dropped", len(kept), e.Dropped())
	}
	if last := kept[len(kept)-1].Header.Get("X-Number"); last != fmt.Sprint(n-1) {
		t.Errorf("the last is %s", last)
	}
	e.ResetRequests()
	if e.Dropped() != 0 || len(e.Requests()) != 0 {
		t.Error("not forgotten")
	}
	call(http.Header{})
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
