package dingtalktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/data"
)

// maxFaultBody bounds a body, in bytes.
const maxFaultBody = 1 << 20

// ParseFault reads a fault from a word: what it does, and after a colon how many requests it is for, a number or "always". What
// it does is an error code in any of its spellings or the name of its Go constant without "Code", an HTTP
// status from 400 to 599 for a [Page], or the name of one of [FaultKinds] that needs nothing more.
func ParseFault(word string) (Fault, error) {
	what, times, counted := strings.Cut(word, ":")
	f := Fault{Kind: FaultName(what)}
	if !f.named() {
		return Fault{}, &UnknownFaultError{Name: what}
	}
	if f.Forever = times == "always"; counted && !f.Forever {
		var err error
		if f.Requests, err = strconv.Atoi(times); err != nil || f.Requests < 1 {
			return Fault{}, errors.New("after the colon comes a number from 1, or always")
		}
	}
	return f, f.check()
}

// UnknownFaultError reports that no fault has a name.
type UnknownFaultError struct{ Name string }

// Error quotes the name.
func (e *UnknownFaultError) Error() string {
	names := make([]string, len(faultKinds))
	for i, k := range faultKinds {
		names[i] = k.Name
	}
	return fmt.Sprintf("there is no fault %s: it is an error code, an HTTP status from 400 to 599, or one of %s", strconv.Quote(e.Name), strings.Join(names, ", "))
}

// named puts a kind in the place of a code or a status that stands for one, and reports whether it knows the name.
func (f *Fault) named() bool {
	name := string(f.Kind)
	if f.Kind != "" && kindNamed(f.Kind) != nil {
		return true
	}
	if i := slices.IndexFunc(generated.ErrorCodes, func(row generated.ErrorCode) bool { return row.Name == name }); i >= 0 {
		f.Kind, f.Code = kindCode, generated.ErrorCodes[i].Code
		return true
	}
	if row := generated.LookupErrorCode(name); row != nil {
		f.Kind, f.Code = kindCode, row.Code
		if slices.Contains(row.Aliases, name) {
			f.Code = generated.Code(name)
		}
		return true
	}
	if status, err := strconv.Atoi(name); err == nil && status >= 400 && status <= 599 {
		if f.Kind = kindPage; f.Status == 0 {
			f.Status = status
		}
		return true
	}
	return false
}

// UnmarshalJSON reads a text, or a number that is a status, as [ParseFault] does, or an object with the fields of [Fault], of
// which its kind takes some.
func (f *Fault) UnmarshalJSON(raw []byte) error {
	var word FaultName
	if raw[0] != '{' {
		if err := data.Decode(raw, &word); err != nil {
			return err
		}
		fault, err := ParseFault(string(word))
		*f = fault
		return err
	}
	type plain Fault
	var read plain
	if err := data.Decode(raw, &read); err != nil {
		return err
	}
	fault, code := Fault(read), read.Code
	switch fault.Code = ""; {
	case !fault.named():
		return &UnknownFaultError{Name: string(fault.Kind)}
	case fault.Code != "" && code != "":
		return fmt.Errorf("fault %s takes no code in addition to its name", read.Kind)
	case code != "":
		fault.Code = code
	}
	*f = fault
	return fault.check()
}

// check compares the fault with the row of its kind.
func (f *Fault) check() error {
	k := kindNamed(f.Kind)
	if k == nil {
		return &UnknownFaultError{Name: string(f.Kind)}
	}
	var given map[string]json.RawMessage
	must(json.Unmarshal(data.Encode(f), &given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(commonFields, name) && !slices.Contains(k.Fields, name) {
			return fmt.Errorf("fault %s takes no %s", k.Name, name)
		}
	}
	for _, name := range k.Required {
		if given[name] == nil {
			return fmt.Errorf("fault %s needs %s", k.Name, name)
		}
	}
	switch {
	case f.Requests != 0 && f.Forever:
		return errors.New("give times or always, not both")
	case f.Status != 0 && (f.Status < 200 || f.Status > 999):
		return fmt.Errorf("status %d is not from 200 to 999", f.Status)
	case f.Body != "" && f.BodyBase64 != nil:
		return errors.New("give body or bodyBase64, not both")
	case len(f.body()) > maxFaultBody:
		return fmt.Errorf("a body has at most %d bytes", maxFaultBody)
	case !isFieldValue(f.ContentType):
		return errors.New("contentType cannot be sent as it is")
	case !isFieldValue(f.RetryAfter):
		return errors.New("retryAfter cannot be sent as it is")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		if !isToken(name) || !isFieldValue(f.Headers[name]) {
			return fmt.Errorf("header %q: neither this name nor this value can be sent as it is", name)
		}
	}
	return nil
}

// isToken reports whether a header may have this name (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	return text != "" && strings.Trim(text, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" &&
		!slices.Contains([]string{"Content-Length", "Transfer-Encoding"}, http.CanonicalHeaderKey(text))
}

// isFieldValue reports whether net/http sends a text as a header's value.
func isFieldValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) && strings.TrimSpace(text) == text
}
