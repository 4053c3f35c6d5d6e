package dingtalk_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func sendMessage(ctx context.Context, c *dingtalk.Client) error {
	_, err := c.OrgGroupSend(ctx, generated.OrgGroupSendRequest{
		MsgKey: "sampleText", MsgParam: map[string]string{"content": "once"}, OpenConversationID: dingtalktest.OpenConversationID, RobotCode: dingtalktest.RobotCode,
	})
	return err
}

func createGroup(ctx context.Context, c *dingtalk.Client) error {
	_, err := c.CreateGroup(ctx, generated.CreateGroupRequest{Name: "once", Owner: "user1", UserIDs: []string{"user1"}})
	return err
}

// lossy stands before an emulator: it lets every request through, and does to each answer what after says.
func lossy(t *testing.T, server *dingtalktest.Server, after http.HandlerFunc) string {
	t.Helper()
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == tokenOp.Path {
			proxy.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			t.Errorf("the service answered %d %s", answer.Code, answer.Body)
		}
		after(w, r)
	})
}

// testSentOnce: a message or group exists even if its answer is lost. The client does not send it again, and the error
// says that it may exist.
func testSentOnce(t *testing.T) {
	const leaves = "the caller leaves"
	write := func(status int, body string) func(http.ResponseWriter, *http.Request, func()) {
		return func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request, _ func()) { <-r.Context().Done() }
	for how, after := range map[string]func(w http.ResponseWriter, r *http.Request, leave func()){
		"cut": func(http.ResponseWriter, *http.Request, func()) { panic(http.ErrAbortHandler) },
		"half a body": func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.Header().Set("Content-Length", "99")
			_, _ = w.Write([]byte("{"))
		},
		"hangs": hang, "502": write(502, "<html>"), "504": write(504, ""), "no ids": write(200, `{}`),
		"system error": write(500, `{"code":"system.error","message":"m"}`),
		leaves:         func(w http.ResponseWriter, r *http.Request, leave func()) { leave(); hang(w, r, leave) },
	} {
		for what, call := range map[string]func(context.Context, *dingtalk.Client) error{"message": sendMessage, "group": createGroup} {
			t.Run(what+" "+how, func(t *testing.T) {
				t.Parallel()
				server := dingtalktest.NewServer(t)
				ctx, leave := context.WithCancel(within(t))
				defer leave()
				address := lossy(t, server, func(w http.ResponseWriter, r *http.Request) { after(w, r, leave) })
				var e *dingtalk.Error
				err := call(ctx, newClient(t, address, appCredentials, newHandClock().option(), dingtalk.WithTimeout(2*sec)))
				if !errors.As(err, &e) || !e.MayBeDone || errors.Is(err, context.Canceled) != (how == leaves) || how != leaves && e.Attempts != 1 {
					t.Errorf("%+v; want an error after one attempt that may have been done", err)
				}
				if n := len(server.Messages()) + len(server.Groups()); n != 1 {
					t.Errorf("done %d times, want once", n)
				}
			})
		}
	}
}

// TestSentAgainWithoutConnection: no connection, no request.
func TestSentAgainWithoutConnection(t *testing.T) {
	t.Parallel()
	server, dials := dingtalktest.NewServer(t), 0
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials == 2 { // the first is the token call's
			address = "127.0.0.1:1"
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	client := newClient(t, server.URL, appCredentials, newHandClock().option(), through(transport))
	if err := sendMessage(within(t), client); err != nil || len(server.Messages()) != 1 || dials != 3 {
		t.Errorf("%v after %d messages and %d dials", err, len(server.Messages()), dials)
	}
}
