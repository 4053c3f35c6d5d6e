package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Whether failures at the end of a file are about every chat is the command's to tell, since the SDK tells it with the
// chat behind. Both must agree.
func TestCommandAndSDKCountFailuresAlike(t *testing.T) {
	away := dingtalktest.Raw(501, "text/html", nil).For(conversion)
	strange := dingtalktest.Raw(200, "text/html", []byte("<html>")).For(conversion)
	rejected := dingtalktest.Code("some.code").For(conversion)
	unknownDenial := dingtalktest.Raw(403, "application/json", []byte(`{"code":"Forbidden.AccessDenied.SomeNewCode"}`)).For(conversion)
	unknownChat := dingtalktest.Code("invalideChatId").For(conversion)
	pass := dingtalktest.Pass().For(conversion)
	one := func(faults ...dingtalktest.Fault) []dingtalktest.Fault { return faults }
	for name, faults := range map[string][]dingtalktest.Fault{
		"unavailable":       slices.Repeat(one(away), 7),
		"strange":           slices.Repeat(one(strange), 7),
		"rejected":          slices.Repeat(one(rejected), 7),
		"unknown denial":    slices.Repeat(one(unknownDenial), 7),
		"unknown chat":      slices.Repeat(one(unknownChat), 7),
		"strange kinds":     one(strange, rejected, unknownDenial, strange),
		"both by turns":     one(away, strange, away, strange, away, away, strange),
		"one between":       one(strange, strange, pass, strange, strange, strange),
		"a refusal between": one(away, away, away, away, unknownChat, away, away),
	} {
		for n := 1; n <= len(faults); n++ {
			t.Run(fmt.Sprintf("%s %d", name, n), func(t *testing.T) {
				b := newBench(t, "in.txt", chats(n, n))
				b.server.FailNext(faults[:n]...)
				got := b.run("--concurrency", "1")

				server := dingtalktest.NewServer(t, dingtalktest.WithAnyChat())
				server.FailNext(faults[:n]...)
				client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}, dingtalk.WithBaseURL(server.URL), dingtalk.WithLimiter(connect.NewPace(0, 0)))
				if err != nil {
					t.Fatal(err)
				}
				var last error
				for _, last = range client.OpenConversationIDs(t.Context(), slices.Values(append(slices.Repeat([]string{"a"}, n), "b")), dingtalk.WithConcurrency(1), dingtalk.WithMemory(0)) {
				}
				if stopped := errors.Is(last, dingtalk.ErrNotTried); stopped != (got.code > explain.SomeFailed) {
					t.Errorf("the SDK stops: %t; the command: %+v", stopped, got)
				}
			})
		}
	}
}
