package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

var sentinel = regexp.MustCompile(`(Err\w+)\s+error = &Kind\{"([a-z-]+)"`)

// errorsTable has a row for each sentinel, with what Explain says of its kind.
func errorsTable(root string) ([]string, error) {
	made, err := os.ReadFile(filepath.Join(root, "wrapper/kinds.gen.go"))
	lines := []string{"| `errors.Is(err, …)` | means | what to do | HTTP status for your users |", "|---|---|---|--:|"}
	for _, s := range sentinel.FindAllSubmatch(made, -1) {
		text, hint, status := generated.KindText(generated.Kind(s[2]), false)
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %d |", s[1], text, hint, status))
	}
	return lines, err
}

// operationsTable has a row for each operation with a method.
func operationsTable(string) ([]string, error) {
	lines := []string{"| method of `dingtalk.Client` | operation of the command | does | permission | repeated |", "|---|---|---|---|---|"}
	methods := reflect.TypeFor[*dingtalk.Client]()
	repeated := map[generated.Repeat]string{generated.RepeatSafe: "when it may help", generated.RepeatUnsent: "only if surely not processed"}
	for _, route := range generated.Routes {
		o := route.Operation
		for i := range methods.NumMethod() {
			if name := methods.Method(i).Name; strings.EqualFold(name, o.ID) {
				lines = append(lines, fmt.Sprintf("| `%s` | `%s` | %s | %s | %s |", name, o.ID, route.Summary, cmp.Or(o.Permission, "not documented"), repeated[o.Repeat]))
			}
		}
	}
	return lines, nil
}
