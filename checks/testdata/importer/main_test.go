package main

import (
	"testing"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestApp(t *testing.T) {
	srv := dingtalktest.NewServer(t, dingtalktest.WithChat("chat1", "cidOne=="))
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := client.OpenConversationID(t.Context(), "chat1"); err != nil || id != "cidOne==" {
		t.Errorf("got %q, %v", id, err)
	}
}
