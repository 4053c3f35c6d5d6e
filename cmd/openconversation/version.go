package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// versions of everything that decides what this binary does.
type versions struct {
	Command   string `json:"command"`
	Contract  string `json:"contract"`
	Generator string `json:"generator"`
	Go        string `json:"go"`
	Platform  string `json:"platform"`
}

func newVersionCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the command, the contract and the generator",
		Args:  cobra.NoArgs,
		RunE: a.begins(func(*cobra.Command, []string) error {
			v := versions{dingtalk.Version, generated.ContractVersion, generated.GeneratorVersion, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if asJSON {
				return a.printJSON(v)
			}
			return a.print(fmt.Sprintf("%s %s\ncontract %s\ngenerator oapi-codegen %s\n%s %s\n",
				commandName, v.Command, v.Contract, v.Generator, v.Go, v.Platform))
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
