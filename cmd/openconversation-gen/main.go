// Command openconversation-gen generates a Go package of typed methods from an OpenAPI contract of DingTalk operations,
// for your own module. The methods call a dingtalk.Client, and share its token, limits, retries and errors.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
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

// options are the flags. packages are of DingTalk's official SDK.
type options struct {
	spec, overlay, packages, operations, sdk, name, output, routes string
	list                                                           bool
}

func run(args []string, stdout, stderr io.Writer) error {
	var o options
	imports, usage := len(args) > 0 && args[0] == "official", strings.Split(usageText, "\f")
	flags := flag.NewFlagSet("openconversation-gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.output, "output", "", "write NAME.gen.go, or the contract of each package, into this `folder`")
	flags.StringVar(&o.routes, "routes", "", "write the operations to this `file`, for --spec or --official-routes of openconversation")
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
		o.packages = strings.Join(named, ",")
		return o.imported(stdout, stderr)
	case imports || len(named) > 0:
	case o.packages != "" && o.output != "" && o.spec+o.overlay+o.routes == "":
		return o.packagesOf(stderr)
	case o.packages == "" && o.spec != "" && (o.name == "") == (o.output == "") && o.name+o.routes != "":
		return o.generate()
	}
	flags.Usage()
	return errUsage
}

// generate makes what is asked for of a contract.
func (o *options) generate() error {
	content, err := os.ReadFile(o.spec)
	if err != nil {
		return err
	}
	var changed [][]byte
	if o.overlay != "" {
		text, err := overlaid(o.overlay, content)
		if err != nil {
			return err
		}
		changed = append(changed, text)
	}
	c, err := contract.Parse(o.spec, content, changed...)
	if err == nil && o.routes != "" {
		var raw []byte
		if raw, err = json.MarshalIndent(c.Routes(), "", "  "); err == nil {
			err = os.WriteFile(o.routes, append(raw, '\n'), 0o644)
		}
	}
	if err != nil || o.name == "" {
		return err
	}
	return writePackage(c, o.spec, o.name, o.output)
}

// overlaid applies an OpenAPI Overlay 1.0. An action that changes nothing is an error: it would be a misspelling.
func overlaid(file string, content []byte) ([]byte, error) {
	actions, err := overlay.Parse(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := errors.Join(actions.Validate(), yaml.Unmarshal(content, &doc)); err != nil {
		return nil, err
	}
	if _, err := actions.ApplyToStrict(&doc); err != nil {
		return nil, err
	}
	return yaml.Marshal(&doc)
}

// writePackage generates a package into a folder.
func writePackage(c *contract.Contract, source, name, folder string) error {
	src, err := generator.Foreign(c, filepath.Base(source), name)
	if err != nil {
		return err
	}
	return generator.Write(folder, name, map[string][]byte{name + ".gen.go": src})
}
