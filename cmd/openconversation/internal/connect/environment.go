package connect

import (
	"fmt"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/emulate"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// The environment variables. A secret is never a flag: other users of the machine can read a process's arguments.
const (
	EnvAppKey    = emulate.EnvAppKey
	EnvAppSecret = emulate.EnvAppSecret
	EnvBaseURL   = "DINGTALK_BASE_URL"
	EnvRedisURL  = "DINGTALK_REDIS_URL"
)

var environment = []struct {
	name    string
	meaning lang.Format
}{
	{EnvAppKey, "the app's key (Client ID in newer consoles)"},
	{EnvAppSecret, "the app's secret (Client Secret), unless --app-secret-file is given"},
	{EnvBaseURL, "host to call, unless --region or --base-url is given"},
	{EnvRedisURL, "for convert and budget: Redis to share the app's limits through, unless --redis is given; may hold a password"},
	{"HTTPS_PROXY, NO_PROXY", "proxy to the host, as usual"},
	{"SSL_CERT_FILE", "PEM file of the authorities to trust, such as that of a company's proxy; not on Windows and macOS, which have stores of their own"},
	{"NO_COLOR", "set to anything: no colours on a terminal"},
	{"LC_ALL, LC_MESSAGES, LANG", "language of messages, Chinese or else English, unless --lang is given"},
}

// Footer ends the help of a command that makes calls: the environment variables and the exit codes.
func Footer(w *term.World) string { return environmentText(w.Lang) + "\n" + explain.ExitText(w.Lang) }

func environmentText(l lang.Language) string {
	var b strings.Builder
	b.WriteString(l.Sprintf("Environment:") + "\n")
	width := 0
	for _, row := range environment {
		width = max(width, len(row.name))
	}
	for _, row := range environment {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, row.name, l.Sprintf(row.meaning))
	}
	return b.String()
}

// trimLineEnds trims line ends, which editors and shells add.
func trimLineEnds(value string) string { return strings.TrimRight(value, "\r\n") }
