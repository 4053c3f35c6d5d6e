package main

import (
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
)

// limitsExtension is the field of the contract that holds the service's limits.
const limitsExtension = "x-limits"

// limit is one of them, and the constant that is made of it.
type limit struct {
	Field   string // in the contract
	Name    string // in Go
	Unit    string // what the constant is multiplied with; empty for a count
	Comment string
	Value   int
}

var limits = []limit{
	{Field: "callsPerSecond", Name: "CallsPerSecond", Comment: "is how many calls of one API an app may make in a second, on the standard edition."},
	{Field: "callsPerMonth", Name: "CallsPerMonth", Comment: "is how many calls an organisation may make in a month, on the standard edition. Token calls are exempt."},
	{Field: "banSeconds", Name: "BanTime", Unit: "time.Second", Comment: "is how long an address stays banned that made far too many calls."},
	{Field: "tokenSeconds", Name: "TokenTime", Unit: "time.Second", Comment: "is how long an access token lasts in the documentation's example. Go by what the answer says."},
	{Field: "renewTokenSeconds", Name: "TokenRenewalTime", Unit: "time.Second", Comment: "is how long before its end an access token is best renewed."},
}

// readLimits returns the limits with their values. The contract must have each of them, and no other.
func readLimits(doc *openapi3.T) ([]limit, error) {
	fields, ok := doc.Extensions[limitsExtension].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the contract has no %s", limitsExtension)
	}
	var found []limit
	for _, l := range limits {
		number, ok := fields[l.Field].(float64)
		if !ok || number < 1 || number != float64(int(number)) {
			return nil, fmt.Errorf("%s: %s is not a positive whole number", limitsExtension, l.Field)
		}
		l.Value = int(number)
		found = append(found, l)
	}
	if len(fields) != len(limits) {
		return nil, fmt.Errorf("%s: it has a field that is none of this generator's", limitsExtension)
	}
	return found, nil
}
