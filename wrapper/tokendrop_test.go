package dingtalk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// A late rejection drops the token of its request, not a newer one.
func TestLateRejectionKeepsTheNewToken(t *testing.T) {
	const rejected = `{"code":"InvalidAuthentication","message":"不合法的access_token","requestid":"30EE8654-1AA2-7D88-8248-9518547248AA"}`
	var fetched atomic.Int64
	arrived, release := make(chan bool), make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get(generated.TokenHeader)
		switch {
		case r.URL.Path == generated.OperationGetAccessToken.Path:
			fmt.Fprintf(w, `{"accessToken":"token%d","expireIn":7200}`, fetched.Add(1))
		case token == "token1" && r.URL.Path == "/v1.0/im/chat/late/convertToOpenConversationId":
			close(arrived)
			<-release
			fallthrough
		case token == "token1":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, rejected)
		default:
			fmt.Fprint(w, `{"openConversationId":"cid"}`)
		}
	}))
	defer srv.Close()
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: "k", AppSecret: "s"}, dingtalk.WithBaseURL(srv.URL))
	if err != nil {
		t.Fatal(err)
	}

	late := make(chan error)
	go func() {
		_, err := client.OpenConversationID(t.Context(), "late")
		late <- err
	}()
	<-arrived
	if _, err := client.OpenConversationID(t.Context(), "soon"); err != nil { // replaces token1
		t.Fatal(err)
	}
	close(release)
	if err := <-late; err != nil {
		t.Error(err)
	}
	if n := fetched.Load(); n != 2 {
		t.Errorf("%d tokens were fetched; 2 are enough", n)
	}
}
