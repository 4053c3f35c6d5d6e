package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// CodesCommand makes the command that prints the catalogue.
func CodesCommand(w *term.World) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "codes [CODE]",
		Short: "Print the catalogue of error codes",
		Long: `Print the error codes that are known to reach the two calls, and what they mean.

RETRY says whether the same request may succeed later, and after which wait at least.
TOKEN says what the code means for the access token: keep it, drop it and fetch another,
fetch one since none was sent, or none was involved. SEEN says whether a live answer was
seen; an answer built from another row is synthetic.

CODE may be any of a code's names, in any case: as the service sends it, another spelling,
the name of its constant in Go, or what stands behind the last dot. DingTalk has thousands
of codes: one that is not listed is to be judged by its HTTP status.`,
		Args: AtMostOne,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var codes []string
			for _, row := range generated.ErrorCodes {
				if len(args) == 0 {
					codes = append(codes, string(row.Code))
				}
			}
			return codes, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: Begins(func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return printCodes(w, generated.ErrorCodes, asJSON)
			}
			rows := codesNamed(args[0])
			switch {
			case len(rows) == 0:
				return &Error{
					Code: SomeFailed, Err: lang.Errorf("the catalogue has no code %s", args[0]),
					Hint: lang.T("it may be DingTalk's all the same: judge it by its HTTP status"),
				}
			case asJSON && len(rows) == 1:
				return w.PrintJSON(newCodeRow(&rows[0]))
			default:
				return printCodes(w, rows, asJSON)
			}
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON with the fields of the contract's catalogue: an array, or with CODE an object")
	return cmd
}

func printCodes(w *term.World, rows []generated.ErrorCode, asJSON bool) error {
	if asJSON {
		list := []codeRow{}
		for i := range rows {
			list = append(list, newCodeRow(&rows[i]))
		}
		return w.PrintJSON(list)
	}
	l := w.Lang
	table := [][]string{{l.Sprintf("CODE"), "HTTP", l.Sprintf("KIND"), l.Sprintf("RETRY"), l.Sprintf("TOKEN"), l.Sprintf("SEEN"), l.Sprintf("DESCRIPTION")}}
	for _, row := range rows {
		table = append(table, []string{
			string(row.Code), fmt.Sprint(row.Status), string(row.Kind), retryText(row).Say(l), l.Exact(string(row.Token)),
			yesNo(row.Observed).Say(l), l.Exact(row.Description),
		})
	}
	return w.Print(term.Columns(table))
}

func retryText(row generated.ErrorCode) lang.Text {
	if row.Retry && row.Wait > 0 {
		return lang.T("after %ds", row.Wait/time.Second)
	}
	return yesNo(row.Retry)
}

func yesNo(b bool) lang.Text {
	if b {
		return lang.T("yes")
	}
	return lang.T("no")
}

// codesNamed finds codes by any name, ignoring case: the service's spelling and its aliases; the Go name and its
// constant; and the last part of a dotted code, which several codes may share.
func codesNamed(name string) []generated.ErrorCode {
	if row := generated.LookupErrorCode(name); row != nil {
		return []generated.ErrorCode{*row}
	}
	var found []generated.ErrorCode
	for _, row := range generated.ErrorCodes {
		if strings.EqualFold(name, row.Name) || strings.EqualFold(name, "Code"+row.Name) || strings.EqualFold(name, "generated.Code"+row.Name) {
			return []generated.ErrorCode{row}
		}
		for _, spelling := range append([]string{string(row.Code)}, row.Aliases...) {
			if dot := strings.LastIndexByte(spelling, '.'); dot >= 0 && strings.EqualFold(name, spelling[dot+1:]) {
				found = append(found, row)
				break
			}
		}
	}
	return found
}

// codeRow is a row with the field names of the contract.
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
