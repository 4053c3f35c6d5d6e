package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Line ends behind credentials are taken off; what else a hurried copy adds is named, and nothing is sent.
func TestOddCredentials(t *testing.T) {
	const key, secret = dingtalktest.AppKey, dingtalktest.AppSecret
	for name, tt := range map[string]struct{ before, behind, text string }{
		"line end":        {"", "\n", ""},
		"CRLF":            {"", "\r\n", ""},
		"several":         {"", "\n\r\n\n", ""},
		"mark":            {"\uFEFF", "", "begins with a byte-order mark"},
		"mark and quotes": {"\uFEFF\"", "\"", "begins with a byte-order mark"},
		"quotes":          {`"`, `"`, "a quotation mark: leave the quotes out"},
		"apostrophes":     {"'", "'\n", "a quotation mark: leave the quotes out"},
		"curly quotes":    {"“", "”", "a quotation mark: leave the quotes out"},
		"blank before":    {" ", "", "begins with white space (U+0020)"},
		"tab behind":      {"", "\t", "ends with white space (U+0009)"},
		"no-break space":  {"", "\u00a0", "ends with white space (U+00A0)"},
		"blank within":    {"x ", "", "white space or an invisible character (U+0020)"},
		"zero width":      {"", "\u200b", "white space or an invisible character (U+200B)"},
	} {
		server := dingtalktest.NewServer(t)
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(tt.before+secret+tt.behind), 0o600); err != nil {
			t.Fatal(err)
		}
		odd := func(value string) string { return tt.before + value + tt.behind }
		for where, env := range map[string]map[string]string{
			connect.EnvAppKey:    {connect.EnvAppKey: odd(key), connect.EnvAppSecret: secret},
			connect.EnvAppSecret: {connect.EnvAppKey: key, connect.EnvAppSecret: odd(secret)},
			"--app-secret-file":  {connect.EnvAppKey: key},
		} {
			for _, command := range []string{"convert", "doctor"} {
				args := []string{command}
				if command == "convert" {
					args = append(args, chat)
				}
				if where == "--app-secret-file" {
					args = append(args, where, file)
				}
				env[connect.EnvBaseURL] = server.URL
				got := finish(t, start(t, env, args...))
				switch said := got.stdout + got.stderr; {
				case tt.text == "" && got.code != explain.OK:
					t.Errorf("%s of %s: %+v", name, where, got)
				case tt.text != "" && where == "--app-secret-file" && name == "tab behind": // a control character
				case tt.text != "" && (got.code != explain.Credentials || !strings.Contains(said, where+": ") || !strings.Contains(said, tt.text)):
					t.Errorf("%s of %s: %+v", name, where, got)
				case strings.Contains(said, secret) || tt.text != "" && strings.Contains(said, key):
					t.Errorf("%s of %s: the value is printed: %+v", name, where, got)
				}
			}
		}
		if n := len(server.Requests()); tt.text != "" && n != 0 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

// With --ip no connection is made over the other version.
func TestNetworks(t *testing.T) {
	emulator := dingtalktest.New()
	defer emulator.Close()
	for _, family := range []struct{ flag, other, address string }{{"--ip=4", "--ip=6", "127.0.0.1:0"}, {"--ip=6", "--ip=4", "[::1]:0"}} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", family.address)
		if err != nil {
			t.Logf("not here: %v", err)
			continue
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: emulator}} //nolint:gosec // it serves this test
		server.Start()
		defer server.Close()
		env := map[string]string{connect.EnvAppKey: dingtalktest.AppKey, connect.EnvAppSecret: dingtalktest.AppSecret, connect.EnvBaseURL: server.URL}
		for _, command := range []string{"convert", "doctor"} {
			args := []string{command, family.flag}
			if command == "convert" {
				args = append(args, chat)
			}
			if got := finish(t, start(t, env, args...)); got.code != explain.OK {
				t.Errorf("%q: %+v", args, got)
			}
			args[1] = family.other
			if got := finish(t, start(t, env, args...)); got.code != explain.Unavailable {
				t.Errorf("%q: %+v", args, got)
			}
		}
	}
	got := runArgs(t, "", "doctor", "--ip", "5")
	if got.code != 2 || !strings.Contains(got.stderr, "--ip: use 4 or 6") {
		t.Errorf("%+v", got)
	}
}
