package official

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
)

// CompareJSON lists in what two JSON values differ. Numbers are compared as numbers, however long.
func CompareJSON(kind Kind, official, wrapper any) []Difference {
	var list []Difference
	compareAt("", official, wrapper, func(where string, official, wrapper any) {
		kind := kind
		if kind == KindBody && isAbsent(official) && empty(wrapper) {
			kind = KindEmptyInside
		}
		list = append(list, Difference{kind, where, "has " + brief(official), "has " + brief(wrapper)})
	})
	return list
}

// absent stands for a field or an element that one side lacks.
type absent struct{}

func isAbsent(value any) bool { _, ok := value.(absent); return ok }

func empty(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		return len(value) == 0
	case []any:
		return len(value) == 0
	}
	return false
}

func brief(value any) string {
	if isAbsent(value) {
		return "nothing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("`%.80s`", text)
}

func compareAt(where string, a, b any, differ func(where string, a, b any)) {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			break
		}
		for _, name := range sortedKeys(a) {
			if value, ok := b[name]; ok {
				compareAt(where+"."+name, a[name], value, differ)
			} else {
				differ(where+"."+name, a[name], absent{})
			}
		}
		for _, name := range sortedKeys(b) {
			if _, ok := a[name]; !ok {
				differ(where+"."+name, absent{}, b[name])
			}
		}
		return
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			break
		}
		for i := range a {
			compareAt(fmt.Sprintf("%s[%d]", where, i), a[i], b[i], differ)
		}
		return
	case json.Number:
		if b, ok := b.(json.Number); ok && sameNumber(a, b) {
			return
		}
	default:
		if reflect.DeepEqual(a, b) {
			return
		}
	}
	differ(where, a, b)
}

func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return okX && okY && x.Cmp(y) == 0
}
