package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

func newCodesCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "codes [CODE]",
		Short: "Print the catalogue of error codes",
		Long: `Print the error codes that are known to reach the two calls, and what they mean.

RETRY says whether the same request may succeed later, and after which wait at least.
TOKEN says what the code means for the access token: keep it, drop it and fetch another,
fetch one since none was sent, or none was involved. SEEN says whether a live answer was
seen; an answer built from another row is synthetic.

CODE may be in any case, or be one of the code's other spellings. DingTalk has thousands
of codes: one that is not listed is to be judged by its HTTP status.`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var codes []string
			for _, row := range generated.ErrorCodes {
				if len(args) == 0 {
					codes = append(codes, string(row.Code))
				}
			}
			return codes, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: a.begins(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.printCodes(generated.ErrorCodes, asJSON)
			}
			row := generated.LookupErrorCode(args[0])
			if row == nil {
				return &exitError{
					code: exitSomeFailed, err: errors.New("the catalogue has no code " + args[0]),
					hint: "it may be DingTalk's all the same: judge it by its HTTP status",
				}
			}
			if asJSON {
				return a.printJSON(newCodeRow(row))
			}
			return a.printCodes([]generated.ErrorCode{*row}, false)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON with the fields of the contract's catalogue: an array, or with CODE an object")
	return cmd
}

func (a *app) printCodes(rows []generated.ErrorCode, asJSON bool) error {
	if asJSON {
		list := []codeRow{}
		for i := range rows {
			list = append(list, newCodeRow(&rows[i]))
		}
		return a.printJSON(list)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CODE\tHTTP\tKIND\tRETRY\tTOKEN\tSEEN\tDESCRIPTION")
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n",
			row.Code, row.Status, row.Kind, retryText(row), row.Token, yesNo(row.Observed), row.Description)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.print(b.String())
}

func retryText(row generated.ErrorCode) string {
	switch {
	case !row.Retry:
		return "no"
	case row.Wait > 0:
		return fmt.Sprintf("after %ds", row.Wait/time.Second)
	default:
		return "yes"
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// codeRow is a row with the names that it has in the contract.
type codeRow struct {
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	Aliases     []string `json:"aliases,omitempty"`
	Status      int      `json:"status"`
	Kind        string   `json:"kind"`
	Retry       bool     `json:"retry"`
	WaitSeconds int      `json:"waitSeconds"`
	Token       string   `json:"token"`
	Description string   `json:"description"`
	Message     string   `json:"message,omitempty"`
	Observed    bool     `json:"observed"`
}

func newCodeRow(row *generated.ErrorCode) codeRow {
	return codeRow{
		Code: string(row.Code), Name: row.Name, Aliases: row.Aliases, Status: row.Status, Kind: string(row.Kind),
		Retry: row.Retry, WaitSeconds: int(row.Wait / time.Second), Token: string(row.Token),
		Description: row.Description, Message: row.Message, Observed: row.Observed,
	}
}

// printJSON prints v for people and machines alike, indented.
func (a *app) printJSON(v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return a.print(string(raw) + "\n")
}
