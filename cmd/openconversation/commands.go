package main

import (
	"cmp"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"go.yaml.in/yaml/v3"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

func newSpecCommand(w *term.World) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "spec",
		Short: "Print the contract, an OpenAPI 3.0.3 description in YAML",
		Args:  explain.AtMost(0),
		RunE: func(*cobra.Command, []string) error {
			if !asJSON {
				return w.Print(openconversation.Contract)
			}
			var contract map[string]any
			if err := yaml.Unmarshal([]byte(openconversation.Contract), &contract); err != nil {
				return lang.Errorf("the contract in this command: %w", err)
			}
			return w.PrintJSON(contract)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of YAML")
	return cmd
}

// newVersionCommand makes the command that prints everything that determines this binary's behaviour.
func newVersionCommand(w *term.World) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the command, the contract and the generator",
		Args:  explain.AtMost(0),
		RunE: func(*cobra.Command, []string) error {
			return w.Print(w.Lang.Sprintf("%s %s\ncontract %s\ngenerator oapi-codegen %s\n%s %s/%s",
				term.CommandName, dingtalk.Version, generated.ContractVersion, generated.GeneratorVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH) + "\n")
		},
	}
}

// newManCommand makes the command for packagers that writes manual pages. SOURCE_DATE_EPOCH sets the pages' date, for
// reproducible archives.
func newManCommand(w *term.World) *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages of all commands to a folder",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			preformat(w.Lang, root)
			header := doc.GenManHeader{Section: "1", Source: term.CommandName + " " + dingtalk.Version}
			if err := doc.GenManTree(root, &header, args[0]); err != nil {
				return lang.Errorf("manual pages: %w", err)
			}
			return nil
		},
	}
}

// preformat keeps the layout of --help in manual pages, which would otherwise join lines of lists and tables.
func preformat(l lang.Language, cmd *cobra.Command) {
	cmd.Long = "```\n" + cmp.Or(cmd.Long, cmd.Short+".") + strings.TrimRight("\n"+explain.Footer(l, cmd), "\n") + "\n```"
	for _, sub := range cmd.Commands() {
		preformat(l, sub)
	}
}
