// Command generate makes package generated, and the methods and kinds of error of package dingtalk, from this repository's contract.
//
// Usage: generate CONTRACT GENERATED WRAPPER
package main

import (
	"errors"
	"fmt"
	"os"

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
		return errors.New("usage: generate CONTRACT GENERATED WRAPPER")
	}
	content, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	c, err := contract.Parse(args[0], content)
	if err != nil {
		return err
	}
	files, wrapper, err := generator.Own(c, args[0], tokenOperation)
	if err != nil {
		return err
	}
	if err := generator.Write(args[1], "generated", files); err != nil {
		return err
	}
	return generator.Write(args[2], "dingtalk", wrapper)
}
