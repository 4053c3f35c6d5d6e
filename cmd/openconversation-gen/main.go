// Command openconversation-gen makes a Go package of typed methods from an OpenAPI contract of DingTalk operations, for your own module. The methods send through a dingtalk.Client, and so with its token, limits, repeats and errors.
package main

import (
	"errors"
	"flag"
	"fmt"
	"go/token"
	"io"
	"os"
	"path/filepath"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

func main() {
	err := run(os.Args[1:], os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("openconversation-gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	spec := flags.String("spec", "", "the OpenAPI 3.0 contract, a YAML or JSON `file`")
	name := flags.String("package", "", "the `name` of the package")
	output := flags.String("output", "", "the `folder` of the package; the file is NAME.gen.go there")
	overlay := flags.String("overlay", "", "an OpenAPI Overlay 1.0, a `file` with changes to the contract, such as names for Go")
	flags.Usage = func() {
		fmt.Fprintf(stderr, `Usage: openconversation-gen --spec FILE --package NAME --output FOLDER [--overlay FILE]

Makes a Go package with a typed method for each operation of a contract. Its methods send through a dingtalk.Client.

Flags:
`)
		flags.PrintDefaults()
		fmt.Fprintf(stderr, "\nWhat a contract may hold:\n\n%s", contract.Carried)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if flags.NArg() > 0 || *spec == "" || *output == "" || !token.IsIdentifier(*name) {
		flags.Usage()
		return errUsage
	}
	c, err := contract.Load(*spec, *overlay)
	if err != nil {
		return err
	}
	src, err := generator.Foreign(c, *spec, *name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*output, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*output, *name+".gen.go"), src, 0o644)
}
