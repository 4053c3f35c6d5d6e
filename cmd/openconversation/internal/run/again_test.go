package run

import (
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// A new flag is either given again, or among those that are not.
func TestEveryFlagIsCarriedOrNot(t *testing.T) {
	left := []string{"input", "output", "again", "dry-run", "json", "limit", "help"}
	var flags []string
	cmd := Command(&term.World{})
	lang.AddFlagTo(cmd.Flags()) // as all commands have it
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { flags = append(flags, flag.Name) })
	if len(flags) != len(carried)+len(left) {
		t.Errorf("%d flags, of which %d are given again and %d are not", len(flags), len(carried), len(left))
	}
	for _, flag := range flags {
		if slices.Contains(carried, flag) == slices.Contains(left, flag) {
			t.Errorf("--%s is in both or in neither", flag)
		}
	}
}
