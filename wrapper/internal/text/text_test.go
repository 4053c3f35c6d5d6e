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

// errorIf reports what is wrong, if it is.
func errorIf(t *testing.T, wrong bool, format string, args ...any) {
	if t.Helper(); wrong {
		t.Errorf(format, args...)
	}
}

// spellings are the ways in which formatters write a text.
func spellings(s string) map[string]string {
	quoted := func(text string) string { return strings.Trim(strings.TrimSpace(text), `"`) }
	marshal := func(s string) string { b, _ := json.Marshal(s); return quoted(string(b)) }
	var plain, bytewise, upper, numeric strings.Builder
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	unescaped := quoted(plain.String())
	for _, b := range []byte(s) {
		fmt.Fprintf(&bytewise, `\x%02x`, b)
		fmt.Fprintf(&upper, `%%%02X`, b)
	}
	for _, r := range s {
		fmt.Fprintf(&numeric, `&#x%x;`, r)
	}
	return map[string]string{
		"plain": s, "JSON": marshal(s), "JSON without HTML": unescaped, "JSON in JSON": marshal(marshal(s)), "JSON slash": strings.ReplaceAll(unescaped, "/", `\/`),
		"Go": quoted(strconv.Quote(s)), "Go ASCII": quoted(strconv.QuoteToASCII(s)), "Go bytes": bytewise.String(),
		"query": url.QueryEscape(s), "path": url.PathEscape(s), "every byte": upper.String(), "lower": strings.ToLower(upper.String()),
		"twice": url.QueryEscape(url.QueryEscape(s)), "HTML": html.EscapeString(s), "XML": numeric.String(),
	}
}

func TestSecretsAreHiddenInEverySpelling(t *testing.T) {
	for _, secret := range []string{
		strings.Repeat(`\`, 9), strings.Repeat("%", 17), "plain-secret-of-the-app", `quo"te-secret`, `back\slash-secret`, `<tag>&amp-secret`, `per%cent+secret`, `sl/ash=secret==`, `密钥-of-the-app`, `emoji😀secret`,
		`%25secret`, `&lt;secret`, `a\"b\\c<d>&e`,
	} {
		for name, spelt := range spellings(secret) {
			in := "before=" + spelt + "; after"
			got := (text.Secrets{secret}).Show(in, 1<<10)
			errorIf(t, got != "before="+text.Redacted+"; after", "%s of %q: %q became %q", name, secret, in, got)
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
		got := c.secrets.Show(c.in, 1<<10)
		errorIf(t, got != c.want, "%q: %q, want %q", c.in, got, c.want)
	}
}

func TestHideErrorKeepsTheType(t *testing.T) {
	const secret = "a-secret-name"
	secrets := text.Secrets{secret}
	shows := func(err error) {
		t.Helper()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
			shown := fmt.Sprintf(verb, err) + err.Error()
			errorIf(t, strings.Contains(shown, secret), "%s: the secret is in %s", verb, shown)
		}
	}
	hidden := secrets.HideError(fmt.Errorf("read "+secret+": %w", io.ErrUnexpectedEOF))
	errorIf(t, !errors.Is(hidden, io.ErrUnexpectedEOF) || hidden.Error() != "read REDACTED: unexpected EOF", "%v", hidden)
	plain := &requestError{token: secret}
	hidden = secrets.HideError(fmt.Errorf("odd: %w", plain))
	found, is := text.Find[*requestError](hidden)
	errorIf(t, !is || found != plain || hidden.Error() != "odd: plain", "%v: an error without a secret in its text lost its type", hidden)
	hidden = secrets.HideError(&net.DNSError{Name: "a host", UnwrapErr: errors.New(secret)}) // its text leaves out what it wraps
	errorIf(t, errors.Unwrap(hidden) != nil, "%v wraps %v", hidden, errors.Unwrap(hidden))
	for _, err := range []error{plain, *plain, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.UnixAddr{Name: secret}, Err: *plain}} {
		shows(secrets.HideError(err))
	}
}

// requestError is a transport's error that holds a request, and does not print it.
type requestError struct{ token string }

func (requestError) Error() string { return "plain" }

// What is shown depends on the beginning of a text alone, and so does the work.
func TestLongTextIsCutFirst(t *testing.T) {
	const secret = `to"ken-of\the-app`
	for spelt, want := range map[string]string{ // behind 1,000 bytes; 1,024 are shown
		secret: "REDACTED", spellings(secret)["JSON in JSON"]: "REDACTED", spellings(secret)["Go bytes"]: "REDACTED", secret + secret + secret: "REDACTED",
		"0123456789012345678" + secret[:12]: "0123456789012345678" + secret[:5], "http://user:password-of-the-app": "http://REDACTED",
		"éééééééééééé" + secret: "éééééééééééé", strings.Repeat("é", 11) + "x" + secret: strings.Repeat("é", 11) + "xREDACTED",
	} {
		shown := (text.Secrets{"", secret}).Show(strings.Repeat(".", 1000)+spelt+"@"+strings.Repeat("-", 1<<20), 1<<10)
		got := strings.TrimLeft(shown, ".")
		leaks := strings.Contains(got, "ken") && !strings.HasPrefix(spelt, "0")
		errorIf(t, leaks || !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "…"), "%q became %q, want %q", spelt, got, want)
	}
}

func TestWorkDoesNotGrowWithTheText(t *testing.T) {
	fastest := func(least time.Duration, secret, in string) time.Duration {
		begun := time.Now()
		_ = (text.Secrets{secret, secret}).Show(in, 1<<10)
		_ = (text.Secrets{secret}).HideError(errors.New(in))
		return min(least, time.Since(begun))
	}
	for _, unit := range []string{`\`, `\\u`, `\u005c`, `"`, "%", "%25", "&", "&amp;", "&#x", "&#", "+", "://a@", "://", "a", "2", "-", ".", "\x00", "密", "\xff"} {
		for _, secret := range []string{strings.Repeat(`\`, 9), strings.Repeat("a", 4096), "plain-secret-of-the-app", "-", ".", strings.Repeat("ab", 1<<19)} {
			short, long := strings.Repeat(unit, 8<<10/len(unit)), strings.Repeat(unit, 1<<20/len(unit)) // of which it looks at 53 KiB
			small, large := time.Hour, time.Hour
			for n := 0; n == 0 || n < 50 && large >= 16*small; n++ { // a busy machine disturbs some; the square of the work would take 43 times as long in each
				small, large = fastest(small, secret[:min(len(secret), 8<<10)], short), fastest(large, secret, long)
			}
			errorIf(t, large >= 16*small, "1 MiB of %q takes %s, 8 KiB %s, with %.9q", unit, large, small, secret)
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
