package text_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/internal/text"
)

// spellings are the ways in which formatters write a text.
func spellings(s string) map[string]string {
	marshal := func(v any) string { b, _ := json.Marshal(v); return strings.Trim(string(b), `"`) }
	unescaped := func(v any) string {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		return strings.Trim(strings.TrimSpace(b.String()), `"`)
	}
	ascii := strings.Trim(strconv.QuoteToASCII(s), `"`)
	var bytewise, upper, numeric strings.Builder
	for _, b := range []byte(s) {
		fmt.Fprintf(&bytewise, `\x%02x`, b)
		fmt.Fprintf(&upper, `%%%02X`, b)
	}
	for _, r := range s {
		fmt.Fprintf(&numeric, `&#x%x;`, r)
	}
	return map[string]string{
		"plain": s, "JSON": marshal(s), "JSON without HTML": unescaped(s), "JSON in JSON": marshal(marshal(s)),
		"JSON slash": strings.ReplaceAll(unescaped(s), "/", `\/`), "Go": strings.Trim(strconv.Quote(s), `"`), "Go ASCII": ascii,
		"Go bytes": bytewise.String(), "query": url.QueryEscape(s), "path": url.PathEscape(s), "every byte": upper.String(),
		"lower": strings.ToLower(upper.String()), "twice": url.QueryEscape(url.QueryEscape(s)), "HTML": html.EscapeString(s), "XML": numeric.String(),
	}
}

