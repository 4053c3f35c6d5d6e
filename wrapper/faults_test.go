package dingtalk_test

import (
	"maps"
	"slices"
	"testing"
)

// faultRows are the rows of docs/faults.md, by name: row_NN_what_happens. Each file adds its own.
var faultRows = map[string]func(*testing.T){}

func addRow(name string, test func(*testing.T)) {
	if faultRows[name] != nil {
		panic("two tests are called " + name)
	}
	faultRows[name] = test
}

// TestFaults causes each fault for real, and checks the caller's error and the requests.
func TestFaults(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(faultRows)) {
		t.Run(name, faultRows[name])
	}
}
