package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// The environment variables. A secret is never a flag: other users of the machine can read a process's arguments.
const (
	envAppKey    = "DINGTALK_APP_KEY"
	envAppSecret = "DINGTALK_APP_SECRET"
	envBaseURL   = "DINGTALK_BASE_URL"
	envRedisURL  = "DINGTALK_REDIS_URL"
)

var environment = []struct{ name, meaning string }{
	{envAppKey, "the app's key (Client ID in newer consoles)"},
	{envAppSecret, "the app's secret (Client Secret), unless --app-secret-file is given"},
	{envBaseURL, "host to call, unless --region or --base-url is given"},
	{envRedisURL, "for convert and budget: Redis to share the app's limits through, unless --redis is given; may hold a password"},
	{"HTTPS_PROXY, NO_PROXY", "proxy to the host, as usual"},
}

func environmentText() string {
	var b strings.Builder
	b.WriteString("Environment:\n")
	for _, row := range environment {
		fmt.Fprintf(&b, "  %-21s  %s\n", row.name, row.meaning)
	}
	return b.String()
}

// footer is the annotation that holds what a command's help ends with.
const footer = "footer"

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   commandName,
		Short: "Turn DingTalk chatIds into openConversationIds",
		Long: `Turn the chatId of a DingTalk group into the openConversationId that newer APIs require.

Try it without an account:
  openconversation convert --emulator chatfaabe59a460527f5fb72fbbdfe3f061e`,
		Version:       dingtalk.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{footer: environmentText() + "\n" + exitText()},
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetHelpTemplate(root.HelpTemplate() + "{{with .Annotations." + footer + "}}\n{{.}}{{end}}")
	root.AddCommand(
		newConvertCommand(a),
		newBudgetCommand(a),
		newDoctorCommand(a),
		newEmulatorCommand(a),
		newCodesCommand(a),
		newSpecCommand(a),
		newVersionCommand(a),
		newManCommand(a),
	)
	return root
}
