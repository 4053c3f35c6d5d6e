package contract

import "net/url"

// limitsExtension is the field of the contract that holds the service's limits, and limitsPage the one of its fields that is
// none: the address of the page about them.
const (
	limitsExtension = "x-limits"
	limitsPage      = "page"
)

var knownLimits = []Limit{
	{Field: "callsPerSecond", Name: "CallsPerSecond", Comment: "is how many calls of one API an app may make in a second, on the standard edition."},
	{Field: "callsPerMonth", Name: "CallsPerMonth", Comment: "is how many calls an organisation may make in a month, on the standard edition. Token calls are exempt."},
	{Field: "banSeconds", Name: "BanTime", Unit: "time.Second", Comment: "is how long an address stays banned that made far too many calls."},
	{Field: "tokenSeconds", Name: "TokenTime", Unit: "time.Second", Comment: "is how long an access token lasts in the documentation's example. Go by what the answer says."},
	{Field: "renewTokenSeconds", Name: "TokenRenewalTime", Unit: "time.Second", Comment: "is how long before its end an access token is best renewed."},
}

// limits returns the limits with their values. A contract that has them has each, and no other.
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
