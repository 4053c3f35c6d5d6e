package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
)

// extension is the field beside the schema ApiError that holds the catalogue.
const extension = "x-error-codes"

// entry is one row of the catalogue, as openapi.yaml writes it. Its fields are described there.
type entry struct {
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	Aliases     []string `json:"aliases"`
	Status      int      `json:"status"`
	Kind        string   `json:"kind"`
	Retry       *bool    `json:"retry"`
	WaitSeconds int      `json:"waitSeconds"`
	Token       string   `json:"token"`
	Description string   `json:"description"`
	Message     string   `json:"message"`
	Observed    *bool    `json:"observed"`
}

// Seen reports whether a live answer was observed.
func (e entry) Seen() bool { return *e.Observed }

// The values that a row may use, in the order in which they are generated. A kind needs a sentinel in the wrapper, so
// it is the one thing of a row that cannot be added in the contract alone.
var (
	kinds = []string{
		"invalid-chat-id", "owner-not-visible", "unauthenticated", "permission-denied", "ip-not-allowed",
		"throttled", "quota-exhausted", "unavailable", "rejected",
	}
	tokenEffects = []string{"keep", "drop", "fetch", "none"}
)

// readCatalogue returns the rows of the contract's catalogue. An error names the row that it is about.
func readCatalogue(doc *openapi3.T) ([]entry, error) {
	if doc.Components == nil || doc.Components.Schemas["ApiError"] == nil || doc.Components.Schemas["ApiError"].Value == nil {
		return nil, errors.New("the contract has no schema ApiError")
	}
	rows, ok := doc.Components.Schemas["ApiError"].Value.Extensions[extension].([]any)
	if !ok || len(rows) == 0 {
		return nil, fmt.Errorf("schema ApiError: %s is not a list of rows", extension)
	}
	var entries []entry
	seen := map[string]string{} // folded code or alias, or "name "+name → the row that has it
	for i, row := range rows {
		e, err := readEntry(row)
		if err != nil {
			return nil, fmt.Errorf("%s: row %d %s: %w", extension, i+1, rowName(row), err)
		}
		for _, key := range append([]string{e.Code, "name " + e.Name}, e.Aliases...) {
			folded := strings.ToLower(key)
			if other, dup := seen[folded]; dup {
				return nil, fmt.Errorf("%s: row %d %s: %q is taken by %s", extension, i+1, rowName(row), key, other)
			}
			seen[folded] = e.Code
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func readEntry(row any) (entry, error) {
	var e entry
	raw, err := json.Marshal(row)
	if err != nil {
		return e, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
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
		{e.Status >= 400 && e.Status <= 599, "status is not an HTTP error status"},
		{slices.Contains(kinds, e.Kind), fmt.Sprintf("kind %q is none of %s", e.Kind, strings.Join(kinds, ", "))},
		{e.Retry != nil, "retry is missing"},
		{e.WaitSeconds >= 0 && e.WaitSeconds <= 3600, "waitSeconds is not between 0 and 3600"},
		{e.Retry == nil || *e.Retry || e.WaitSeconds == 0, "waitSeconds without retry"},
		{slices.Contains(tokenEffects, e.Token), fmt.Sprintf("token %q is none of %s", e.Token, strings.Join(tokenEffects, ", "))},
		{e.Description != "" && !strings.ContainsFunc(e.Description, isNotPrint), "description is not one line of printable text"},
		{e.Observed != nil, "observed is missing"},
	} {
		if !check.ok {
			return e, errors.New(check.what)
		}
	}
	return e, nil
}

// isWireText keeps codes to what a JSON string of the gateway holds as it is, and to characters that fold one way only:
// codes are compared without regard to case, by strings.ToLower here and by strings.EqualFold in the generated code.
func isWireText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// A description becomes a comment, where a control character would break the generated file.
func isNotPrint(r rune) bool { return !unicode.IsPrint(r) }

// rowName finds a name for a row that may be malformed.
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
