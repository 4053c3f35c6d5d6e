// Command generate makes package generated, and the methods of package dingtalk, from this repository's contract.
//
// Usage: generate CONTRACT FOLDER METHODS
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

// tokenOperation gets no method: it is what dingtalk.Client.Token calls.
const tokenOperation = "getAccessToken"

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: generate CONTRACT FOLDER METHODS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes nothing unless everything can be made.
func run(source, folder, methods string) error {
	c, err := contract.Load(source, contract.Plain)
	if err != nil {
		return err
	}
	files, src, err := generator.Own(c, source, tokenOperation)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(methods, src, 0o644)
}
