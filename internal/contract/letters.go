package contract

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// upperFirst makes a name in ASCII one that Go exports.
func upperFirst(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

const signs = "-+&|~=><#.*^%_"

// What Go cannot have in a name, or the generator of the models would drop, is written in letters that it keeps; Decode
// makes it readable. A name does not depend on others, so that one more changes none.
var (
	foreign = regexp.MustCompile(`[^\x00-\x7F]+`)
	special = regexp.MustCompile(`[^A-Za-z0-9]+`)
	coded   = regexp.MustCompile(`[Xx]hx((?:[0-9a-fA-F]{6})+)[hH]x`)
)

// ASCII writes a name in ASCII, which [Decode] undoes: 姓名 will be X姓名.
func ASCII(name string) string {
	if name != "" && special.FindString(name) == name && foreign.FindString(name) == "" && strings.Trim(name, signs) != "" {
		return special.ReplaceAllStringFunc(name, encodeName)
	}
	return foreign.ReplaceAllStringFunc(name, encodeName)
}

func encodeName(run string) string {
	var b strings.Builder
	for _, r := range run {
		fmt.Fprintf(&b, "%06x", r)
	}
	return "Xhx" + b.String() + "hx"
}

// Decode writes the encoded names of a Go source: letters as they are, others by their number.
func Decode(source string) string {
	if !strings.Contains(source, "hx") {
		return source
	}
	return coded.ReplaceAllStringFunc(source, func(name string) string {
		plain := name[:1]
		for digits := name[3 : len(name)-2]; digits != ""; digits = digits[6:] {
			if r, _ := strconv.ParseInt(digits[:6], 16, 32); unicode.IsLetter(rune(r)) || unicode.IsDigit(rune(r)) && r > unicode.MaxASCII {
				plain += string(rune(r))
			} else {
				plain += fmt.Sprintf("U%04X", r)
			}
		}
		return plain
	})
}

var componentName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// allowed is a name of a component that OpenAPI allows.
func allowed(name string) string {
	if componentName.MatchString(name) {
		return name
	}
	return special.ReplaceAllStringFunc(ASCII(name), encodeName)
}
