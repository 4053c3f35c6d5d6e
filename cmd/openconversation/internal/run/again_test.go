package run

import (
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

// A continued run is given every flag again, but for those that there are to leave out.
func TestFlagsLeftOutExist(t *testing.T) {
	cmd := Command(&term.World{Getenv: func(string) string { return "" }})
	for _, name := range apart {
		if cmd.Flags().Lookup(name) == nil {
			t.Errorf("there is no flag --%s", name)
		}
	}
}
