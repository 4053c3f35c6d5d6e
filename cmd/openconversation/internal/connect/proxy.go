package connect

import (
	"cmp"
	"net/url"
	"os"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// UseAllProxy makes ALL_PROXY count where no proxy for HTTPS is set, as curl does. Package net/http does not know it, and
// reads the environment once, so it must be called first.
func UseAllProxy() {
	all := cmp.Or(os.Getenv("ALL_PROXY"), os.Getenv("all_proxy"))
	if all != "" && cmp.Or(os.Getenv("HTTPS_PROXY"), os.Getenv("https_proxy")) == "" {
		_ = os.Setenv("HTTPS_PROXY", all) // the name is valid
	}
}

// checkProxy refuses a proxy setting that would be read otherwise than it is meant. No error repeats it: it may hold a
// password.
func checkProxy(w *term.World) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		setting := trimLineEnds(w.Getenv(name))
		if setting == "" {
			continue
		}
		_, rest, schemed := strings.Cut(setting, "://")
		if !schemed {
			rest = setting
		}
		user := rest[:max(strings.LastIndexByte(rest, '@'), 0)]
		if at := strings.IndexAny(user, "#/?@[] "); at >= 0 {
			return explain.UsageHint("write it in hexadecimal, such as %%23 for #, %%40 for @ and %%2F for /",
				"%s: its user or password holds a %q, which ends it in a URL", lang.Literal(name), user[at:at+1])
		}
		if !schemed {
			setting = "http://" + setting
		}
		u, err := url.Parse(setting)
		switch {
		case err != nil || u.Hostname() == "":
			return explain.UsageHint("write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT", "%s: it is no address of a proxy", lang.Literal(name))
		case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h":
			return explain.UsageHint("use http, https, socks5 or socks5h", "%s: there is no proxy of the kind %q", lang.Literal(name), u.Scheme)
		}
		return nil // the others do not count
	}
	return nil
}
