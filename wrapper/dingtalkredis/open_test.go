package dingtalkredis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// The URL decides which address is dialled. What could be dialled wrongly is refused with the form that works, and no error
// holds a password.
func TestOpen(t *testing.T) {
	const secret = "S3cretOfWorth"
	for rawURL, want := range map[string]string{
		"redis://h:1/2":                                           "single h:1 db 2 user  password  tls false",
		"redis://[::1]:7/0":                                       "single [::1]:7 db 0 user  password  tls false",
		"redis://:p@h":                                            "single h:6379 db 0 user  password p tls false",
		"redis://u:p%2F%23%3F%40%25@h:1":                          "single h:1 db 0 user u password p/#?@% tls false",
		"redis://u:a@b:c@h:1":                                     "single h:1 db 0 user u password a@b:c tls false",
		"rediss://u:p@h:1":                                        "single h:1 db 0 user u password p tls true",
		"unix:///run/r.sock":                                      "single /run/r.sock db 0 user  password  tls false",
		"unix://u:p@/run/r.sock?db=3":                             "single /run/r.sock db 3 user u password p tls false",
		"redis+cluster://u:p@a:1,b:2,c":                           "cluster [a:1 b:2 c:6379] user u password p tls false",
		"redis+sentinel://u:p@a,b:2/3?master_name=m":              "sentinel [a:26379 b:2] db 3 user u password p own  tls false",
		"rediss+sentinel://a:1?master_name=m":                     "sentinel [a:1] db 0 user  password  own  tls true",
		"redis+sentinel://:p@a?master_name=m&sentinel_password=q": "sentinel [a:26379] db 0 user  password p own q tls false",
		"":                                   "its form is",
		"localhost:6379":                     "its form is",
		"http://h":                           "its form is",
		"redis://h\n":                        "a host is not",
		" redis://h":                         "its form is",
		"redis://":                           "a host is not",
		"redis://:" + secret + "@":           "a host is not",
		"redis://h:":                         "a host is not",
		"redis://h:0":                        "a host is not",
		"redis://h:65536":                    "a host is not",
		"redis://h:1/x":                      "no number of a database",
		"redis://h:1/1?db=2":                 "twice",
		"redis://h?db=1&db=2":                "twice",
		"redis://h#1":                        "percent-encoded",
		"redis://:p/" + secret + "@h:1":      "%2F",
		"redis://u:1#" + secret + "@h:1":     "%23",
		"redis://u:1?" + secret + "@h:1":     "%3F",
		"redis://:%zz" + secret + "@h:1":     "%25",
		"redis://" + secret + "@h:1":         "a user without a password",
		"redis://" + secret + ":@h:1":        "a user without a password",
		"redis://a:1,b:2":                    "redis+cluster://HOST1:6379,HOST2:6379",
		"redis://a?addr=b:1":                 "with commas",
		"redis+cluster://h/1":                "database 0 only",
		"redis+cluster://h?master_name=m":    "unknown option master_name",
		"redis://a:1,b:2?cluster=true":       "redis+cluster://",
		"redis+sentinel://h":                 "?master_name=NAME",
		"redis://h?password=" + secret:       "before the host",
		"rediss://h?skip_verify=true":        "ca_file",
		"redis://h?ca_file=/x":               "rediss://",
		"rediss://h?ca_file=/does/not/exist": "ca_file",
		"rediss://h?cert_file=/x":            "belong together",
		"redis://h?clustr=true":              "unknown option clustr",
		"redis://h?" + secret + "%21":        "(not shown)",
		"redis://h?read_timeout=" + secret:   "cannot be read",
		"unix://run/redis.sock":              "absolute",
	} {
		client, err := Open(rawURL)
		got := fmt.Sprint(err)
		switch o := optionsOf(client).(type) {
		case *redis.Options:
			got = fmt.Sprintf("single %s db %d user %s password %s tls %t", o.Addr, o.DB, o.Username, o.Password, o.TLSConfig != nil)
		case *redis.ClusterOptions:
			got = fmt.Sprintf("cluster %s user %s password %s tls %t", o.Addrs, o.Username, o.Password, o.TLSConfig != nil)
		case *redis.FailoverOptions:
			got = fmt.Sprintf("sentinel %s db %d user %s password %s own %s tls %t", o.SentinelAddrs, o.DB, o.Username, o.Password, o.SentinelPassword, o.TLSConfig != nil)
		}
		if !strings.Contains(got, want) || strings.Contains(got, secret) {
			t.Errorf("%q:\ngot  %s\nwant %s", rawURL, got, want)
		}
	}
}
