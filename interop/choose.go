package main

import (
	"fmt"
	"slices"
	"strings"
)

// named is a language or a check: something to choose by name.
type named interface {
	id() string
	group() string
}

// choose returns what the wanted names stand for, in the list's order.
func choose[T named](list []T, wanted []string, all bool) ([]T, error) {
	for _, w := range wanted {
		if w != "all" && !slices.ContainsFunc(list, func(t T) bool { return t.id() == w || t.group() == w }) {
			return nil, fmt.Errorf("there is no %q; there are: %s", w, names(list))
		}
	}
	var chosen []T
	for _, t := range list {
		if all || slices.Contains(wanted, "all") || slices.Contains(wanted, t.id()) || slices.Contains(wanted, t.group()) {
			chosen = append(chosen, t)
		}
	}
	return chosen, nil
}

func names[T named](list []T) string {
	var all []string
	for _, t := range list {
		all = append(all, t.id())
	}
	return strings.Join(all, " ")
}
