package run

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// carried lists the flags that a continued run needs again. The other flags name its files or differ from run to run.
var carried = []string{
	"check", "format", "encoding", "output-encoding", "delimiter", "sheet", "column", "header-row", "progress", "qps",
	"concurrency", "max-calls", "accept-unknown", "timeout", "redis", "redis-timeout", "monthly-budget", "organization",
	"emulator", "region", "base-url", "app-secret-file", "ip", "lang",
}

// givenFlags returns the carried flags that are set.
func givenFlags(cmd *cobra.Command) []string {
	var words []string
	for _, name := range carried {
		flag := cmd.Flags().Lookup(name)
		switch {
		case !flag.Changed:
		case flag.NoOptDefVal != "": // its value cannot be a separate word
			words = append(words, "--"+name+"="+flag.Value.String())
		default:
			words = append(words, "--"+name, flag.Value.String())
		}
	}
	return words
}

// againWith returns the shell command that continues a run: the same, or with more flags.
func (o *options) againWith(flags ...string) string {
	words := slices.Concat([]string{term.CommandName, "convert", "--input", o.input.path, "--output", o.output.path}, flags, o.given)
	return shellWords(words)
}

// shellWords quotes a command for a shell.
func shellWords(words []string) string {
	words = slices.Clone(words)
	for i, word := range words {
		if word == "" || strings.ContainsFunc(word, quoted) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// quoted reports whether a character may be special in a shell.
func quoted(c rune) bool {
	plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
	return !plain && !strings.ContainsRune("-_./=:+,@%", c)
}
