// Package call calls any operation of a contract: of this project's, or of one in a file.
package call

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Command makes the command that calls an operation: a subcommand for each of those that the arguments ask for.
func Command(w *term.World, args []string) *cobra.Command {
	source := specs.SourceIn(args)
	routes, unread := operations(source)
	cmd := &cobra.Command{
		Use:   "call",
		Short: "Call any operation of the contract, or of one of your own",
		RunE: func(*cobra.Command, []string) error {
			if unread != nil {
				return unread
			}
			return explain.UsageHint("see openconversation operations", "name the operation to call")
		},
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true}, // of an operation that there is not
	}
	if cmd.Args = explain.Unknown; unread != nil {
		cmd.Args = cobra.ArbitraryArgs
	}
	source.AddTo(cmd.PersistentFlags())
	for _, route := range routes {
		cmd.AddCommand(operationCommand(w, route, routes))
	}
	return cmd
}

// aliases are names that say more than those of DingTalk's SDKs.
var aliases = map[*generated.Operation]string{
	&generated.OperationGetBotListInGroup: "listGroupRobots",
	&generated.OperationOrgGroupQuery:     "queryGroupMessage",
	&generated.OperationOrgGroupRecall:    "recallGroupMessages",
	&generated.OperationOrgGroupSend:      "sendGroupMessage",
}

