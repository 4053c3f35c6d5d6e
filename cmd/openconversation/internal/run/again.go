package run

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// carried are the flags that a run needs to be given again to go on as it began. The others name its files, or say how
// this run differs from the last.
var carried = []string{
	"check", "format", "encoding", "output-encoding", "delimiter", "sheet", "column", "field", "shard", "progress", "qps",
	"concurrency", "max-calls", "max-failures", "accept-unknown", "max-wait", "timeout", "redis", "monthly-budget", "budget-mode", "organization", "pods",
	"emulator", "region", "base-url", "app-secret-file", "ipv4", "ipv6", "lang",
}

// givenFlags are those of them that were set.
func givenFlags(cmd *cobra.Command) []string {
	var words []string
	for _, name := range carried {
		flag := cmd.Flags().Lookup(name)
		switch {
		case flag == nil || !flag.Changed: // merge has not all of them
		case flag.NoOptDefVal != "": // its value cannot be a word of its own
			words = append(words, "--"+name+"="+flag.Value.String())
		default:
			words = append(words, "--"+name, flag.Value.String())
		}
	}
	return words
}

// againWith is the command that goes on with a run, for a shell.
func (o *options) againWith(flag string) string {
	words := slices.Concat([]string{term.CommandName, "convert", "--input", o.input.path, "--output", o.output.path, flag}, o.given)
	return shellWords(words)
}

// shellWords is a command as a shell reads it.
func shellWords(words []string) string {
	words = slices.Clone(words)
	for i, word := range words {
		if word == "" || strings.ContainsFunc(word, quoted) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// quoted reports whether a shell may take a character for more than itself.
func quoted(c rune) bool {
	plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
	return !plain && !strings.ContainsRune("-_./=:+,@%", c)
}
