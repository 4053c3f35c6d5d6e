package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/official"
)

// officialFlags say which operations of DingTalk's official SDK are meant.
type officialFlags struct{ operations, sdk string }

func (o *officialFlags) addTo(flags *flag.FlagSet) {
	flags.StringVar(&o.operations, "operation", "", "only these operations of the official SDK: `NAMES` with commas between them, in any case; * stands for any letters")
	flags.StringVar(&o.sdk, "sdk", "", "the official SDK: a `folder` with its source, or a version (default "+official.Version+", from the Go module cache)")
}

// each passes the contracts of packages to do, which is called twice at a time. With refused, they are without what the
// generator refuses, which is told there, unless it is asked for by name: then the generator says why.
func (o *officialFlags) each(sdk *official.SDK, packages string, refused io.Writer, do func(p *official.Package, yaml []byte) error) error {
	found, err := sdk.Select(packages, o.operations)
	if err != nil {
		return err
	}
	for _, p := range found {
		p.Operations = slices.DeleteFunc(p.Operations, func(op *official.Operation) bool {
			why := op.Refusal()
			if why == "" || refused == nil || o.operations != "" {
				return false
			}
			fmt.Fprintf(refused, "%s without %s: %s, for which there is client.Do\n", p.Name, op.ID(), why)
			return true
		})
	}
	if len(found) > 10 { // the whole API in less time, and within 500 MB
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(440 << 20)
	}
	group := errgroup.Group{}
	group.SetLimit(2)
	for _, p := range found {
		group.Go(func() error {
			yaml, err := p.Contract(p.Operations)
			if err != nil {
				return err
			}
			return do(p, yaml)
		})
	}
	return group.Wait()
}

// generable is each with what the generator takes.
func (o *officialFlags) generable(sdk *official.SDK, packages string, stderr io.Writer, do func(p *official.Package, c *contract.Contract) error) error {
	return o.each(sdk, packages, stderr, func(p *official.Package, yaml []byte) error {
		c, err := contract.Parse(p.Name+".yaml", yaml)
		if err != nil {
			return err
		}
		return do(p, c)
	})
}

const officialUsage = `Usage: openconversation-gen official PACKAGES [--operation NAMES] [--sdk FOLDER|VERSION] > CONTRACT.yaml
       openconversation-gen official PACKAGES … --output FOLDER
       openconversation-gen official --list [WORD]
       openconversation-gen official [PACKAGES] --routes FILE

Writes the OpenAPI contract of operations of DingTalk, from the source of its official Go SDK. PACKAGES are names such as
robot_1_0, with commas between them; * stands for any letters.

Flags:
`

// runOfficial is the subcommand official.
func runOfficial(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("openconversation-gen official", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o officialFlags
	o.addTo(flags)
	list := flags.Bool("list", false, "list the operations that have a word in their name, path or summary")
	output := flags.String("output", "", "write the contract of each package into this `folder`")
	data := flags.String("routes", "", "write the operations to this `file`, for --official-routes of openconversation, and its licence beside it")
	flags.Usage = func() { fmt.Fprint(stderr, officialUsage); flags.PrintDefaults() }
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
	if !*list && *data == "" && len(named) == 0 || *list && len(named) > 1 {
		flags.Usage()
		return errUsage
	}
	sdk, err := official.Open(o.sdk)
	if err != nil {
		return err
	}
	packages := strings.Join(named, ",")
	switch {
	case *list:
		return listOfficial(sdk, packages, stdout)
	case *data != "":
		return o.writeRoutes(sdk, packages, *data, stderr)
	case *output != "":
		if err := os.MkdirAll(*output, 0o755); err != nil {
			return err
		}
		return o.each(sdk, packages, nil, func(p *official.Package, yaml []byte) error {
			return os.WriteFile(filepath.Join(*output, p.Name+".yaml"), yaml, 0o644)
		})
	}
	made := make(chan []byte, 1)
	err = o.each(sdk, packages, nil, func(p *official.Package, yaml []byte) error {
		select {
		case made <- yaml:
			return nil
		default:
			return fmt.Errorf("%s is another package: standard output holds one contract, --output FOLDER one for each package", p.Name)
		}
	})
	if err == nil {
		_, err = stdout.Write(<-made)
	}
	return err
}

func listOfficial(sdk *official.SDK, word string, stdout io.Writer) error {
	lines, err := sdk.List(word)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return fmt.Errorf("no operation of the official SDK has %q in its name, path or summary", word)
	}
	_, err = fmt.Fprintln(stdout, strings.Join(lines, "\n"))
	return err
}

// generate makes the Go packages of packages: NAME in folder, or without a name each in a folder of its own.
func (o *officialFlags) generate(packages, name, folder string, stderr io.Writer) error {
	sdk, err := official.Open(o.sdk)
	if err != nil {
		return err
	}
	return o.generable(sdk, packages, stderr, func(p *official.Package, c *contract.Contract) error {
		if name == "" {
			return writePackage(c, p.Name+".yaml", p.Name, filepath.Join(folder, p.Name))
		}
		return writePackage(c, p.Name+".yaml", name, folder)
	})
}

// writeRoutes writes the routes of packages, and beside them the licence of the SDK, whose texts they have.
func (o *officialFlags) writeRoutes(sdk *official.SDK, packages, file string, stderr io.Writer) error {
	licence, err := sdk.Licence()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	all := map[string][]generated.Route{}
	err = o.generable(sdk, packages, stderr, func(p *official.Package, c *contract.Contract) error {
		mu.Lock()
		defer mu.Unlock()
		all[p.Name] = c.Routes()
		return nil
	})
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is valid
	if err := json.NewEncoder(z).Encode(all); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.WriteFile(file+".LICENSE", licence, 0o644); err != nil {
		return err
	}
	return os.WriteFile(file, packed.Bytes(), 0o644)
}
