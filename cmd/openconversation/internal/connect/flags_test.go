package connect

import (
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// The first that is given of flag and environment decides which host is called.
func TestHost(t *testing.T) {
	const key = "k"
	tests := []struct {
		name string
		c    Flags
		env  string
		want string
	}{
		{"default", Flags{}, "", "https://api.dingtalk.io"},
		{"international", Flags{region: "international"}, "http://127.0.0.1:1", "https://api.dingtalk.io"},
		{"mainland", Flags{region: "mainland"}, "", "https://api.dingtalk.com"},
		{"environment", Flags{}, "http://127.0.0.1:1/x/", "http://127.0.0.1:1/x"},
		{"flag", Flags{baseURL: "https://example.com"}, "http://127.0.0.1:1", "https://example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &term.World{Getenv: func(name string) string {
				return map[string]string{EnvAppKey: key, EnvAppSecret: "s", EnvBaseURL: tt.env}[name]
			}}
			client, stop, err := tt.c.Dial(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			if got := client.String(); got != "dingtalk.Client("+tt.want+")" {
				t.Errorf("got %v, want %s", client, tt.want)
			}
		})
	}
}
