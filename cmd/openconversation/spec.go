package main

import (
	"github.com/spf13/cobra"

	openconversation "github.com/dingtalk-openapi/openconversation-go"
)

func newSpecCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "spec",
		Short: "Print the contract, an OpenAPI 3.0.3 description in YAML",
		Long: `Print the contract that this command was built from: the OpenAPI 3.0.3 description, in YAML,
of both calls and their error codes. Clients in other languages can be generated from it.`,
		Example: `  openconversation spec > openapi.yaml`,
		Args:    cobra.NoArgs,
		RunE:    a.begins(func(*cobra.Command, []string) error { return a.print(openconversation.Contract) }),
	}
}
