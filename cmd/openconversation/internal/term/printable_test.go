package term

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"chat 你好 é 🙂", "chat 你好 é 🙂"},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\nb\tc\x7f\x00", `a\nb\tc\x7f\x00`},
		{"\u009b2J\u202ex\u200b\u2028", `\u009b2J\u202ex\u200b\u2028`},
		{"a\xffb", `a\xffb`},
		{"\ufffd", "\ufffd"},
		{"\U000E0001", `\U000e0001`},
	}
	for _, tt := range tests {
		if got := Printable(tt.in); got != tt.want {
			t.Errorf("Printable(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestPrintableJSON(t *testing.T) {
	for _, text := range []string{"", "plain", "a\x1b\x7f\u009b\u202e\u2028\ufffd🙂\U000E0001\"\\<&>"} {
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		safe := PrintableJSON(raw)
		var back string
		if err := json.Unmarshal(safe, &back); err != nil || back != text {
			t.Errorf("%s reads %q, %v; want %q", safe, back, err, text)
		}
		if strings.ContainsFunc(string(safe), func(r rune) bool { return r != '\ufffd' && unprintable(r) }) {
			t.Errorf("%q is not printable", safe)
		}
	}
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"":                         `""`,
		"a\x1bb":                   `a\x1bb`,
		strings.Repeat("x", 256):   strings.Repeat("x", 256),
		strings.Repeat("é", 10000): strings.Repeat("é", 32) + "…",
	} {
		if got := Shown(in); got != want {
			t.Errorf("Shown(%.20q…) = %q, want %q", in, got, want)
		}
	}
}
