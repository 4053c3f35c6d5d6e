package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// carried are the flags that a run needs to be given again to go on as it began. The others name its files, or say how
// this run differs from the last.
var carried = []string{
	"format", "column", "field", "progress", "qps", "concurrency", "max-calls", "max-wait", "timeout",
	"redis", "monthly-budget", "organization", "pods", "emulator", "region", "base-url", "app-secret-file",
}

// givenFlags are those of them that were set.
func givenFlags(cmd *cobra.Command) []string {
	var words []string
	for _, name := range carried {
		flag := cmd.Flags().Lookup(name)
		switch {
		case !flag.Changed:
		case flag.NoOptDefVal != "": // its value cannot be a word of its own
			words = append(words, "--"+name+"="+flag.Value.String())
		default:
			words = append(words, "--"+name, flag.Value.String())
		}
	}
	return words
}

// againWith is the command that goes on with a run, for a shell.
func againWith(o convertOptions, flag string) string {
	words := slices.Concat([]string{commandName, "convert", "--input", o.input, "--output", o.output, flag}, o.given)
	for i, word := range words {
		if word == "" || strings.ContainsFunc(word, quoted) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// quoted is whether a shell may take a character for more than itself.
func quoted(c rune) bool {
	plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
	return !plain && !strings.ContainsRune("-_./=:+,@%", c)
}
