package lang

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang/zh"
)

// Foreign is a text from elsewhere, such as the operating system. It is translated if the catalogue has it.
type Foreign string

// Say implements Said.
func (f Foreign) Say(l Language) string { return l.Exact(string(f)) }

func (f Foreign) String() string { return string(f) }

// packages are package names that prefix their errors.
var packages = []string{"dingtalk: ", "dingtalkredis: "}

// Exact translates a whole text, or returns it unchanged if the catalogue has neither the text nor its format.
func (l Language) Exact(text string) string {
	if l != Chinese || text == "" {
		return text
	}
	key := text
	for _, name := range packages {
		key = strings.TrimPrefix(key, name)
	}
	if translated, has := zh.Texts()[key]; has {
		return translated
	}
	for _, f := range foreignFormats() {
		if m := f.text.FindStringSubmatch(key); m != nil {
			args := make([]any, len(m)-1)
			for i, arg := range m[1:] {
				args[i] = l.Exact(arg)
			}
			return fmt.Sprintf(f.chinese, args...)
		}
	}
	return text
}

// foreignFormat is a format of foreign code, recognised by its formatted text.
type foreignFormat struct {
	text    *regexp.Regexp
	chinese string // with verbs for strings
}

var verb = regexp.MustCompile(`%[-+# 0]*\d*(?:\.\d+)?(\[\d+\])?[a-zA-Z]`)

// foreignFormats are the catalogue's foreign formats, the longest first.
var foreignFormats = sync.OnceValue(func() []foreignFormat {
	keys := slices.Collect(maps.Keys(zh.Foreign))
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var all []foreignFormat
	for _, key := range keys {
		if !verb.MatchString(key) {
			continue
		}
		var pieces []string
		for _, piece := range verb.Split(key, -1) {
			pieces = append(pieces, regexp.QuoteMeta(piece))
		}
		all = append(all, foreignFormat{
			regexp.MustCompile("(?s)^" + strings.Join(pieces, "(.*?)") + "$"),
			verb.ReplaceAllString(zh.Foreign[key], "%${1}s"),
		})
	}
	return all
})
