package dingtalk_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// sendOp is not safe to repeat; sendSafeOp is, and shows which faults are retried.
var (
	sendOp     = dingtalk.Operation{ID: "send", Method: http.MethodPost, Path: "/v1.0/test/send", Body: generated.BodyRequired, Status: 200, Required: []string{"id"}}
	sendSafeOp = dingtalk.Operation{ID: "sendSafe", Method: http.MethodPost, Path: "/v1.0/test/sendSafe", Body: generated.BodyRequired, Status: 200, Required: []string{"id"}, Repeat: dingtalk.RepeatSafe}
	sendRoutes = []generated.Route{
		{Operation: &sendOp, Example: `{"id":"m1"}`},
		{Operation: &sendSafeOp, Example: `{"id":"m1"}`},
	}
)

type sentMessage struct{ ID string }

func send(t *testing.T, client *dingtalk.Client, op *dingtalk.Operation) (sentMessage, error) {
	t.Helper()
	r := dingtalk.NewRequest(op)
	r.SetBody(map[string]string{"text": "hello"})
	return dingtalk.Do[sentMessage](within(t), client, r)
}

var quick = []dingtalk.Option{
	dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 3, BaseDelay: time.Nanosecond, MaxDelay: time.Nanosecond, MaxWait: 3 * time.Second}),
	dingtalk.WithTimeout(300 * time.Millisecond),
}

// TestSentOnce: if the service may have processed a request that is not safe to repeat, the client sends it once, by
// the server's count. The safe operation meets the same fault and is retried, which proves the fault.
func TestSentOnce(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for _, tt := range []struct {
		row   string
		fault dingtalktest.Fault
	}{
		{"3 reset before headers", dingtalktest.Reset()},
		{"3 end before headers", dingtalktest.Bytes(nil)},
		{"3 end within headers", dingtalktest.Bytes([]byte("HTTP/1.1 200 OK\r\nContent-"))},
		{"4 end in the body", dingtalktest.Bytes([]byte(answer + "Content-Length: 12\r\n\r\n{\"id\""))},
		{"4 end in a chunk", dingtalktest.Bytes([]byte(answer + "Transfer-Encoding: chunked\r\n\r\n20\r\n{\"id\""))},
		{"7 headers never come", dingtalktest.Hang()},
		{"8 slow body", dingtalktest.Pass().WithDelay(time.Minute)},
		{"9 length too long", dingtalktest.Bytes([]byte(answer + "Content-Length: 1000\r\n\r\n{\"id\":\"m1\"}"))},
		{"36 503 with Retry-After", dingtalktest.Raw(503, "text/plain", nil).WithRetryAfter("1")},
		{"37 500", dingtalktest.Raw(500, "text/plain", nil)},
		{"37 502", dingtalktest.Raw(502, "text/html", []byte("<html>"))},
		{"37 504", dingtalktest.Raw(504, "text/html", []byte("<html>"))},
		{"37 serviceBusy", dingtalktest.Code(generated.CodeServiceBusy)},
		{"37 systemError", dingtalktest.Code(generated.CodeSystemError)},
		{"37 unknownError", dingtalktest.Code(generated.CodeUnknownError)},
	} {
		t.Run(tt.row, func(t *testing.T) {
			t.Parallel()
			server := dingtalktest.NewServer(t, dingtalktest.WithSpec(sendRoutes))
			client := newClient(t, server.URL, appCredentials, quick...)
			server.FailNext(tt.fault.For(sendOp), tt.fault.For(sendSafeOp))
			_, err := send(t, client, &sendOp)
			failed := (*dingtalk.Error)(nil)
			if !errors.As(err, &failed) || failed.Op != "send" || failed.Attempts != 1 {
				t.Errorf("got %v", err)
			}
			if n := server.Count(sendOp); n != 1 {
				t.Errorf("the server got %d requests", n)
			}
			if got, err := send(t, client, &sendSafeOp); got.ID != "m1" || err != nil || server.Count(sendSafeOp) != 2 {
				t.Errorf("the safe one: %v, %v, %d requests", got, err, server.Count(sendSafeOp))
			}
		})
	}
}

// TestSentAgain: a request that the service surely did not process is retried.
func TestSentAgain(t *testing.T) {
	for _, tt := range []struct {
		row   string
		fault dingtalktest.Fault
	}{
		{"20 rejected token", dingtalktest.Code(generated.CodeInvalidAuthentication)},
		{"20 401", dingtalktest.Raw(401, "text/plain", nil)},
		{"32 throttle", dingtalktest.Code(generated.CodeAppQPSLimit)},
		{"36 429", dingtalktest.Raw(429, "text/plain", nil)},
		{"36 429 with Retry-After", dingtalktest.Raw(429, "text/plain", nil).WithRetryAfter("1")},
	} {
		t.Run(tt.row, func(t *testing.T) {
			t.Parallel()
			server := dingtalktest.NewServer(t, dingtalktest.WithSpec(sendRoutes))
			client := newClient(t, server.URL, appCredentials, quick...)
			server.FailNext(tt.fault.For(sendOp))
			if strings.HasPrefix(tt.row, "20") { // the service issues another token only once the one before is invalid
				if _, err := client.Token(within(t)); err != nil {
					t.Fatal(err)
				}
				server.RejectTokens()
			}
			got, err := send(t, client, &sendOp)
			if got.ID != "m1" || err != nil || server.Count(sendOp) != 2 {
				t.Errorf("got %v, %v after %d requests", got, err, server.Count(sendOp))
			}
		})
	}
}

// TestSentAgainWithoutConnection: no connection, no request.
func TestSentAgainWithoutConnection(t *testing.T) {
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(sendRoutes))
	var dials atomic.Int32
	transport := &http.Transport{}
	dialer := net.Dialer{}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) == 2 { // the first is the token call's
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			address = listener.Addr().String()
			listener.Close()
		}
		return dialer.DialContext(ctx, network, address)
	}
	transport.DisableKeepAlives = true
	client, err := dingtalk.NewClient(appCredentials, append(quick, dingtalk.WithBaseURL(server.URL), dingtalk.WithHTTPClient(&http.Client{Transport: transport}))...)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := send(t, client, &sendOp); got.ID != "m1" || err != nil || server.Count(sendOp) != 1 || dials.Load() != 3 {
		t.Errorf("got %v, %v after %d requests and %d dials", got, err, server.Count(sendOp), dials.Load())
	}
}
