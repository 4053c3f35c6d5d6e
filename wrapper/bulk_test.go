package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// chatIDs makes n distinct ids.
func chatIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("chat%032x", i)
	}
	return ids
}

// bulkClient makes a client without a rate limit, which would make tests slow.
func bulkClient(t *testing.T, srv *dingtalktest.Server, opts ...dingtalk.Option) *dingtalk.Client {
	t.Helper()
	opts = append([]dingtalk.Option{
		dingtalk.WithBaseURL(srv.URL), dingtalk.WithLimiter(rate.NewLimiter(rate.Inf, 1)),
	}, opts...)
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func calls(srv *dingtalktest.Server) int64 {
	return int64(srv.Count(generated.OperationChatIDToOpenConversationID))
}

func TestBulkKeepsOrderAndCallsEachIDOnce(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	client := bulkClient(t, srv)
	distinct := chatIDs(400)
	var ids []string
	for i := range 1000 {
		ids = append(ids, distinct[i*7%len(distinct)])
	}
	i := 0
	for conv, err := range client.OpenConversationIDs(t.Context(), slices.Values(ids)) {
		if err != nil || conv.ChatID != ids[i] || conv.OpenConversationID != dingtalktest.OpenConversationIDOf(ids[i]) {
			t.Fatalf("row %d: %+v, %v; the id is %s", i, conv, err, ids[i])
		}
		i++
	}
	if i != len(ids) || calls(srv) != int64(len(distinct)) {
		t.Errorf("%d rows and %d calls; want %d and %d", i, calls(srv), len(ids), len(distinct))
	}
}

func TestBulkGoesOnAfterErrorsOfOneChat(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithOwnerNotVisible("chatOwner"))
	client := bulkClient(t, srv)
	ids := []string{"chatA", "unknown1", "..", "chatOwner", "", "chatB", "cidAlready==", "chatB"}
	want := []error{nil, dingtalk.ErrInvalidChatID, dingtalk.ErrInvalidChatID, dingtalk.ErrOwnerNotVisible, dingtalk.ErrInvalidChatID, nil, dingtalk.ErrInvalidChatID, nil}
	i := 0
	for conv, err := range client.OpenConversationIDs(t.Context(), slices.Values(ids)) {
		if !errors.Is(err, want[i]) || (err == nil) != (conv.OpenConversationID != "") || conv.ChatID != ids[i] {
			t.Errorf("%q: %+v, %v; want %v", ids[i], conv, err, want[i])
		}
		i++
	}
	if i != len(ids) || calls(srv) != 4 {
		t.Errorf("%d rows, %d calls; want %d and 4", i, calls(srv), len(ids))
	}
}

// A failure that every further chat would meet stops the run: only calls in flight may follow, and each id without a
// call reports the cause.
func TestBulkStopsAtWhatEveryChatWouldMeet(t *testing.T) {
	const good, total, concurrency = 30, 300, 4
	for name, c := range map[string]struct {
		fault dingtalktest.Fault
		want  error
	}{
		"quota":      {dingtalktest.Code(generated.CodeOrgQuotaExhausted), dingtalk.ErrQuotaExhausted},
		"permission": {dingtalktest.Code(generated.CodePermissionDenied), dingtalk.ErrPermissionDenied},
		"address":    {dingtalktest.Code(generated.CodeIPNotAllowed), dingtalk.ErrIPNotAllowed},
		"ban":        {dingtalktest.Ban(), dingtalk.ErrBlocked},
		"redirect":   {dingtalktest.Raw(302, "text/html", nil).WithHeader("Location", "https://example.com/"), dingtalk.ErrRedirect},
		"html":       {dingtalktest.Raw(200, "text/html", []byte("<html>log in</html>")), dingtalk.ErrUnexpectedResponse},
		"failing":    {dingtalktest.Code(generated.CodeServiceBusy), dingtalk.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
			convert := generated.OperationChatIDToOpenConversationID
			srv.FailNext(dingtalktest.Pass().For(convert).Times(good), c.fault.For(convert).Always())
			client := bulkClient(t, srv, dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 1}))
			ids := chatIDs(total)
			rows, converted, failed, notTried := 0, 0, 0, 0
			for conv, err := range client.OpenConversationIDs(t.Context(), slices.Values(ids), dingtalk.WithConcurrency(concurrency)) {
				switch {
				case conv.ChatID != ids[rows]:
					t.Fatalf("row %d is %s, not %s", rows, conv.ChatID, ids[rows])
				case err == nil:
					converted++
				case !errors.Is(err, c.want):
					t.Errorf("row %d: %v; want %v in it", rows, err, c.want)
				case errors.Is(err, dingtalk.ErrNotTried):
					notTried++
				default:
					failed++
				}
				rows++
			}
			if rows != total || converted != good || notTried == 0 || failed == 0 || failed > 2*concurrency+5 {
				t.Errorf("%d rows: %d converted, %d failed, %d not tried", rows, converted, failed, notTried)
			}
			if int(calls(srv)) != converted+failed && name != "ban" { // a banned client refuses without a request
				t.Errorf("%d calls for %d results", calls(srv), converted+failed)
			}
		})
	}
}

