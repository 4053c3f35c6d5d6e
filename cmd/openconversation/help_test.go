package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
)

func TestHelpListsExitCodes(t *testing.T) {
	root, convert := runArgs(t, "", "--help"), runArgs(t, "", "convert", "--help")
	for _, help := range []result{root, convert} {
		if help.code != 0 || help.stderr != "" {
			t.Errorf("exit code %d, standard error %q", help.code, help.stderr)
		}
		for _, code := range []int{0, 1, 2, 3, 4, 5, 129, 130, 143} {
			if _, after, _ := strings.Cut(help.stdout, "\nExit codes:\n"); !regexp.MustCompile(`(?m)^  ([0-9]+, )*` + strconv.Itoa(code) + "[ ,]").MatchString(after) {
				t.Errorf("exit code %d is not listed", code)
			}
		}
		for _, name := range []string{connect.EnvAppKey, connect.EnvAppSecret, connect.EnvBaseURL} {
			if !strings.Contains(help.stdout, "\n  "+name+" ") {
				t.Errorf("%s is not listed", name)
			}
		}
	}
	golden(t, "help", root.stdout)
	golden(t, "help-convert", convert.stdout)
	golden(t, "help-emulator", runArgs(t, "", "emulator", "--help").stdout)
}
