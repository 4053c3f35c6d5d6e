package dingtalk_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// TestHosts: a conversion goes to the host of the client's region, an operation of the legacy API to that API's.
func TestHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		opts            []dingtalk.Option
		convert, legacy string
	}{
		{nil, "https://api.dingtalk.io", "https://oapi.dingtalk.io"},
		{[]dingtalk.Option{dingtalk.WithRegion(dingtalk.International), nil, dingtalk.WithRegion(dingtalk.MainlandChina)}, "https://api.dingtalk.com", "https://oapi.dingtalk.com"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://api.dingtalk.io")}, "https://api.dingtalk.io", "https://oapi.dingtalk.io"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://api.dingtalk.com/")}, "https://api.dingtalk.com", "https://oapi.dingtalk.com"},
		{[]dingtalk.Option{dingtalk.WithBaseURL("https://gateway.example/dingtalk/")}, "https://gateway.example/dingtalk", "https://gateway.example/dingtalk"},
	} {
		var got []string
		client, err := dingtalk.NewClient(dingtalk.StaticToken("a+b&c"), append(test.opts, oneAttempt, through(roundTripper(func(r *http.Request) (*http.Response, error) {
			got = append(got, r.URL.String()+" "+r.Header.Get(generated.TokenHeader))
			return nil, errors.New("not sent")
		})))...)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = client.OpenConversationID(within(t), "a")
		_, _ = client.GetChat(within(t), describe) // whose token is in the URL alone
		want := []string{test.convert + "/v1.0/im/chat/a/convertToOpenConversationId a+b&c", test.legacy + "/chat/get?chatid=" + dingtalktest.ChatID + "&access_token=a%2Bb%26c "}
		if !slices.Equal(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
}
