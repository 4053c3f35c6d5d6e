package dingtalk_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestLegacyHost: an operation of the legacy API goes to that API's host of the client's region.
func TestLegacyHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		opt  dingtalk.Option
		want string
	}{
		{dingtalk.WithRegion(dingtalk.International), "https://oapi.dingtalk.io/chat/get"},
		{dingtalk.WithRegion(dingtalk.MainlandChina), "https://oapi.dingtalk.com/chat/get"},
		{dingtalk.WithBaseURL("https://api.dingtalk.io"), "https://oapi.dingtalk.io/chat/get"},
		{dingtalk.WithBaseURL("https://api.dingtalk.com/"), "https://oapi.dingtalk.com/chat/get"},
		{dingtalk.WithBaseURL("https://gateway.example/dingtalk"), "https://gateway.example/dingtalk/chat/get"},
	} {
		var got []string
		client, err := dingtalk.NewClient(dingtalk.StaticToken("a+b&c"), tt.opt, oneAttempt, through(roundTripper(func(r *http.Request) (*http.Response, error) {
			got = append(got, r.URL.String(), r.Header.Get(generated.TokenHeader))
			return nil, errors.New("not sent")
		})))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.GetChat(within(t), describe)
		if want := tt.want + "?chatid=" + dingtalktest.ChatID + "&access_token=a%2Bb%26c"; len(got) != 2 || got[0] != want || got[1] != "" {
			t.Errorf("sent %q, want %s and no token in a header", got, want)
		}
	}
}