func operationCommand(w *term.World, route generated.Route, all []generated.Route) *cobra.Command {
	o := &options{}
	o.Emulate = []dingtalktest.Option{dingtalktest.WithSpec(all)}
	cmd := &cobra.Command{
		Use:   route.Operation.ID,
		Short: route.Summary,
		Long:  about(w.Lang, route),
		Args:  explain.AtMost(0),
	}
	if alias, ok := aliases[route.Operation]; ok {
		cmd.Aliases = []string{alias}
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.AddTo(cmd)
	flags.StringVar(&o.body, "body", "", "the body as JSON, or `@FILE`; @- is standard input")
	flags.BoolVar(&o.json, "json", false, "print a failure as a JSON object on standard output, too")
	flags.BoolVar(&o.dry, "dry-run", false, "print the request, and send nothing; needs no credentials")
	flags.DurationVar(&o.timeout, "timeout", 0, "end after this `time`, such as 30s; 0 is no limit")
	if route.Operation.Repeat != generated.RepeatSafe {
		flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask, on a terminal, before the call is sent")
	}
	inputs := slices.Clone(route.Parameters)
	if route.Content != nil && route.Content.Type == formType {
		inputs = append(inputs, route.Content.Fields...)
	}
	var params []*parameter
	for _, p := range inputs {
		added := &parameter{Field: p, flag: p.Name}
		if flags.Lookup(p.Name) != nil || slices.Contains([]string{"help", "lang", "spec", "official", "official-routes"}, p.Name) {
			added.flag = cmp.Or(p.In, "body") + "-" + p.Name
		}
		flags.StringArrayVar(&added.values, added.flag, nil, added.usage(w.Lang))
		explain.Group(cmd, "Parameters:", added.flag)
		params = append(params, added)
	}
	if route.Body == generated.BodyNone || route.Content != nil && route.Content.Type == formType {
		flags.Lookup("body").Hidden = true
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.Check(cmd); err != nil {
			return err
		}
		request, err := build(cmd.Context(), w, route, params, o.body)
		if err != nil {
			return err
		}
		if o.dry {
			return dryRun(cmd.Context(), w, o, request)
		}
		if err := confirm(cmd.Context(), w, o, route.Operation); err != nil {
			return err
		}
		return run(cmd.Context(), w, o, request)
	}
	return cmd
}

// about returns an operation's help. Its description has the contract's language, unless the contract is this project's.
func about(l lang.Language, route generated.Route) string {
	o := route.Operation
	var b strings.Builder
	if route.Summary != "" {
		b.WriteString(l.Sprintf("%s.", lang.Quoted(route.Summary)) + "\n\n")
	}
	b.WriteString(l.Sprintf("It sends %s %s.", o.Method, o.Path))
	if o.Permission != "" {
		b.WriteString(l.Sprintf("\nThe app needs the permission %s.", o.Permission))
	}
	if o.Repeat == generated.RepeatSafe {
		b.WriteString("\n" + l.Sprintf("The call is safe to repeat: it is repeated when the network or the service fails."))
	} else {
		b.WriteString("\n" + l.Sprintf("The call may change something and is NOT safe to repeat: after a failure it may have been\ndone all the same. It is repeated by itself only if the service surely did not process it.\nOn a terminal the command asks before it sends; --yes skips that."))
	}
	if o.Docs != "" {
		b.WriteString("\n\n" + l.Sprintf("See %s", o.Docs))
	}
	return b.String() + bodyHelp(l, route)
}

// bodyHelp lists the fields of an operation's body.
func bodyHelp(l lang.Language, route generated.Route) string {
	if route.Content == nil || route.Content.Type == formType || len(route.Content.Fields) == 0 {
		return ""
	}
	var rows [][]string
	for _, f := range fieldRows(route.Content.Fields, "") {
		required := ""
		if f.Required {
			required = l.Sprintf("required")
		}
		rows = append(rows, []string{"  " + term.Shown(f.Name), term.Shown(f.Type), required, term.Printable(f.Example)})
	}
	return "\n\n" + l.Sprintf("The body's fields, with examples:") + "\n" + strings.TrimRight(term.Columns(rows), "\n")
}

// confirm asks before it sends a call that is not safe to repeat. It asks on a terminal only, and not with an emulator.
func confirm(ctx context.Context, w *term.World, o *options, operation *generated.Operation) error {
	if operation.Repeat == generated.RepeatSafe || o.yes || o.Emulator() || !w.Interactive() {
		return nil
	}
	yes, err := w.Ask(ctx, "%s is not safe to repeat: a second call does it twice. Send it to %s?", operation.ID, o.Host(w))
	if err != nil || yes {
		return err
	}
	return &explain.Error{Code: explain.SomeFailed, Err: lang.Errorf("not sent")}
}

// run sends a request and prints the answer.
func run(ctx context.Context, w *term.World, o *options, request dingtalk.Request) error {
	ctx, cancel := explain.Within(ctx, o.timeout)
	defer cancel()
	client, done, err := o.Dial(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	answer, err := dingtalk.Do[json.RawMessage](ctx, client, request)
	if err != nil {
		if ended := explain.Ended(ctx, err); ended != nil {
			err = ended
		}
		if o.json {
			if printed := w.PrintJSON(map[string]any{"error": explain.AsJSON(err)}); printed != nil {
				return printed
			}
		}
		return err
	}
	if len(answer) == 0 { // the operation's success has no body
		if o.json {
			return w.Print("{}\n")
		}
		return nil
	}
	return w.PrintJSON(answer)
}

// OperationsCommand makes the command that lists the operations.
func OperationsCommand(w *term.World) *cobra.Command {
	var source specs.Source
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "operations",
		Short: "List the operations that call can call",
		Args:  explain.AtMost(0),
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

func fieldRows(fields []generated.Field, within string) (rows []fieldRow) {
	for _, f := range fields {
		if f.ReadOnly {
			continue
		}
		rows = append(rows, fieldRow{within + f.Name, f.In, typeText(f), f.Required, f.Example})
		inner := within + f.Name + "."
		if f.List {
			inner = within + f.Name + "[]."
		}
		rows = append(rows, fieldRows(f.Fields, inner)...)
	}
	return rows
}

func list(w *term.World, routes []generated.Route, asJSON bool) error {
	rows := []operationRow{}
	for _, r := range routes {
		o := r.Operation
		row := operationRow{Operation: o.ID, Method: o.Method, Path: o.Path, Repeat: string(repeatText(o)), Permission: o.Permission, Summary: r.Summary}
		if row.Parameters = fieldRows(o.Parameters, ""); o.Content != nil {
			row.Body = fieldRows(o.Content.Fields, "")
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