func TestSecretsAreHiddenInEverySpelling(t *testing.T) {
	for _, secret := range []string{
		strings.Repeat(`\`, 9), strings.Repeat("%", 17), "plain-secret-of-the-app", `quo"te-secret`, `back\slash-secret`, `<tag>&amp-secret`, `per%cent+secret`, `sl/ash=secret==`, `密钥-of-the-app`, `emoji😀secret`,
		`%25secret`, `&lt;secret`, `a\"b\\c<d>&e`,
	} {
		for name, spelt := range spellings(secret) {
			in := "before=" + spelt + "; after"
			if got := (text.Secrets{secret}).Show(in, 1<<10); got != "before="+text.Redacted+"; after" {
				t.Errorf("%s of %q: %q became %q", name, secret, in, got)
			}
		}
	}
}

func TestHideLeavesTheRest(t *testing.T) {
	for _, c := range []struct {
		secrets  text.Secrets
		in, want string
	}{
		{text.Secrets{"test"}, "lookup test.invalid: no such host", "lookup test.invalid: no such host"},
		{text.Secrets{"test"}, `{"appSecret":"test"}`, `{"appSecret":"REDACTED"}`},
		{text.Secrets{"test"}, "latest, test, test. contest-test", "latest, REDACTED, REDACTED. contest-test"},
		{text.Secrets{"a"}, "a cat", "REDACTED cat"},
		{text.Secrets{"long-enough"}, "xlong-enoughx", "xREDACTEDx"},
		{text.Secrets{}, "nothing", "nothing"},
		{text.Secrets{}, "http://user:pass@proxy:3128/x and https://host/a@b", "http://REDACTED@proxy:3128/x and https://host/a@b"},
		{text.Secrets{}, `parse "http://us%er:p@ss@proxy": invalid`, `parse "http://REDACTED@proxy": invalid`},
	} {
		if got := c.secrets.Show(c.in, 1<<10); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestHideErrorKeepsTheType(t *testing.T) {
	secrets := text.Secrets{"a-secret-name"}
	hidden := secrets.HideError(fmt.Errorf("read a-secret-name: %w", io.ErrUnexpectedEOF))
	if !errors.Is(hidden, io.ErrUnexpectedEOF) || hidden.Error() != "read REDACTED: unexpected EOF" {
		t.Errorf("%v", hidden)
	}
	plain := &requestError{token: "a-secret-name"}
	hidden = secrets.HideError(fmt.Errorf("odd: %w", plain))
	if found, ok := text.Find[*requestError](hidden); !ok || found != plain || hidden.Error() != "odd: plain" {
		t.Errorf("%v, %v: an error without a secret in its text lost its type", hidden, found)
	}
	for _, hidden := range []error{secrets.HideError(plain), secrets.HideError(*plain), secrets.HideError(&net.OpError{Op: "dial", Net: "tcp", Addr: &net.UnixAddr{Name: "a-secret-name"}, Err: *plain})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
			if shown := fmt.Sprintf(verb, hidden) + hidden.Error(); strings.Contains(shown, "a-secret-name") {
				t.Errorf("%s: the secret is in %s", verb, shown)
			}
		}
	}
}

// requestError is a transport's error that holds a request, and does not print it.
type requestError struct{ token string }

func (requestError) Error() string { return "plain" }

// What is shown depends on the beginning of a text alone, and so does the work.
func TestLongTextIsCutFirst(t *testing.T) {
	const secret = `to"ken-of\the-app`
	for spelt, want := range map[string]string{ // behind 1,000 bytes; 1,024 are shown
		secret:                                 "REDACTED",
		spellings(secret)["JSON in JSON"]:      "REDACTED",
		spellings(secret)["Go bytes"]:          "REDACTED",
		secret + secret + secret:               "REDACTED",
		"0123456789012345678" + secret[:12]:    "0123456789012345678" + secret[:5],
		"http://user:password-of-the-app":      "http://REDACTED",
		strings.Repeat("é", 12) + secret:       strings.Repeat("é", 12),
		strings.Repeat("é", 11) + "x" + secret: strings.Repeat("é", 11) + "xREDACTED",
	} {
		shown := (text.Secrets{"", secret}).Show(strings.Repeat(".", 1000)+spelt+"@"+strings.Repeat("-", 1<<20), 1<<10)
		if got := strings.TrimLeft(shown, "."); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "…") || strings.Contains(got, "ken") && !strings.HasPrefix(spelt, "0") {
			t.Errorf("%q became %q, want %q", spelt, got, want)
		}
	}
}

// unitsAndSecrets calls f with what has made redaction slow.
func unitsAndSecrets(f func(unit, secret string)) {
	for _, unit := range []string{`\`, `\\u`, `\u005c`, `"`, "%", "%25", "&", "&amp;", "&#x", "&#", "+", "://a@", "://", "a", "2", "\x00", "密", "\xff"} {
		for _, secret := range []string{strings.Repeat(`\`, 9), strings.Repeat("a", 4096), "plain-secret-of-the-app"} {
			f(unit, secret)
		}
	}
}

func TestWorkDoesNotGrowWithTheText(t *testing.T) {
	fastest := func(least time.Duration, secret, in string) time.Duration {
		begun := time.Now()
		_ = (text.Secrets{secret, secret}).Show(in, 1<<10)
		_ = (text.Secrets{secret}).HideError(errors.New(in))
		return min(least, time.Since(begun))
	}
	unitsAndSecrets(func(unit, secret string) {
		short, long := strings.Repeat(unit, 64<<10/len(unit)), strings.Repeat(unit, 1<<20/len(unit))
		small, large := time.Hour, time.Hour
		for range 50 { // a busy machine disturbs some; 16 times the work would take 16 times as long in each
			if small, large = fastest(small, secret, short), fastest(large, secret, long); large < 4*small {
				return
			}
		}
		t.Errorf("1 MiB of %q takes %s, 64 KiB %s", unit, large, small)
	})
}

func BenchmarkShow(b *testing.B) {
	unitsAndSecrets(func(unit, secret string) {
		in := strings.Repeat(unit, 1<<20/len(unit))
		b.Run(fmt.Sprintf("%q/%.9q", unit, secret), func(b *testing.B) {
			for b.Loop() {
				_ = (text.Secrets{secret, secret}).Show(in, 1<<10)
			}
		})
	})
}

func TestCheckCredential(t *testing.T) {
	for value, want := range map[string]string{
		"": "empty", " key": "begins with white space", "key\u3000": "ends with white space", "key\n": "line break", "key\r\n": "line break",
		"\ufeffkey": "byte-order mark", `"key"`: "quotation", "“key”": "quotation", "「key」": "quotation", "ke\u200by": "U+200B", "ke y": "U+0020",
		"k\x00ey": "U+0000", "k\xffey": "UTF-8", "key\u200e": "U+200E",
	} {
		if err := text.CheckCredential(value); err == nil || !strings.Contains(err.Error(), want) || len(value) > 2 && strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
	for _, value := range []string{"dingeqqpkv3xxxxxx", "GT-lsu-taDAxxxsTsxxxx", `a"b\c<d>&e`} {
		if err := text.CheckCredential(value); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func FuzzHide(f *testing.F) {
	f.Add("a-secret", "text with a-secret inside")
	f.Add(`\\\\`, `\\\\\\\\\\\\\\\\`)
	f.Add("%25", "%2525%25")
	f.Fuzz(func(t *testing.T, secret, in string) {
		hidden := (text.Secrets{secret}).Show(in, 1<<10)
		if len(secret) >= 8 && !strings.Contains(text.Redacted, secret) && !strings.Contains("REDACTED"+secret, secret+"REDACTED") && strings.Contains(strings.ReplaceAll(hidden, text.Redacted, "\x00"), secret) {
			t.Errorf("%q is in %q", secret, hidden)
		}
	})
}
