// Command openconversation-gen generates a Go package of typed methods from an OpenAPI contract of DingTalk operations,
// for your own module. The methods call a dingtalk.Client, and share its token, limits, retries and errors.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
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

// usageText is what is said before the flags, after them, and before those of the subcommand official.
//
//go:embed usage.txt
var usageText string

var errUsage = errors.New("usage")

func run(args []string, stdout, stderr io.Writer) error {
	var o options
	imports, usage := len(args) > 0 && args[0] == "official", strings.Split(usageText, "\f")
	flags := flag.NewFlagSet("openconversation-gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.output, "output", "", "write NAME.gen.go, or the contract of each package, into this `folder`")
	flags.StringVar(&o.routes, "routes", "", "write the operations to this `file`, for --spec of openconversation")
	flags.StringVar(&o.operations, "operation", "", "only these operations of the official SDK: `NAMES` with commas between them, in any case; * stands for any letters")
	flags.StringVar(&o.sdk, "sdk", "", "the official SDK: a `folder` with its source, or a version; "+defaultSDK)
	if imports {
		args, usage = args[1:], []string{usage[2], ""}
		flags.BoolVar(&o.list, "list", false, "list the operations that have a word in their name, path or summary")
	} else {
		flags.StringVar(&o.spec, "spec", "", "the OpenAPI 3.0 or 3.1 contract, a YAML or JSON `file`")
		flags.StringVar(&o.overlay, "overlay", "", "an OpenAPI Overlay 1.0, a `file` with changes to the contract, such as names for Go")
		flags.StringVar(&o.packages, "official", "", "instead of --spec: `packages` of DingTalk's official SDK, such as robot_1_0")
		flags.StringVar(&o.name, "package", "", "the `name` of the package")
	}
	flags.Usage = func() {
		fmt.Fprint(stderr, usage[0])
		flags.PrintDefaults()
		fmt.Fprint(stderr, usage[1])
	}
	var named []string
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return err
		} else if err != nil {
			return errUsage
		}
		if flags.NArg() == 0 {
			break
		}
		named, args = append(named, flags.Arg(0)), flags.Args()[1:] // a flag may come after a name
	}
	if o.name != "" {
		if err := generator.CheckName(o.name); err != nil {
			fmt.Fprintln(stderr, err)
			return errUsage
		}
	}
	switch {
	case imports && (len(named) > 0 || o.routes != "" || o.list) && (len(named) < 2 || !o.list):
		o.packages, o.contracts = strings.Join(named, ","), o.routes == ""
		return o.imported(stdout, stderr)
	case imports || len(named) > 0:
	case o.packages != "" && o.output != "" && o.spec+o.overlay+o.routes == "":
		return o.imported(stdout, stderr)
	case o.packages == "" && o.spec != "" && (o.name == "") == (o.output == "") && o.name+o.routes != "":
		return o.generate()
	}
	flags.Usage()
	return errUsage
}
