package main

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
)

// environment is this process's, in UTF-8. Beside the hosts that a proxy is not for already, it is not for the emulator's,
// on the loopback interface.
func environment(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(strings.ToLower(entry), "=")
		return name == "lang" || strings.HasPrefix(name, "lc_")
	})
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		hosts := append(split(os.Getenv(name)), "127.0.0.1")
		env = append(env, name+"="+strings.Join(hosts, ","))
	}
	return append(append(env, "LANG=C.UTF-8", "LC_ALL=C.UTF-8"), extra...)
}

// listen takes a free port of the loopback interface.
func listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", "127.0.0.1:0")
}

// tail is the end of a text, in one line.
func tail(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	const limit = 400
	if runes := []rune(text); len(runes) > limit {
		return "…" + string(runes[len(runes)-limit:])
	}
	return text
}

// split takes names apart that are separated by commas or spaces.
func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
