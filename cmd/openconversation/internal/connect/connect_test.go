package connect

import (
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// The first that is given of flag and environment decides which host is called.
func TestHost(t *testing.T) {
	for _, tt := range []struct {
		c         Flags
		env, want string
	}{
		{Flags{}, "", "https://api.dingtalk.io"},
		{Flags{region: "international"}, "http://127.0.0.1:1", "https://api.dingtalk.io"},
		{Flags{region: "mainland"}, "", "https://api.dingtalk.com"},
		{Flags{}, "http://127.0.0.1:1/x/", "http://127.0.0.1:1/x"},
		{Flags{baseURL: "https://example.com"}, "http://127.0.0.1:1", "https://example.com"},
	} {
		w := &term.World{Getenv: func(name string) string {
			return map[string]string{EnvAppKey: "k", EnvAppSecret: "s", EnvBaseURL: tt.env}[name]
		}}
		client, stop, err := tt.c.Dial(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		if got := client.String(); got != "dingtalk.Client("+tt.want+")" {
			t.Errorf("got %v, want %s", client, tt.want)
		}
	}
}
