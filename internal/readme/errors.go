package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// sentinels are the rows of the table of kinds, in its order.
var sentinels = []struct {
	name string
	is   error
}{
	{"ErrInvalidChatID", dingtalk.ErrInvalidChatID},
	{"ErrOwnerNotVisible", dingtalk.ErrOwnerNotVisible},
	{"ErrUnauthenticated", dingtalk.ErrUnauthenticated},
	{"ErrPermissionDenied", dingtalk.ErrPermissionDenied},
	{"ErrIPNotAllowed", dingtalk.ErrIPNotAllowed},
	{"ErrThrottled", dingtalk.ErrThrottled},
	{"ErrQuotaExhausted", dingtalk.ErrQuotaExhausted},
	{"ErrBlocked", dingtalk.ErrBlocked},
	{"ErrUnavailable", dingtalk.ErrUnavailable},
	{"ErrUnexpectedResponse", dingtalk.ErrUnexpectedResponse},
	{"ErrRedirect", dingtalk.ErrRedirect},
	{"ErrTLS", dingtalk.ErrTLS},
	{"ErrRejected", dingtalk.ErrRejected},
	{"ErrPanicked", dingtalk.ErrPanicked},
	{"ErrNotTried", dingtalk.ErrNotTried},
}

// errorsTable has a row for each kind, with what Explain says of it.
func errorsTable(string) ([]string, error) {
	if len(sentinels) != len(dingtalk.Kinds()) {
		return nil, errors.New("wrapper/errors.go has a kind without a row in internal/readme, or the reverse")
	}
	lines := []string{"| `errors.Is(err, …)` | means | what to do | HTTP status for your users |", "|---|---|---|--:|"}
	for _, s := range sentinels {
		said := dingtalk.Explain(s.is, "en")
		if said.Text == "" {
			return nil, fmt.Errorf("openapi.yaml has no text for %s", s.name)
		}
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %d |", s.name, said.Text, said.Hint, said.HTTPStatus))
	}
	return lines, nil
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
