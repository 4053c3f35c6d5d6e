package dingtalkredis_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var app = dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}

func TestNew(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = client.Close() }()
	for name, c := range map[string]struct {
		client redis.UniversalClient
		creds  dingtalk.AppCredentials
		opt    dingtalkredis.Option
		good   bool
	}{
		"good":      {client, app, dingtalkredis.WithPods(1), true},
		"no client": {nil, app, dingtalkredis.WithPods(1), false},
		"no secret": {client, dingtalk.AppCredentials{AppKey: "a"}, dingtalkredis.WithPods(1), false},
		"no pods":   {client, app, dingtalkredis.WithPods(0), false},
		"no time":   {client, app, dingtalkredis.WithTimeout(0), false},
		"no host":   {client, app, dingtalkredis.WithBaseURL("here"), false}, "no URL": {client, app, dingtalkredis.WithBaseURL(""), false},
		"no HTTPS": {client, app, dingtalkredis.WithBaseURL("http://example.com"), false},
	} {
		if fleet, err := dingtalkredis.New(c.client, c.creds, c.opt); (err == nil) != c.good || (fleet != nil) != c.good {
			t.Errorf("%s: got %v, %v", name, fleet, err)
		}
	}
}

// A fleet that is printed by accident shows no secret.
func TestFleetIsPrintedWithoutItsSecret(t *testing.T) {
	const secret = "secretOfWorth"
	fleet, err := dingtalkredis.New(redis.NewClient(&redis.Options{}), dingtalk.AppCredentials{AppKey: "app", AppSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []any{fleet, fleet.TokenStore(), fleet.Limiter(1), fleet.Budget(1), fleet.Cache(time.Hour)} {
		text := fmt.Sprintf("%v %+v %#v", part, part, part)
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("a %T: %s", part, text)
		}
	}
}

// Alibaba Cloud's proxy refuses a script that names a key otherwise.
func TestScriptsNameTheirKeys(t *testing.T) {
	for _, file := range []string{"exchange.go", "token.go"} {
		text, _ := os.ReadFile(file)
		for _, call := range regexp.MustCompile(`redis\.p?call\('(\w+)',? ?([\w\[]*)`).FindAllStringSubmatch(string(text), -1) {
			if call[1] != "TIME" && call[1] != "INFO" && !strings.HasPrefix(call[2], "KEYS[") {
				t.Errorf("%s: %s", file, call[0])
			}
		}
	}
}
