package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
)

// Help fits a terminal, lists exit codes and the environment, and is Chinese all through where that is wanted.
func TestHelp(t *testing.T) {
	root, convert := runArgs("--help").stdout, runArgs("convert", "--help").stdout
	for _, help := range []string{root, convert} {
		for _, code := range []int{0, 1, 2, 3, 4, 5, 129, 130, 143} {
			if _, after, _ := strings.Cut(help, "\nExit codes:\n"); !regexp.MustCompile(`(?m)^  ([0-9]+, )*` + strconv.Itoa(code) + "[ ,]").MatchString(after) {
				t.Errorf("exit code %d is not listed", code)
			}
		}
		for _, name := range []string{connect.EnvAppKey, connect.EnvAppSecret, connect.EnvBaseURL} {
			if !strings.Contains(help, "\n  "+name+" ") {
				t.Errorf("%s is not listed", name)
			}
		}
	}
	golden(t, "help", root)
	golden(t, "help-convert", convert)
	var all func(cmd *cobra.Command)
	all = func(cmd *cobra.Command) {
		for _, language := range []string{"en", "zh"} {
			got := runArgs(append(strings.Fields(cmd.CommandPath())[1:], "--help", "--lang", language)...)
			if got.code != 0 || got.stderr != "" || chinese(got.stdout) != (language == "zh") && cmd.Name() != "completion" && cmd.Parent().Name() != "completion" {
				t.Errorf("%s --lang %s: %+v", cmd.CommandPath(), language, got)
			}
			for line := range strings.Lines(got.stdout) {
				if utf8.RuneCountInString(line) > 101 && cmd.Name() == "convert" {
					t.Errorf("%s: %d columns: %s", cmd.CommandPath(), utf8.RuneCountInString(line), line)
				}
			}
		}
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	for _, cmd := range englishRoot().Commands() {
		all(cmd)
	}
}

// The command speaks the language of its environment, and of --lang before that.
func TestLanguageOfTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		env     string
		args    []string
		chinese bool
	}{
		{"LANG=zh_CN.UTF-8", nil, true},
		{"LANG=zh_TW", nil, true},
		{"LANG=zh_CN.UTF-8 LC_MESSAGES=en_GB.UTF-8", nil, false},
		{"LC_MESSAGES=en_GB.UTF-8 LC_ALL=zh_CN.utf8@pinyin", nil, true},
		{"LANG=zh_CN.GB18030", nil, false}, // a terminal that is not UTF-8
		{"LANG=zh_CN.UTF-8 LC_ALL=C", nil, false},
		{"LANG=de_DE.UTF-8", nil, false},
		{"", nil, false},
		{"LANG=zh_CN.UTF-8", []string{"--lang", "en"}, false},
		{"LANG=C", []string{"--lang=zh"}, true},
	} {
		env := map[string]string{}
		for _, pair := range strings.Fields(tt.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		got := call{args: append([]string{"convert", "--emulator", "unknown1", chat}, tt.args...), env: env}.run()
		if chinese(got.stderr) != tt.chinese || got.code != 1 || got.stdout != chat+"\t"+openID+"\n" {
			t.Errorf("%s %q: %+v", tt.env, tt.args, got)
		}
	}
}

func chinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
