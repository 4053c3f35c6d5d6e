package main

import (
	"path/filepath"
	"testing"
)

// A mutant whose place is gone tests nothing. The run itself takes minutes; this tells at once.
func TestMutantsFitTheCode(t *testing.T) {
	for _, m := range mutants {
		if _, err := m.find(filepath.Join("..", "..")); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}
