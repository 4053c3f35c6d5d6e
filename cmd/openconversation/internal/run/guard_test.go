package run

import (
	"fmt"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func TestGuard(t *testing.T) {
	unknown := &dingtalk.Error{Kind: dingtalk.ErrInvalidChatID}
	away := &dingtalk.Error{Kind: dingtalk.ErrUnavailable}
	invisible := &dingtalk.Error{Kind: dingtalk.ErrOwnerNotVisible}
	stopped := make(chan struct{})
	close(stopped)
	for name, tt := range map[string]struct {
		outcomes func(i int) error
		nonsense bool
	}{
		"all unknown":         {func(int) error { return unknown }, true},
		"the last is known":   {func(i int) error { return []error{unknown, nil}[i/(enough-1)] }, false},
		"one has an owner":    {func(i int) error { return []error{unknown, invisible}[i/(enough-1)] }, false},
		"one was not settled": {func(i int) error { return []error{unknown, away}[i/(enough-1)] }, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuard(true, lang.Literal("x"))
			for i := range enough {
				for range 3 { // one that comes again is none of its own
					if !g.admit(fmt.Sprint(i), stopped) {
						t.Fatalf("id %d waits", i)
					}
				}
			}
			if g.admit("one more", stopped) {
				t.Error("one more is admitted before all are settled")
			}
			for i := range enough {
				if g.nonsense() {
					t.Errorf("nonsense after %d", i)
				}
				g.saw(fmt.Sprint(i), tt.outcomes(i))
				g.saw(fmt.Sprint(i), tt.outcomes(i))
			}
			if g.nonsense() != tt.nonsense || g.admit("one more", stopped) == tt.nonsense {
				t.Errorf("nonsense: %t", g.nonsense())
			}
		})
	}
	off := newGuard(false, lang.Literal("x"))
	for i := range 3 * enough {
		if off.saw(fmt.Sprint(i), unknown); !off.admit(fmt.Sprint(i), stopped) || off.nonsense() {
			t.Fatal("it is off")
		}
	}
}
