package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// newManCommand makes the command for packagers that writes manual pages. SOURCE_DATE_EPOCH sets the pages' date, for
// reproducible archives.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages of all commands to a folder",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return lang.Errorf("name one folder, and %d are given", len(args))
			}
			return nil
		},
		Hidden: true,
		RunE: explain.Begins(func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			preformat(root)
			header := doc.GenManHeader{Section: "1", Source: term.CommandName + " " + dingtalk.Version}
			if err := doc.GenManTree(root, &header, args[0]); err != nil {
				return lang.Errorf("manual pages: %w", err)
			}
			return nil
		}),
	}
}

// preformat keeps the layout of --help in manual pages, which would otherwise join lines of lists and tables.
func preformat(cmd *cobra.Command) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	if end := cmd.Annotations[explain.Footer]; end != "" {
		text += "\n\n" + strings.TrimRight(end, "\n")
	}
	cmd.Long = "```\n" + text + "\n```"
	for _, sub := range cmd.Commands() {
		preformat(sub)
	}
}
