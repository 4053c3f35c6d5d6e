package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
)

// maxDepth limits a contract's nesting, because the libraries recurse.
const maxDepth = 100

const schemaPrefix = "#/components/schemas/"

func itoa(i int) string { return strconv.Itoa(i) }

// A control character in a description would break a generated comment.
func isNotPrint(r rune) bool { return !unicode.IsPrint(r) }

func nameRune(r rune) bool { return letter(r) || r >= '0' && r <= '9' || r == '-' || r == '_' }
func letter(r rune) bool   { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// kindOf returns a schema's type, which an object may omit.
func kindOf(s *openapi3.Schema) string {
	if s.Type != nil && len(*s.Type) == 1 {
		return (*s.Type)[0]
	}
	if len(s.Properties) > 0 || len(s.AllOf) > 0 {
		return "object"
	}
	return ""
}

func scalar(s *openapi3.Schema) bool {
	switch kindOf(s) {
	case "string", "integer", "number", "boolean":
		return true
	default:
		return false
	}
}

// decodeStrict refuses unknown fields, because they are misspellings.
func decodeStrict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