func TestBulkWaitsOutThrottles(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	srv.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(generated.OperationChatIDToOpenConversationID).Times(6))
	clk := newHandClock()
	client := bulkClient(t, srv, clk.option())
	ids := chatIDs(20)
	rows := 0
	for conv, err := range client.OpenConversationIDs(t.Context(), slices.Values(ids), dingtalk.WithConcurrency(1)) {
		if err != nil || conv.OpenConversationID == "" {
			t.Fatalf("row %d: %v", rows, err)
		}
		rows++
	}
	if rows != len(ids) || calls(srv) != int64(len(ids)+6) {
		t.Errorf("%d rows, %d calls", rows, calls(srv))
	}
}

func TestBulkEndsWithItsLoop(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	client := bulkClient(t, srv)
	var taken atomic.Int64
	endless := func(yield func(string) bool) {
		for i := 0; yield(fmt.Sprintf("chat%032x", i)); i++ {
			taken.Add(1)
		}
	}
	rows, before := 0, runtime.NumGoroutine()
	for _, err := range client.OpenConversationIDs(t.Context(), endless) {
		if rows++; err != nil || rows == 50 {
			break
		}
	}
	client.CloseIdleConnections()
	eventually(t, "all goroutines of the run have ended", func() bool { return runtime.NumGoroutine() <= before })
	if made := calls(srv); made > 50+16*10 {
		t.Errorf("%d calls for 50 rows", made)
	}
}

func TestBulkEndsWithItsContext(t *testing.T) {
	blocked := func(yield func(string) bool) { // an input that never ends, like a pipe that nobody closes
		for _, id := range chatIDs(10) {
			if !yield(id) {
				return
			}
		}
		<-t.Context().Done()
	}
	for name, input := range map[string]iter.Seq[string]{
		"endless": func(yield func(string) bool) {
			for yield("chat") {
			}
		},
		"blocked": blocked,
	} {
		srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
		client := bulkClient(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		rows, last := 0, error(nil)
		for _, err := range client.OpenConversationIDs(ctx, input) {
			if rows++; rows == 10 {
				cancel()
			}
			last = err
		}
		cancel()
		if rows < 10 || !errors.Is(last, context.Canceled) {
			t.Errorf("%s: %d rows; the last error is %v", name, rows, last)
		}
	}
}

func TestBulkForgetsBeyondItsMemory(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	client := bulkClient(t, srv)
	ids := append(chatIDs(10), chatIDs(10)...)
	for _, err := range client.OpenConversationIDs(t.Context(), slices.Values(ids), dingtalk.WithMemory(5)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls(srv) != 20 {
		t.Errorf("%d calls with a memory of 5 ids, 10 apart; want 20", calls(srv))
	}
}

// Without a limiter, a client limits the rate of runs but not of single calls.
func TestBulkHasAPaceOfItsOwn(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a fifth of the time for the ids at the default rate
	defer cancel()
	rows := 0
	for _, err := range client.OpenConversationIDs(ctx, slices.Values(chatIDs(100))) {
		if err == nil {
			rows++
		}
	}
	if rows > 40 {
		t.Errorf("%d chats were converted in a second", rows)
	}
}

// A run decides by the last failure of a call, not by earlier ones.
func TestBulkEndsByTheKind(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithAnyChat(), dingtalktest.WithExpireIn(10))
	client := bulkClient(t, srv, newHandClock().option(), dingtalk.WithRetry(dingtalk.Retry{BaseDelay: time.Minute, MaxDelay: time.Minute}))
	convert(t, client, "any")
	srv.FailNext(dingtalktest.Code(generated.CodeServiceBusy).For(convertOp)) // the token expires before the repeat
	srv.FailNext(dingtalktest.Code(generated.CodeInvalidClientIDOrSecret).For(tokenOp).Always())
	var errs []error
	for _, err := range client.OpenConversationIDs(t.Context(), slices.Values(chatIDs(3)), dingtalk.WithConcurrency(1)) {
		errs = append(errs, err)
	}
	if len(errs) != 3 || !errors.Is(errs[0], dingtalk.ErrUnauthenticated) || !errors.Is(errs[0], dingtalk.ErrUnavailable) || !errors.Is(errs[1], dingtalk.ErrNotTried) {
		t.Errorf("got %q", errs)
	}
}
