package connect

import (
	"slices"
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
	of      string // the commands that read it
}{
	{EnvAppKey, "the app's key (Client ID in newer consoles)", "convert call doctor budget"},
	{EnvAppSecret, "the app's secret (Client Secret); --app-secret-file comes first", "convert call doctor budget"},
	{EnvBaseURL, "the host to call; --region and --base-url come first", "convert call doctor budget"},
	{EnvRedisURL, "the Redis that shares the app's limits; --redis comes first; it may hold a password", "convert budget"},
	{"HTTPS_PROXY, ALL_PROXY, NO_PROXY", "proxy to the host, as usual", "convert call doctor"},
	{"SSL_CERT_FILE", "PEM file of the authorities to trust, such as that of a company's proxy; Windows and macOS have stores of their own", "convert call doctor"},
	{"NO_COLOR", "set to anything: no colours on a terminal", "convert doctor"},
	{"LC_ALL, LC_MESSAGES, LANG", "language of messages, Chinese or else English; --lang comes first", "convert call doctor budget"},
}

// Footer ends the help of a command that makes calls: the environment variables and the exit codes. For the root, they are
// those of convert.
func Footer(w *term.World, command string) string {
	if command == term.CommandName {
		command = "convert"
	}
	return environmentText(w.Lang, command) + "\n" + explain.ExitText(w.Lang, command)
}

func environmentText(l lang.Language, command string) string {
	var b strings.Builder
	b.WriteString(l.Sprintf("Environment:") + "\n")
	for _, row := range environment {
		if slices.Contains(strings.Fields(row.of), command) {
			b.WriteString(term.Beside("  "+row.name, l.Sprintf(row.meaning), 29))
		}
	}
	return b.String()
}

// trimLineEnds trims line ends, which editors and shells add.
func trimLineEnds(value string) string { return strings.TrimRight(value, "\r\n") }
