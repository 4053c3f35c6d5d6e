package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A mutant whose text is gone tests nothing. The run itself takes minutes; this tells at once.
func TestMutantsFitTheCode(t *testing.T) {
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join("..", "..", "wrapper", m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.from); n != 1 {
			t.Errorf("%s: its text stands %d times in %s", m.name, n, m.file)
		}
	}
}
