package explain

import (
	"fmt"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// The exit codes. Scripts decide by them: they are part of the command's interface.
const (
	OK          = 0
	SomeFailed  = 1
	UsageExit   = 2
	Credentials = 3
	Limited     = 4
	Unavailable = 5
	signalled   = 128 // plus the signal's number, as in shells
	HungUp      = signalled + 1
	Interrupted = signalled + 2
	Terminated  = signalled + 15
)

// exitCodes explains each code to people.
var exitCodes = []struct {
	code    int
	meaning lang.Format
}{
	{OK, "everything was converted"},
	{SomeFailed, "some chats could not be converted, all others were; or too many failed (--max-failures, --accept-unknown); or a code is not in the catalogue"},
	{UsageExit, "wrong usage, an unreadable input or an output that cannot be written to; nothing was sent, except for what a stream held before it could not be read"},
	{Credentials, "credentials or a permission are missing or wrong; the run stopped"},
	{Limited, "throttled, out of the month's quota or the calls of --monthly-budget or --max-calls, or banned; the run stopped and can be continued later"},
	{Unavailable, "the network, the service or this machine failed, or --timeout passed; the run stopped and can be continued"},
	{HungUp, "stopped by SIGHUP (the terminal was closed); can be continued"},
	{Interrupted, "stopped by SIGINT (Ctrl-C); can be continued"},
	{Terminated, "stopped by SIGTERM; can be continued"},
}

// ExitText returns the table for --help.
func ExitText(l lang.Language) string {
	var b strings.Builder
	b.WriteString(l.Sprintf("Exit codes:") + "\n")
	for _, row := range exitCodes {
		fmt.Fprintf(&b, "  %-3d  %s\n", row.code, l.Sprintf(row.meaning))
	}
	return b.String()
}
