package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

var (
	namedFlag  = regexp.MustCompile("[` ](--[a-z][a-z-]*)")
	fenced     = regexp.MustCompile("(?s)\n```.*?\n```\n") // it is run
	namedFault = regexp.MustCompile("`([a-z-]+)`")
)

// What TestSnippets does not run of the emulator's page: the flags that it names exist, and its table of faults has those
// that need nothing more than their name.
func TestNamedByTheEmulatorPage(t *testing.T) {
	page := content(t, "docs/emulator.md")
	flags := content(t, "cmd/openconversation/internal/emulate/command.go")
	for _, m := range namedFlag.FindAllStringSubmatch(fenced.ReplaceAllString(page, "\n"), -1) {
		if name := strings.TrimPrefix(m[1], "--"); !strings.Contains(flags, `"`+name+`", `) {
			t.Errorf("the emulator has no flag %s", m[1])
		}
	}
	_, table, _ := strings.Cut(page, "| fault | does |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var named []string
	for row := range strings.Lines(table) {
		for _, m := range namedFault.FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
			named = append(named, m[1])
		}
	}
	var kinds []string
	for _, kind := range dingtalktest.FaultKinds() {
		if kind.Word {
			kinds = append(kinds, kind.Name)
		}
	}
	slices.Sort(named)
	slices.Sort(kinds)
	if !slices.Equal(named, kinds) {
		t.Errorf("the page names the faults %q, and there are %q", named, kinds)
	}
}
