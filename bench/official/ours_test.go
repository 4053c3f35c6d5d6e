package official

import "testing"

// ours is the generated side.
func ours(t *testing.T, _ *Recorder, _ *Contract) Side {
	t.Skip("sixty/ is not generated yet")
	return nil
}
