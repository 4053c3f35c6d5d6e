package dingtalktest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
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

// ParseFault reads a fault from a word: what it does, and after a colon how many requests it is for, a number from 1 or
// "always". What it does is an error code in any of its spellings or the name of its Go constant without "Code", an HTTP
// status from 400 to 599 for a [Page], or the name of one of [FaultKinds] that needs nothing more.
func ParseFault(word string) (Fault, error) {
	what, times, counted := strings.Cut(word, ":")
	data, ok := faultWord(what)
	if !ok {
		return Fault{}, &UnknownFaultError{Name: what}
	}
	switch {
	case times == "always":
		data.Always = true
	case counted:
		n, err := strconv.Atoi(times)
		if err != nil {
			n = 0
		}
		data.Times = &n
	}
	return data.fault()
}

// UnknownFaultError says that there is no fault of a name.
type UnknownFaultError struct{ Name string }

// Error names the name.
func (e *UnknownFaultError) Error() string {
	return fmt.Sprintf("there is no fault %s: it is an error code, an HTTP status from 400 to 599, or one of %s", strconv.Quote(e.Name), strings.Join(kindNames(), ", "))
}

func kindNames() (names []string) {
	for _, k := range faultKinds {
		names = append(names, k.Name)
	}
	return names
}

// faultWord is the data of a fault that is named by one word.
func faultWord(what string) (faultData, bool) {
	if k := kindNamed(what); k != nil && k.Word && what != "" {
		return faultData{Fault: faultName(k.Name)}, true
	}
	if i := slices.IndexFunc(generated.ErrorCodes, func(row generated.ErrorCode) bool { return row.Name == what }); i >= 0 {
		return faultData{Fault: kindCode, Code: string(generated.ErrorCodes[i].Code)}, true
	}
	if row := generated.LookupErrorCode(what); row != nil {
		if !slices.Contains(row.Aliases, what) {
			what = string(row.Code)
		}
		return faultData{Fault: kindCode, Code: what}, true
	}
	if status, err := strconv.Atoi(what); err == nil && status >= 400 && status <= 599 {
		return faultData{Fault: kindPage, Status: &status}, true
	}
	return faultData{}, false
}

// UnmarshalJSON reads a string, or a number that is a status, as [ParseFault] does, or an object whose field "fault" names one of [FaultKinds] or is such
// a word without a colon. Fields that the kind does not take are errors.
func (f *Fault) UnmarshalJSON(raw []byte) error {
	var word faultName
	if string(raw) != "null" && json.Unmarshal(raw, &word) == nil {
		fault, err := ParseFault(string(word))
		*f = fault
		return err
	}
	var data faultData
	if err := decodeStrictly(raw, &data); err != nil {
		return err
	}
	if name := string(data.Fault); kindNamed(name) == nil || name == "" {
		named, ok := faultWord(name)
		switch {
		case !ok:
			return &UnknownFaultError{Name: name}
		case data.Code != "":
			return fmt.Errorf("fault %s takes no code beside its name", data.Fault)
		}
		data.Fault, data.Code = named.Fault, named.Code
		if data.Status == nil {
			data.Status = named.Status
		}
	}
	fault, err := data.fault()
	*f = fault
	return err
}

// MarshalJSON writes the object that [Fault.UnmarshalJSON] reads.
func (f Fault) MarshalJSON() ([]byte, error) { return json.Marshal(f.data()) }

// Name is the kind of the fault, one of [FaultKinds]; for [Code] it is the code.
func (f Fault) Name() string {
	switch f.kind {
	case "":
		return kindPass
	case kindCode:
		return string(f.code)
	}
	return f.kind
}

func (f Fault) data() faultData {
	d := faultData{
		Fault: faultName(f.kind), Operation: f.operation, Always: f.times < 0, Delay: durationText(f.delay), Code: string(f.code),
		Message: f.message, Scopes: f.scopes, ContentType: f.contentType, Interval: durationText(f.interval),
	}
	if d.Fault == "" {
		d.Fault = kindPass
	}
	if f.times > 0 {
		times := f.times + 1
		d.Times = &times
	}
	if f.status != 0 {
		d.Status = &f.status
	}
	for name, values := range f.header {
		if d.Headers == nil {
			d.Headers = map[string]string{}
		}
		d.Headers[name] = strings.Join(values, ", ")
	}
	if f.body != nil {
		if text := string(f.body); utf8.ValidString(text) {
			d.Body = &text
		} else {
			encoded := base64.StdEncoding.EncodeToString(f.body)
			d.BodyBase64 = &encoded
		}
	}
	return d
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
		readDuration("delay", d.Delay, maxFaultTime, &f.delay), readDuration("interval", d.Interval, maxFaultTime, &f.interval))
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

// isToken says whether a text is one that a header may be named (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	return text != "" && strings.Trim(text, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" &&
		!slices.Contains([]string{"Content-Length", "Transfer-Encoding"}, http.CanonicalHeaderKey(text))
}

// isFieldValue says whether net/http sends a text as a header's value.
func isFieldValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) && strings.TrimSpace(text) == text
}

// decodeStrictly reads one JSON value and nothing behind it, and refuses fields that into does not have.
func decodeStrictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the JSON value")
	}
	return nil
}

func readDuration(name, text string, most time.Duration, into *time.Duration) error {
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		return fmt.Errorf("%s %q is not a time from 0s to %s, such as 50ms", name, text, most)
	}
	*into = d
	return nil
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
