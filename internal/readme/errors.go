package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// sentinels are the rows of the table, in its order. What an error means is the first sentence of its comment in
// wrapper/kinds.go; what it means for a run is the kind's own; its codes, and what is repeated because of them, are the
// contract's. The rest is said here.
var sentinels = []sentinel{
	{name: "ErrInvalidChatID", is: dingtalk.ErrInvalidChatID},
	{name: "ErrOwnerNotVisible", is: dingtalk.ErrOwnerNotVisible},
	{name: "ErrUnauthenticated", is: dingtalk.ErrUnauthenticated},
	{name: "ErrPermissionDenied", is: dingtalk.ErrPermissionDenied},
	{name: "ErrIPNotAllowed", is: dingtalk.ErrIPNotAllowed},
	{name: "ErrThrottled", is: dingtalk.ErrThrottled},
	{name: "ErrQuotaExhausted", is: dingtalk.ErrQuotaExhausted},
	{name: "ErrBlocked", is: dingtalk.ErrBlocked, repeated: "no; the client sends nothing meanwhile"},
	{name: "ErrUnavailable", is: dingtalk.ErrUnavailable},
	{name: "ErrUnexpectedResponse", is: dingtalk.ErrUnexpectedResponse, repeated: "if the body broke off"},
	{name: "ErrRedirect", is: dingtalk.ErrRedirect, repeated: "no"},
	{name: "ErrTLS", is: dingtalk.ErrTLS, repeated: "no"},
	{name: "ErrRejected", is: dingtalk.ErrRejected},
	{name: "ErrPanicked", is: dingtalk.ErrPanicked, repeated: "no"},
	{name: "ErrNotTried", is: dingtalk.ErrNotTried, repeated: nothing},
}

type sentinel struct {
	name     string
	is       error
	repeated string // where there are no codes that say so
}

// kind returns the sentinel's kind.
func (s sentinel) kind() *dingtalk.Kind {
	return s.is.(*dingtalk.Kind) //nolint:errorlint // a sentinel is never wrapped
}

// run says what the error means for a run over many chats.
func (s sentinel) run(say language) string {
	switch n := s.kind().InARow(); {
	case errors.Is(s.is, dingtalk.ErrNotTried): // it comes after the end
		return say.text(nothing)
	case n == 0:
		return say.text(goesOn)
	case n == 1:
		return say.text(ends)
	default:
		return fmt.Sprintf(say.text(inARow), n)
	}
}

// notKinds are found in addition to a sentinel, never alone.
var notKinds = []string{"ErrTooLarge"}

// cut is the prefix that most codes share. The table leaves it out.
const cut = "Forbidden.AccessDenied."

func errorsTable(root string, say language) ([]string, error) {
	comments, err := sentinelComments(filepath.Join(root, "wrapper", "kinds.go"))
	if err != nil {
		return nil, err
	}
	lines := []string{
		fmt.Sprintf("| `errors.Is(err, …)` | %s | `Code` | %s | %s |", say.text("means"),
			say.text("retried by the client"), say.text("a run over many chats")),
		"|---|---|---|---|---|",
	}
	for _, s := range sentinels {
		meaning, ok := comments[s.name]
		if !ok {
			return nil, fmt.Errorf("wrapper/kinds.go has no commented %s, which has a row here", s.name)
		}
		delete(comments, s.name)
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %s | %s |", s.name, say.text(meaning), s.codes(), s.repeats(say), s.run(say)))
	}
	for name := range comments {
		return nil, fmt.Errorf("wrapper/kinds.go has %s, which has no row in internal/readme", name)
	}
	return lines, nil
}

// rows are those of the catalogue that lead to a sentinel.
func (s sentinel) rows() []generated.ErrorCode {
	var rows []generated.ErrorCode
	for _, row := range generated.ErrorCodes {
		if row.Kind == s.kind().Name() {
			rows = append(rows, row)
		}
	}
	return rows
}

// codes are the codes that lead to a sentinel, as the service sends them.
func (s sentinel) codes() string {
	var codes []string
	for _, row := range s.rows() {
		code, long := strings.CutPrefix(string(row.Code), cut)
		if long {
			code = "…" + code
		}
		codes = append(codes, "`"+code+"`")
	}
	if len(codes) == 0 {
		return nothing
	}
	return strings.Join(codes, "<br>")
}

// repeats says what the client does by itself, by what the contract says of the sentinel's codes.
func (s sentinel) repeats(say language) string {
	if s.repeated != "" {
		return say.text(s.repeated)
	}
	var waits []string
	said := "no"
	for _, row := range s.rows() {
		switch {
		case row.Token == generated.TokenDrop, row.Token == generated.TokenFetch:
			said = "once, after a token refresh"
		case row.Retry && row.Wait == 0:
			said = "with backoff, three attempts in all"
		case row.Retry:
			said = "after %s"
			if wait := fmt.Sprintf("%d s", row.Wait/time.Second); !slices.Contains(waits, wait) {
				waits = append(waits, wait)
			}
		}
	}
	if said = say.text(said); len(waits) > 0 {
		return fmt.Sprintf(said, strings.Join(waits, say.text(" or ")))
	}
	return said
}

// sentinelComments returns the first sentence of each sentinel's comment, without the name that it begins with.
func sentinelComments(file string) (map[string]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	comments := map[string]string{}
	for _, decl := range parsed.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			name := value.Names[0].Name
			if !strings.HasPrefix(name, "Err") || slices.Contains(notKinds, name) {
				continue
			}
			text := strings.Join(strings.Fields(value.Doc.Text()), " ")
			meaning, found := strings.CutPrefix(text, name+": ")
			if !found {
				return nil, fmt.Errorf("%s: the comment of %s does not begin with %q", file, name, name+": ")
			}
			sentence, _, _ := strings.Cut(meaning+" ", ". ")
			comments[name] = strings.TrimSuffix(sentence, ".")
		}
	}
	return comments, nil
}
