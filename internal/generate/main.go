// Command generate makes package generated, and the methods of package dingtalk, from this repository's contract.
//
// Usage: generate CONTRACT FOLDER METHODS
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
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
	c, err := contract.Load(source, nil)
	if err != nil {
		return err
	}
	wrapper, name := filepath.Split(methods)
	var others []*ast.File
	paths, err := filepath.Glob(filepath.Join(wrapper, "*.go"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if filepath.Base(path) == name {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		others = append(others, file)
	}
	files, src, err := generator.Own(c, source, others, tokenOperation)
	if err != nil {
		return err
	}
	if err := generator.Write(folder, "generated", files); err != nil {
		return err
	}
	return generator.Write(wrapper, "dingtalk", map[string][]byte{name: src})
}
