package explain

import (
	"fmt"
	"slices"
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
		Args:  AtMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return printCodes(w, catalogue(), asJSON)
			}
			rows := codesNamed(args[0])
			switch {
			case len(rows) == 0:
				return &Error{
					Code: SomeFailed, Err: lang.Errorf("the catalogue has no code %s", args[0]),
					Hint: lang.T("it may be DingTalk's all the same: judge it by its HTTP status"),
				}
			case asJSON && len(rows) == 1:
				return w.PrintJSON(rows[0])
			default:
				return printCodes(w, rows, asJSON)
			}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON with the fields of the contract's catalogue: an array, or with CODE an object")
	return cmd
}

func printCodes(w *term.World, rows []codeRow, asJSON bool) error {
	if asJSON {
		return w.PrintJSON(rows)
	}
	l := w.Lang
	table := [][]string{{"  HTTP", l.Sprintf("KIND"), l.Sprintf("RETRY"), l.Sprintf("TOKEN"), l.Sprintf("SEEN")}}
	for _, row := range rows {
		table = append(table, []string{fmt.Sprintf("  %d", row.Status), row.Kind, retryText(row).Say(l), l.Exact(row.Token), yesNo(row.Observed).Say(l)})
	}
	var b strings.Builder
	b.WriteString(l.Sprintf("CODE") + "\n")
	for i, facts := range strings.SplitAfter(term.Columns(table), "\n")[:len(table)] {
		if i == 0 {
			b.WriteString(facts)
			continue
		}
		row := rows[i-1]
		b.WriteString(row.Code + "\n" + facts + term.Beside("", row.described(l), 2))
		if len(row.Operations) > 0 {
			b.WriteString(term.Beside("", l.Sprintf("only for %s", strings.Join(row.Operations, ", ")), 2))
		}
	}
	return w.Print(b.String())
}

// described returns the row's description in the language, if the contract has it.
func (row codeRow) described(l lang.Language) string {
	if chinese := generated.Chinese(row.Description); l == lang.Chinese && chinese != "" {
		return chinese
	}
	return row.Description
}

func retryText(row codeRow) lang.Text {
	if row.Retry && row.WaitSeconds > 0 {
		return lang.T("after %ds", row.WaitSeconds)
	}
	return yesNo(row.Retry)
}

func yesNo(b bool) lang.Text {
	if b {
		return lang.T("yes")
	}
	return lang.T("no")
}

// codesNamed finds codes by any name, ignoring case: the service's spelling and its aliases; else the Go name and its constant;
// else the last part of a dotted code. Several codes may share a name.
func codesNamed(name string) (found []codeRow) {
	for level := 0; level < 3 && found == nil; level++ {
		for _, row := range catalogue() {
			spellings := append([]string{row.Code}, row.Aliases...)
			switch level {
			case 1:
				spellings = []string{row.Name, "Code" + row.Name, "generated.Code" + row.Name}
			case 2:
				for i, spelling := range spellings {
					spellings[i] = spelling[strings.LastIndexByte(spelling, '.')+1:]
				}
			}
			if slices.ContainsFunc(spellings, func(s string) bool { return strings.EqualFold(name, s) }) {
				found = append(found, row)
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
	Operations  []string `json:"operations,omitempty"` // the row is about these alone, and goes before one about all
}

// catalogue is the rows that hold for every operation, and after them those that operations add. Operations that add the
// same share a row.
func catalogue() []codeRow {
	var rows []codeRow
	for i := range generated.ErrorCodes {
		rows = append(rows, newCodeRow(&generated.ErrorCodes[i]))
	}
	places := map[string]int{}
	for _, route := range generated.Routes {
		for i := range route.Operation.Codes {
			row := newCodeRow(&route.Operation.Codes[i])
			at, is := places[fmt.Sprint(row)]
			if !is {
				at, places[fmt.Sprint(row)] = len(rows), len(rows)
				rows = append(rows, row)
			}
			rows[at].Operations = append(rows[at].Operations, route.Operation.ID)
		}
	}
	return rows
}

func newCodeRow(row *generated.ErrorCode) codeRow {
	return codeRow{
		Code: string(row.Code), Name: row.Name, Aliases: row.Aliases, Status: row.Status, Kind: string(row.Kind),
		Retry: row.Retry, WaitSeconds: int(row.Wait / time.Second), Token: string(row.Token),
		Description: row.Description, Message: row.Message, Observed: row.Observed,
	}
}
