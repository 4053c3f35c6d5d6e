package dingtalk_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() { addRow("row_78_sent_once", testSentOnce) }

// onces are the calls that must not be made twice, and how often the emulator has done what each asks for.
var onces = map[string]struct {
	call func(context.Context, *dingtalk.Client) error
	done func(*dingtalktest.Emulator) int
}{
	"send": {
		func(ctx context.Context, c *dingtalk.Client) error {
			_, err := c.OrgGroupSend(ctx, generated.OrgGroupSendRequest{
				MsgKey: "sampleText", MsgParam: map[string]string{"content": "once"},
				OpenConversationID: dingtalktest.OpenConversationID, RobotCode: dingtalktest.RobotCode,
			})
			return err
		},
		func(e *dingtalktest.Emulator) int { return len(e.Messages()) },
	},
	"create": {
		func(ctx context.Context, c *dingtalk.Client) error {
			_, err := c.CreateGroup(ctx, generated.CreateGroupRequest{Name: "once", Owner: "user1", UserIDs: []string{"user1"}})
			return err
		},
		func(e *dingtalktest.Emulator) int { return len(e.Groups()) },
	},
}

// lossy stands before an emulator: it lets every request through, and does to each answer what after says.
func lossy(t *testing.T, server *dingtalktest.Server, after func(http.ResponseWriter, *http.Request)) string {
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
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for what, op := range onces {
		for how, after := range map[string]func(http.ResponseWriter, *http.Request){
			"cut": cut,
			"half a body": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "99")
				_, _ = w.Write([]byte("{"))
			},
			"hangs": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"502 HTML": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(502)
			},
			"504": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(504) },
			"system error": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(500)
				_, _ = w.Write([]byte(`{"code":"system.error","message":"m"}`))
			},
			"no ids": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) },
		} {
			t.Run(what+"/"+how, func(t *testing.T) {
				t.Parallel()
				server := dingtalktest.NewServer(t)
				client := newClient(t, lossy(t, server, after), appCredentials, newHandClock().option(), dingtalk.WithTimeout(2*time.Second))
				failed := (*dingtalk.Error)(nil)
				if err := op.call(within(t), client); !errors.As(err, &failed) || !failed.MayBeDone || failed.Attempts != 1 {
					t.Errorf("%+v; want an error after one attempt that may have been done", err)
				}
				if n := op.done(server.Emulator); n != 1 {
					t.Errorf("done %d times, want once", n)
				}
			})
		}
		t.Run(what+"/the caller leaves", func(t *testing.T) {
			t.Parallel()
			server := dingtalktest.NewServer(t)
			ctx, cancel := context.WithCancel(within(t))
			client := newClient(t, lossy(t, server, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }), appCredentials)
			failed := (*dingtalk.Error)(nil)
			if err := op.call(ctx, client); !errors.As(err, &failed) || !failed.MayBeDone || !errors.Is(err, context.Canceled) {
				t.Errorf("%+v; want context.Canceled that may have been done", err)
			}
			if n := op.done(server.Emulator); n != 1 {
				t.Errorf("done %d times, want once", n)
			}
		})
		// A request that was surely not processed is retried, and processed once.
		for how, disturb := range map[string]func(*dingtalktest.Server){
			"throttled": func(s *dingtalktest.Server) {
				throttle := dingtalktest.Code(generated.CodeAppQPSLimit)
				s.FailNext(throttle.For(generated.OperationOrgGroupSend), throttle.For(generated.OperationCreateGroup))
			},
			"429": func(s *dingtalktest.Server) {
				s.FailNext(dingtalktest.Raw(429, "", nil).For(generated.OperationOrgGroupSend), dingtalktest.Raw(429, "", nil).For(generated.OperationCreateGroup))
			},
			"rejected token": func(s *dingtalktest.Server) { s.RejectTokens() },
		} {
			t.Run(what+"/"+how, func(t *testing.T) {
				t.Parallel()
				server := dingtalktest.NewServer(t)
				client := newClient(t, server.URL, appCredentials, newHandClock().option())
				convert(t, client, dingtalktest.ChatID) // fetches a token
				disturb(server)
				if err := op.call(within(t), client); err != nil {
					t.Error(err)
				}
				if n := op.done(server.Emulator); n != 1 {
					t.Errorf("done %d times, want once", n)
				}
			})
		}
		// A refusal was surely not processed.
		t.Run(what+"/refused", func(t *testing.T) {
			t.Parallel()
			server := dingtalktest.NewServer(t, dingtalktest.WithoutPermission())
			client := newClient(t, server.URL, appCredentials)
			failed := (*dingtalk.Error)(nil)
			if err := op.call(within(t), client); !errors.As(err, &failed) || failed.MayBeDone || !errors.Is(err, dingtalk.ErrPermissionDenied) {
				t.Errorf("%+v; want a refusal that was surely not done", err)
			}
		})
	}
}
