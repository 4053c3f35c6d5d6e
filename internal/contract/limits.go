package contract

import "net/url"

// limitsExtension is the contract's field with the service's limits. Its field limitsPage is no limit but the address of
// their page.
const (
	limitsExtension = "x-limits"
	limitsPage      = "page"
)

var knownLimits = []Limit{
	{Field: "callsPerSecond", Name: "CallsPerSecond", Comment: "is an app's rate limit per API in calls a second, on the standard edition."},
	{Field: "callsPerMonth", Name: "CallsPerMonth", Comment: "is an organisation's quota of calls a month, on the standard edition. Token calls are exempt."},
	{Field: "banSeconds", Name: "BanTime", Unit: "time.Second", Comment: "is how long an address is banned after far too many calls."},
	{Field: "tokenSeconds", Name: "TokenTime", Unit: "time.Second", Comment: "is an access token's lifetime in the documentation's example. Use the answer's lifetime."},
	{Field: "renewTokenSeconds", Name: "TokenRenewalTime", Unit: "time.Second", Comment: "is how long before its end to renew an access token."},
}

// limits returns the limits with their values. A contract has all of them or none.
func (c *Contract) limits() ([]Limit, error) {
	extension, ok := c.Doc.Extensions[limitsExtension]
	if !ok {
		return nil, nil
	}
	at := []string{limitsExtension}
	fields, ok := extension.(map[string]any)
	if !ok {
		return nil, c.lines.errorf(at, "it is not a map")
	}
	var found []Limit
	for _, l := range knownLimits {
		number, ok := fields[l.Field].(float64)
		if !ok || number < 1 || number != float64(int(number)) {
			return nil, c.lines.errorf(under(at, l.Field), "%s is not a positive whole number", l.Field)
		}
		l.Value = int(number)
		found = append(found, l)
	}
	others := len(fields) - len(knownLimits)
	if page, ok := fields[limitsPage]; ok {
		text, _ := page.(string)
		if address, err := url.Parse(text); err != nil || address.Scheme != "https" || address.Host == "" {
			return nil, c.lines.errorf(under(at, limitsPage), "%s is no https URL", limitsPage)
		}
		others--
	}
	if others != 0 {
		return nil, c.lines.errorf(at, "it has a field that is none of this generator's")
	}
	return found, nil
}
