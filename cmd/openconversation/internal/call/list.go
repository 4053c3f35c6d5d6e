package call

import (
	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// OperationsCommand makes the command that lists the operations.
func OperationsCommand(w *term.World) *cobra.Command {
	var source specs.Source
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "operations",
		Short: "List the operations that call can call",
		Args:  explain.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			routes, err := operations(source)
			if err != nil {
				return err
			}
			return list(w, routes, asJSON)
		},
	}
	source.AddTo(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array of JSON objects")
	return cmd
}

type operationRow struct {
	Operation  string `json:"operation"`
	Method     string `json:"method"`
	Path       string `json:"path"`
	Repeat     string `json:"repeat"`
	Permission string `json:"permission,omitempty"`
	Summary    string `json:"summary,omitempty"`

	Parameters []fieldRow `json:"parameters,omitempty"`
	Body       []fieldRow `json:"body,omitempty"`
}

// fieldRow is a parameter, or a field of the body; one within an object is object.field, and within a list list[].field.
type fieldRow struct {
	Name     string `json:"name"`
	In       string `json:"in,omitempty"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Example  string `json:"example,omitempty"`
}

func fieldRows(fields []generated.Field) (rows []fieldRow) {
	for _, f := range flatten(fields, "") {
		if !f.ReadOnly {
			rows = append(rows, fieldRow{f.Name, f.In, typeText(f), f.Required, f.Example})
		}
	}
	return rows
}

func list(w *term.World, routes []generated.Route, asJSON bool) error {
	rows := []operationRow{}
	for _, r := range routes {
		o := r.Operation
		row := operationRow{Operation: o.ID, Method: o.Method, Path: o.Path, Repeat: string(repeatText(o)), Permission: o.Permission, Summary: r.Summary}
		if asJSON {
			row.Parameters = fieldRows(o.Parameters)
			if o.Content != nil {
				row.Body = fieldRows(o.Content.Fields)
			}
		}
		rows = append(rows, row)
	}
	if asJSON {
		return w.PrintJSON(rows)
	}
	l := w.Lang
	table := [][]string{{
		l.Sprintf("OPERATION"), l.Sprintf("METHOD"), l.Sprintf("PATH"), l.Sprintf("REPEAT"), l.Sprintf("PERMISSION"), l.Sprintf("SUMMARY"),
	}}
	for _, r := range rows {
		table = append(table, []string{r.Operation, r.Method, r.Path, l.Exact(r.Repeat), r.Permission, l.Exact(r.Summary)})
	}
	return w.Print(term.Columns(table))
}

func repeatText(o *generated.Operation) lang.Format {
	if o.Repeat == generated.RepeatSafe {
		return "safe"
	}
	return "unsent"
}
