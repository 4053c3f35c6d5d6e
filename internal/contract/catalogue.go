package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// codesExtension is the extension with error codes: of the schema ApiError for all operations, and of an operation for
// its own.
const codesExtension = "x-error-codes"

// kindsExtension is the extension of the schema ApiError with the texts of the kinds.
const kindsExtension = "x-error-kinds"

// The values of a row's fields, in the order of the generated constants. A kind needs a sentinel in the wrapper, so it is
// the only part of a row that the contract alone cannot add.
var (
	Kinds = []string{
		"invalid-chat-id", "owner-not-visible", "unauthenticated", "permission-denied", "ip-not-allowed",
		"throttled", "quota-exhausted", "unavailable", "rejected",
	}
	TokenEffects = []string{"keep", "drop", "fetch", "none"}
)

// catalogue returns the rows shared by all operations, if there are any.
func (c *Contract) catalogue() ([]Code, error) {
	at := []string{"components", "schemas", "ApiError"}
	if c.Doc.Components == nil || c.Doc.Components.Schemas["ApiError"] == nil {
		return nil, nil
	}
	extensions := c.Doc.Components.Schemas["ApiError"].Value.Extensions
	if texts, ok := extensions[kindsExtension]; ok {
		raw, err := json.Marshal(texts)
		if err == nil {
			err = decodeStrict(raw, &c.KindTexts)
		}
		if err != nil {
			return nil, c.lines.errorf(under(at, kindsExtension), "%v", err)
		}
	}
	rows, ok := extensions[codesExtension]
	if !ok {
		return nil, nil
	}
	return c.readCodes(rows, under(at, codesExtension), nil)
}

// readCodes returns the rows of a list. Codes, names and aliases are unique within a list; a row of an operation may
// replace the common row of its code.
func (c *Contract) readCodes(list any, at []string, common []Code) ([]Code, error) {
	rows, ok := list.([]any)
	if !ok || len(rows) == 0 {
		return nil, c.lines.errorf(at, "it is not a list of rows")
	}
	names := map[string]string{} // of the common constants → their code
	for _, e := range common {
		names[e.Name] = e.Code
	}
	var entries []Code
	seen := map[string]string{} // folded code or alias, or "name "+name → the row that has it
	for i, row := range rows {
		place := under(at, strconv.Itoa(i))
		e, err := readCode(row)
		if err != nil {
			return nil, c.lines.errorf(place, "row %d %s: %v", i+1, rowName(row), err)
		}
		if code, taken := names[e.Name]; taken && code != e.Code {
			return nil, c.lines.errorf(place, "row %d %s: the name %s is taken by %s", i+1, rowName(row), e.Name, code)
		}
		for _, key := range append([]string{e.Code, "name " + e.Name}, e.Aliases...) {
			folded := strings.ToLower(key)
			if other, dup := seen[folded]; dup {
				return nil, c.lines.errorf(place, "row %d %s: %q is taken by %s", i+1, rowName(row), key, other)
			}
			seen[folded] = e.Code
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func readCode(row any) (Code, error) {
	var e Code
	raw, err := json.Marshal(row)
	if err != nil {
		return e, err
	}
	if err := decodeStrict(raw, &e); err != nil {
		return e, err
	}
	for _, check := range []struct {
		ok   bool
		what string
	}{
		{e.Code != "", "code is missing"},
		{isWireText(e.Code), "code has a character that is not printable ASCII"},
		{!slices.ContainsFunc(e.Aliases, func(a string) bool { return a == "" || !isWireText(a) }), "an alias is empty or not printable ASCII"},
		{token.IsIdentifier("Code"+e.Name) && e.Name != "" && token.IsExported(e.Name), "name is not an exported Go name"},
		{e.Status >= 400 && e.Status <= 599 || e.Status == 200, "status is neither an HTTP error status nor 200, as the legacy API has it"},
		{slices.Contains(Kinds, e.Kind), fmt.Sprintf("kind %q is none of %s", e.Kind, strings.Join(Kinds, ", "))},
		{e.Retry != nil, "retry is missing"},
		{e.WaitSeconds >= 0 && e.WaitSeconds <= 3600, "waitSeconds is not between 0 and 3600"},
		{e.Retry == nil || *e.Retry || e.WaitSeconds == 0, "waitSeconds without retry"},
		{slices.Contains(TokenEffects, e.Token), fmt.Sprintf("token %q is none of %s", e.Token, strings.Join(TokenEffects, ", "))},
		{e.Description != "" && !strings.ContainsFunc(e.Description, isNotPrint), "description is not one line of printable text"},
		{e.Observed != nil, "observed is missing"},
	} {
		if !check.ok {
			return e, errors.New(check.what)
		}
	}
	return e, nil
}

// isWireText accepts only characters that a JSON string holds unescaped, and that fold one way: the generated code
// compares with strings.EqualFold, this package with strings.ToLower.
func isWireText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// rowName names a row, even a malformed one.
func rowName(row any) string {
	if fields, ok := row.(map[string]any); ok {
		for _, key := range []string{"code", "name"} {
			if s, ok := fields[key].(string); ok && s != "" {
				return s
			}
		}
	}
	return "(unnamed)"
}
