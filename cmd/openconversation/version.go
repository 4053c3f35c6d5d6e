package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// versions of everything that determines this binary's behaviour.
type versions struct {
	Command   string `json:"command"`
	Contract  string `json:"contract"`
	Generator string `json:"generator"`
	Go        string `json:"go"`
	Platform  string `json:"platform"`
}

func newVersionCommand(w *term.World) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the command, the contract and the generator",
		Args:  explain.NoArgs,
		RunE: explain.Begins(func(*cobra.Command, []string) error {
			v := versions{dingtalk.Version, generated.ContractVersion, generated.GeneratorVersion, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if asJSON {
				return w.PrintJSON(v)
			}
			return w.Print(w.Lang.Sprintf("%s %s\ncontract %s\ngenerator oapi-codegen %s\n%s %s",
				term.CommandName, v.Command, v.Contract, v.Generator, v.Go, v.Platform) + "\n")
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
