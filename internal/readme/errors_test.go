package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// faults are the answers of each row: its codes, or what it is for that comes without one.
func faults(s sentinel) []dingtalktest.Fault {
	switch s.name {
	case "ErrBlocked":
		return []dingtalktest.Fault{dingtalktest.Ban(), dingtalktest.BanJSON()}
	case "ErrUnexpectedResponse":
		return []dingtalktest.Fault{dingtalktest.Raw(http.StatusOK, "text/html", []byte("<html></html>"))}
	case "ErrRedirect":
		return []dingtalktest.Fault{dingtalktest.Raw(http.StatusFound, "", nil).WithHeader("Location", "https://example.com/")}
	}
	var list []dingtalktest.Fault
	for _, row := range s.rows() {
		list = append(list, dingtalktest.Code(row.Code))
	}
	return list
}

// notAnswers are the sentinels that no answer leads to. TestErrorsWithoutAnAnswer has them.
var notAnswers = []string{"ErrTLS", "ErrNotTried", "ErrPanicked"}

// The table says of each code what a client does that gets it.
func TestErrorsTable(t *testing.T) {
	asked := map[generated.Code]bool{}
	for _, s := range sentinels {
		list := faults(s)
		if (len(list) == 0) != slices.Contains(notAnswers, s.name) {
			t.Errorf("%s: %d answers", s.name, len(list))
		}
		for _, row := range s.rows() {
			asked[row.Code] = true
		}
		for _, fault := range list {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				fault = fault.For(generated.OperationChatIDToOpenConversationID)
				askOnce(t, s, fault)
				askMany(t, s, fault)
			})
		}
	}
	for _, row := range generated.ErrorCodes {
		if !asked[row.Code] {
			t.Errorf("%s has no row", row.Code)
		}
	}
}

// A run whose first chat meets a certificate that nobody trusts: that is not repeated and ends the run, and no call is
// made for the others.
func TestErrorsWithoutAnAnswer(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of every handshake that is broken off
	server.StartTLS()
	defer server.Close()
	c, err := dingtalk.NewClient(dingtalk.StaticToken("token"), dingtalk.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	want := []error{dingtalk.ErrTLS, dingtalk.ErrNotTried, dingtalk.ErrNotTried}
	met := 0
	for conversion, err := range c.OpenConversationIDs(t.Context(), slices.Values([]string{"chat1", "chat2", "chat3"}), dingtalk.WithConcurrency(1)) {
		var failed *dingtalk.Error
		if !errors.Is(err, want[met]) || met == 0 && (!errors.As(err, &failed) || failed.Attempts != 1) {
			t.Errorf("%s: %v, want %v after one attempt at most", conversion.ChatID, err, want[met])
		}
		met++
	}
	if met != len(want) {
		t.Errorf("%d results, want %d", met, len(want))
	}
}

func client(t *testing.T, retry dingtalk.Retry, options ...dingtalktest.Option) (*dingtalktest.Server, *dingtalk.Client) {
	t.Helper()
	server := dingtalktest.NewServer(t, append(options, dingtalktest.WithAnyChat())...)
	c, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(server.URL), dingtalk.WithRetry(retry), dingtalk.WithLimiter(dingtalk.NewLimiter(1e6)))
	if err != nil {
		t.Fatal(err)
	}
	return server, c
}

// askOnce asks which error it is, and how often the client repeats the call.
func askOnce(t *testing.T, s sentinel, fault dingtalktest.Fault) {
	var options []dingtalktest.Option
	if s.kind().Name() == generated.KindUnauthenticated { // whoever asks again gets another token, so that it may be tried
		options = append(options, dingtalktest.WithTokenLifetime(1), dingtalktest.WithExpireIn(7200))
	}
	server, c := client(t, dingtalk.Retry{BaseDelay: 1, MaxDelay: 1, MaxWait: 1}, options...)
	server.FailNext(fault.Always())
	_, err := c.OpenConversationID(t.Context(), "chat1")
	var failed *dingtalk.Error
	if !errors.As(err, &failed) || !errors.Is(err, s.is) {
		t.Fatalf("got %v", err)
	}
	row := generated.LookupErrorCode(string(failed.Code))
	attempts := 1
	switch {
	case row == nil:
	case row.Token == generated.TokenDrop, row.Token == generated.TokenFetch:
		attempts = 2
	case row.Retry && row.Wait == 0:
		attempts = 3
	case row.Retry && failed.RetryAfter != row.Wait: // longer than MaxWait, so it was not repeated
		t.Errorf("%s: to be repeated after %s, the table says %s", row.Code, failed.RetryAfter, row.Wait)
	}
	if failed.Attempts != attempts {
		t.Errorf("%s: %d attempts, the table says %d", failed.Code, failed.Attempts, attempts)
	}
}

// askMany asks whether a run goes on that meets the error, and after how many in a row it ends.
func askMany(t *testing.T, s sentinel, fault dingtalktest.Fault) {
	run := func(times int) (ended bool) {
		server, c := client(t, dingtalk.Retry{MaxAttempts: 1, MaxWait: 1})
		if s.kind().Name() == generated.KindUnauthenticated {
			times *= 2 // one more for the replay
		}
		server.FailNext(fault.Times(times))
		var ids []string
		for i := range 20 {
			ids = append(ids, "chat"+strconv.Itoa(i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, err := range c.OpenConversationIDs(ctx, slices.Values(ids), dingtalk.WithConcurrency(1)) {
			ended = ended || errors.Is(err, dingtalk.ErrNotTried)
		}
		return ended
	}
	limit := s.kind().InARow()
	if limit == 0 {
		if run(10) {
			t.Error("the run ended")
		}
		return
	}
	if limit > 1 && run(limit-1) {
		t.Errorf("the run ended before %d in a row", limit)
	}
	if !run(limit) {
		t.Errorf("the run went on after %d", limit)
	}
}
