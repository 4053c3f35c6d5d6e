package term

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"chat 你好 é 🙂":                     "chat 你好 é 🙂",
		"a\x1b[31mb":                      `a\x1b[31mb`,
		"a\nb\tc\x7f\x00":                 `a\nb\tc\x7f\x00`,
		"\u009b2J\u202ex\u200b\u2028":     `\u009b2J\u202ex\u200b\u2028`,
		"a\xffb":                          `a\xffb`,
		"\ufffd":                          "\ufffd",
		"\U000E0001\"\\<&>\x1b\x7f\u009b": `\U000e0001"\<&>\x1b\x7f\u009b`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
		raw, _ := json.Marshal(in) // with U+FFFD for what is no UTF-8
		safe := PrintableJSON(raw)
		var back string
		if err := json.Unmarshal(safe, &back); err != nil || back != strings.ToValidUTF8(in, "\ufffd") || strings.ContainsFunc(string(safe), func(r rune) bool { return r != '\ufffd' && unprintable(r) }) {
			t.Errorf("%q reads %q, %v; want %q", safe, back, err, in)
		}
	}
	for in, want := range map[string]string{"": `""`, "a\x1bb": `a\x1bb`, strings.Repeat("x", 256): strings.Repeat("x", 256), strings.Repeat("é", 10000): strings.Repeat("é", 32) + "…"} {
		if got := Shown(in); got != want {
			t.Errorf("Shown(%.20q…) = %q, want %q", in, got, want)
		}
	}
}
