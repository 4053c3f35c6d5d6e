package dingtalktest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/strict"
)

// What data may ask for.
const (
	maxFaultTimes = 1_000_000_000
	maxFaultTime  = 365 * 24 * time.Hour // of a delay or an interval
	maxFaultBody  = 1 << 20              // bytes
)

// faultData is a fault as JSON has it. FaultKinds says which fields a kind takes.
type faultData struct {
	Fault       faultName         `json:"fault"`
	Operation   string            `json:"operation,omitempty"`
	Times       *int              `json:"times,omitempty"`
	Always      bool              `json:"always,omitempty"`
	Delay       string            `json:"delay,omitempty"`
	Code        string            `json:"code,omitempty"`
	Status      *int              `json:"status,omitempty"`
	Message     string            `json:"message,omitempty"`
	Scopes      []string          `json:"scopes,omitzero"`
	Headers     map[string]string `json:"headers,omitempty"`
	RetryAfter  string            `json:"retryAfter,omitempty"`
	ContentType *string           `json:"contentType,omitempty"`
	Body        *string           `json:"body,omitempty"`
	BodyBase64  *string           `json:"bodyBase64,omitempty"`
	Interval    string            `json:"interval,omitempty"`
}

// faultName is a name, or a status, which need not be quoted.
type faultName string

func (n *faultName) UnmarshalJSON(raw []byte) error {
	var number json.Number
	if raw[0] != '"' && json.Unmarshal(raw, &number) == nil {
		*n = faultName(number)
		return nil
	}
	return json.Unmarshal(raw, (*string)(n))
}

// fault checks the data against its kind's row.
func (d *faultData) fault() (Fault, error) {
	k := kindNamed(string(d.Fault))
	given := d.given()
	for _, name := range given {
		if !slices.Contains(k.Fields, name) {
			return Fault{}, fmt.Errorf("fault %s takes no %s", k.Name, name)
		}
	}
	for _, name := range k.Required {
		if !slices.Contains(given, name) {
			return Fault{}, fmt.Errorf("fault %s needs %s", k.Name, name)
		}
	}
	f := Fault{
		kind: k.Name, operation: d.Operation, code: generated.Code(d.Code), message: d.Message,
		scopes: slices.Clone(d.Scopes), contentType: d.ContentType,
	}
	if d.Always {
		f.times = -1
	}
	err := errors.Join(d.readTimes(&f), d.readStatus(&f), d.readHeaders(&f), d.readBody(&f),
		readTime("delay", d.Delay, &f.delay), readTime("interval", d.Interval, &f.interval))
	if k.Name == kindSlow && d.Interval == "" {
		f.interval = defaultInterval
	}
	return f, err
}

// given are the fields that the data has beside those that every kind takes.
func (d *faultData) given() (names []string) {
	raw, err := json.Marshal(d)
	if err != nil { // It holds texts and numbers.
		panic(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		panic(err)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "fault" && !slices.Contains(faultFields, name) {
			names = append(names, name)
		}
	}
	return names
}

func (d *faultData) readTimes(f *Fault) error {
	switch {
	case d.Times == nil:
		return nil
	case d.Always:
		return errors.New("give times or always, not both")
	case *d.Times < 1 || *d.Times > maxFaultTimes:
		return fmt.Errorf("times is a number from 1 to %d, or :always after the fault's name", maxFaultTimes)
	}
	f.times = *d.Times - 1
	return nil
}

func (d *faultData) readStatus(f *Fault) error {
	if d.Status == nil {
		return nil
	}
	if *d.Status < 200 || *d.Status > 599 {
		return fmt.Errorf("status %d is not from 200 to 599", *d.Status)
	}
	f.status = *d.Status
	return nil
}

func (d *faultData) readHeaders(f *Fault) error {
	for _, name := range slices.Sorted(maps.Keys(d.Headers)) {
		if !isToken(name) || !isFieldValue(d.Headers[name]) {
			return fmt.Errorf("header %q: neither this name nor this value can be sent as it is", name)
		}
		*f = f.WithHeader(name, d.Headers[name])
	}
	if d.RetryAfter == "" {
		return nil
	}
	if !isFieldValue(d.RetryAfter) {
		return errors.New("retryAfter cannot be sent as it is")
	}
	*f = f.WithRetryAfter(d.RetryAfter)
	return nil
}

func (d *faultData) readBody(f *Fault) error {
	if d.ContentType != nil && !isFieldValue(*d.ContentType) {
		return errors.New("contentType cannot be sent as it is")
	}
	body := []byte{}
	switch {
	case d.Body != nil && d.BodyBase64 != nil:
		return errors.New("give body or bodyBase64, not both")
	case d.Body != nil:
		body = []byte(*d.Body)
	case d.BodyBase64 != nil:
		var err error
		if body, err = base64.StdEncoding.DecodeString(*d.BodyBase64); err != nil {
			return errors.New("bodyBase64 is not base64")
		}
	case d.Fault != kindRaw && d.Fault != kindBytes:
		return nil
	}
	if len(body) > maxFaultBody {
		return fmt.Errorf("a body has at most %d bytes", maxFaultBody)
	}
	*f = f.withBody(body)
	return nil
}

func readTime(name, text string, into *time.Duration) error {
	if text == "" {
		return nil
	}
	d, err := strict.Duration(text, 0, maxFaultTime)
	if err != nil {
		return fmt.Errorf("%s %w", name, err)
	}
	*into = d
	return nil
}

// isToken says whether a text is one that a header may be named (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	return text != "" && strings.Trim(text, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" &&
		!slices.Contains([]string{"Content-Length", "Transfer-Encoding"}, http.CanonicalHeaderKey(text))
}

// isFieldValue says whether net/http sends a text as a header's value.
func isFieldValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) && strings.TrimSpace(text) == text
}
