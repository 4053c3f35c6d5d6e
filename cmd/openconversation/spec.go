package main

import (
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
)

func newSpecCommand(w *term.World) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "spec",
		Short: "Print the contract, an OpenAPI 3.0.3 description in YAML",
		Long: `Print the contract that this command was built from: the OpenAPI 3.0.3 description, in YAML
or with --json in JSON, of the calls and their error codes. Clients in other languages can
be generated from it.`,
		Example: `  openconversation spec > openapi.yaml
  openconversation spec --json > openapi.json`,
		Args: explain.NoArgs,
		RunE: explain.Begins(func(*cobra.Command, []string) error {
			if !asJSON {
				return w.Print(openconversation.Contract)
			}
			var contract map[string]any
			if err := yaml.Unmarshal([]byte(openconversation.Contract), &contract); err != nil {
				return lang.Errorf("the contract in this command: %w", err)
			}
			return w.PrintJSON(contract)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of YAML")
	return cmd
}
