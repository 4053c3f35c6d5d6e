package official

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

const tokenHeader = "x-acs-dingtalk-access-token"

var (
	inBraces     = regexp.MustCompile(`\{\w+\}`)
	knownPath    = regexp.MustCompile(`^(/([A-Za-z0-9_.:@$~-]|\{\w+\})+)+ ?$`)
	knownMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	names        = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,200}[A-Za-z0-9_-]$`)
	words        = regexp.MustCompile(`^[\pL_][\pL0-9_]*$`)
	misread      = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)
	scalars      = map[string]string{
		"string": "{type: string}", "bool": "{type: boolean}", "int32": "{type: integer, format: int32}", "int64": "{type: integer, format: int64}",
		"float32": "{type: number, format: float}", "float64": "{type: number, format: double}",
	}
)

// isName says whether a foreign name can be a part of a contract, of a file's name and of Go.
func isName(name string) bool { return names.MatchString(name) }

// escape makes foreign text one line of printable characters that ends no comment.
func escape(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(text, "*/", `*\/`) {
		switch {
		case unicode.IsSpace(r):
			b.WriteRune(' ')
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// text is a string in YAML, quoted unless every reader takes it for one: YAML 1.1 reads no as false, and 18:00 as 1080.
func text(s string) string {
	if s = escape(s); words.MatchString(s) && !misread.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
