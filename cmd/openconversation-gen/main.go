// Command openconversation-gen generates a Go package of typed methods from an OpenAPI contract of DingTalk operations,
// for your own module. The methods call a dingtalk.Client, and share its token, limits, retries and errors.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
	"github.com/dingtalk-openapi/openconversation-go/internal/overlay"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const carried = `OpenAPI 3.0 or 3.1, in one file, with references to its own components; no YAML anchors.
Operations: GET, POST, PUT, PATCH and DELETE, each with an operationId; with or without a body.
Parameters: in path (a segment or part of one), query and header; a string, integer, number or boolean, with or without
  enum, or an array of them; a string with x-json-string in a query takes any value, as JSON.
Bodies: application/json, required, optional or none.
Answers: one status 2xx that is the success, as JSON or without a body. Every other answer is an error of the common shape.
Schemas: objects, nested and recursive, nullable fields, additionalProperties, allOf, arrays, maps, free-form values,
  enums of strings or integers (open: other values are kept). Not: oneOf, anyOf, not, discriminators.
Tokens: in the header of the client, or in a query that the operation's security names; none only with security: [].
Extensions: x-repeat, x-permission, x-app-type, x-paging, x-success, x-json-string, x-error-codes, x-go-name,
  x-enum-varnames. openapi.yaml of this project describes each.

What is refused is named with its line, and what to write instead.
`

var errUsage = errors.New("usage")

func run(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "official" {
		return runOfficial(args[1:], stdout, stderr)
	}
	flags := flag.NewFlagSet("openconversation-gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	spec := flags.String("spec", "", "the OpenAPI 3.0 or 3.1 contract, a YAML or JSON `file`")
	name := flags.String("package", "", "the `name` of the package")
	output := flags.String("output", "", "the `folder` of the package; the file is NAME.gen.go there")
	changes := flags.String("overlay", "", "an OpenAPI Overlay 1.0, a `file` with changes to the contract, such as names for Go")
	data := flags.String("routes", "", "write the operations as JSON to this `file`, for --spec of openconversation's call, operations and emulator")
	packages := flags.String("official", "", "instead of --spec: `packages` of DingTalk's official SDK, such as robot_1_0")
	var o officialFlags
	o.addTo(flags)
	flags.Usage = func() {
		fmt.Fprintf(stderr, `Usage: openconversation-gen --spec FILE --package NAME --output FOLDER [--overlay FILE]
       openconversation-gen --spec FILE --routes FILE [--overlay FILE]
       openconversation-gen --official PACKAGES [--operation NAMES] [--package NAME] --output FOLDER
       openconversation-gen official --help

Makes a Go package with a typed method for each operation of a contract. Its methods send through a dingtalk.Client.

Flags:
`)
		flags.PrintDefaults()
		fmt.Fprintf(stderr, "\nWhat a contract may hold:\n\n%s", carried)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if *name != "" {
		if err := generator.CheckName(*name); err != nil {
			fmt.Fprintln(stderr, err)
			return errUsage
		}
	}
	if *packages != "" && *output != "" && *spec+*changes+*data == "" && flags.NArg() == 0 {
		return o.generate(*packages, *name, *output, stderr)
	}
	pkg := *name != "" || *output != ""
	if flags.NArg() > 0 || *spec == "" || pkg && (*output == "" || *name == "") || !pkg && *data == "" {
		flags.Usage()
		return errUsage
	}
	var with contract.Change
	if *changes != "" {
		with = overlay.Change(*changes)
	}
	c, err := contract.Load(*spec, with)
	if err != nil {
		return err
	}
	if *data != "" {
		if err := writeRoutes(c, *data); err != nil {
			return err
		}
	}
	if !pkg {
		return nil
	}
	return writePackage(c, *spec, *name, *output)
}

// writePackage generates a package into a folder.
func writePackage(c *contract.Contract, source, name, folder string) error {
	src, err := generator.Foreign(c, source, name)
	if err != nil {
		return err
	}
	return generator.Write(folder, name, map[string][]byte{name + ".gen.go": src})
}

// writeRoutes writes a contract's routes for the command and the emulator.
func writeRoutes(c *contract.Contract, file string) error {
	raw, err := json.MarshalIndent(c.Routes(), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o644)
}
