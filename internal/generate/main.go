// Command generate makes package generated, and the methods of package dingtalk, from this repository's contract.
//
// Usage: generate CONTRACT FOLDER METHODS
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

// tokenOperation gets no method: it is what dingtalk.Client.Token calls.
const tokenOperation = "getAccessToken"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes nothing unless everything can be made.
func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: generate CONTRACT FOLDER METHODS")
	}
	content, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	c, err := contract.Parse(args[0], content)
	if err != nil {
		return err
	}
	files, methods, err := generator.Own(c, args[0], tokenOperation)
	if err != nil {
		return err
	}
	if err := generator.Write(args[1], "generated", files); err != nil {
		return err
	}
	wrapper, name := filepath.Split(args[2])
	return generator.Write(wrapper, "dingtalk", map[string][]byte{name: methods})
}
