package dingtalkredis_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var app = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}

// nobody is a Redis client of an address at which nobody listens.
func nobody(t *testing.T) redis.UniversalClient {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	client := redis.NewClient(&redis.Options{Addr: l.Addr().String()})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestNew(t *testing.T) {
	for name, c := range map[string]struct {
		client redis.UniversalClient
		creds  dingtalk.AppCredentials
		opt    dingtalkredis.Option
		good   bool
	}{
		"good":      {nobody(t), app, dingtalkredis.WithPods(1), true},
		"no client": {nil, app, dingtalkredis.WithPods(1), false},
		"no secret": {nobody(t), dingtalk.AppCredentials{AppKey: "a"}, dingtalkredis.WithPods(1), false},
		"no pods":   {nobody(t), app, dingtalkredis.WithPods(0), false},
		"no time":   {nobody(t), app, dingtalkredis.WithTimeout(0), false},
		"no host":   {nobody(t), app, dingtalkredis.WithBaseURL("here"), false},
	} {
		if fleet, err := dingtalkredis.New(c.client, c.creds, c.opt); (err == nil) != c.good || (fleet != nil) != c.good {
			t.Errorf("%s: got %v, %v", name, fleet, err)
		}
	}
}

// A fleet that is printed by accident shows no secret.
func TestFleetIsPrintedWithoutItsSecret(t *testing.T) {
	const secret = "secretOfWorth"
	fleet, err := dingtalkredis.New(nobody(t), dingtalk.AppCredentials{AppKey: "app", AppSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	parts := []any{fleet, fleet.TokenStore(), fleet.Limiter(1), fleet.Budget(1), fleet.Cache(time.Hour)}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, part := range parts {
			if text := fmt.Sprintf(format, part); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of a %T: %s", format, part, text)
			}
		}
	}
}
