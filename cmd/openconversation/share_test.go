package main

import (
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestSharingFlags(t *testing.T) {
	const (
		needs = "openconversation: --organization needs --redis, or DINGTALK_REDIS_URL\n"
		form  = "openconversation: --redis and DINGTALK_REDIS_URL: not a Redis URL that can be used: "
		bad   = form + "its form is redis://HOST:6379/0, rediss:// with TLS, redis+cluster://HOST1:6379,HOST2:6379, redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME or unix:///PATH\n"
	)
	tests := []struct {
		name, env string
		args      []string
		want      result
	}{
		{"organization without Redis", "", []string{"convert", "--organization", "x", chat}, result{2, "", needs}},
		{"negative budget", "", []string{"budget", "--redis", "redis://127.0.0.1:1", "--monthly-budget", "-1"}, result{2, "", "openconversation: --monthly-budget: -1 is negative\n"}},
		{"no URL", "", []string{"convert", "--redis", "localhost", chat}, result{2, "", bad}},
		{"no URL in the environment", "http://x:" + canary + "@y", []string{"budget"}, result{2, "", bad}},
		{"a password as a flag", "", []string{"budget", "--redis", "redis://:" + canary + "@127.0.0.1:1"}, result{2, "", "openconversation: --redis: other users can read a process's arguments: set DINGTALK_REDIS_URL to a URL with a password\n"}},
		{"a password as a flag that must be encoded", "", []string{"budget", "--redis", "redis://:" + canary + "/x@127.0.0.1:1"}, result{2, "", "openconversation: --redis: other users can read a process's arguments: set DINGTALK_REDIS_URL to a URL with a password\n"}},
		{"a password that must be encoded", "redis://u:1#" + canary + "@127.0.0.1:1", []string{"convert", chat}, result{2, "", form + "in user and password, what is none of A-Z a-z 0-9 - . _ ~ must be percent-encoded: / is %2F, # is %23, ? is %3F, @ is %40, : is %3A, % is %25\n"}},
		{"hosts without a kind", "redis://a:1,b:2", []string{"convert", chat}, result{2, "", form + "it lists hosts: write redis+cluster://HOST1:6379,HOST2:6379 for a cluster, or redis+sentinel://HOST1:26379,HOST2:26379/0?master_name=NAME\n"}},
		{"an emulator shares nothing", "redis://127.0.0.1:1", []string{"convert", "--emulator", chat}, result{0, openID + "\n", ""}},
		{"budget without Redis", "", []string{"budget"}, result{2, "", "openconversation: no Redis is given: set --redis or DINGTALK_REDIS_URL\nhint: the count of a month is kept by the processes that share it through Redis\n"}},
	}
	call{args: []string{"budget", "--redis", "redis://127.0.0.1:1"}}.run().check(t, result{3, "",
		"openconversation: no credentials: set DINGTALK_APP_KEY and DINGTALK_APP_SECRET (or --app-secret-file)\nhint: the developer console shows them as Client ID and Client Secret\n"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: "s", connect.EnvRedisURL: tt.env}
			call{args: tt.args, env: env}.run().check(t, tt.want)
		})
	}
}

// A Redis that is not there costs a run nothing but a line.
func TestConvertWithoutItsRedis(t *testing.T) {
	server := dingtalktest.NewServer(t)
	env := serverEnv(server)
	env[connect.EnvRedisURL] = "redis://:" + canary + "@127.0.0.1:1"
	got := call{args: []string{"convert", chat}, env: env}.run()
	if got.code != 0 || got.stdout != openID+"\n" || strings.Count(got.stderr, "\n") != 1 ||
		!strings.HasPrefix(got.stderr, "openconversation: Redis failed; this process goes on without it: ") {
		t.Errorf("%+v", got)
	}
	if strings.Contains(got.stderr, canary) {
		t.Errorf("the password was printed: %s", got.stderr)
	}
	got = call{args: []string{"budget"}, env: env}.run()
	if got.code != 5 || !strings.Contains(got.stderr, "hint: check that Redis runs at the address of --redis or DINGTALK_REDIS_URL\n") || strings.Contains(got.stderr, canary) {
		t.Errorf("%+v", got)
	}
}
