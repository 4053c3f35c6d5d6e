package dingtalktest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/internal/strict"
)

// ParseFault reads a fault from a word: its kind, and after a colon the number of its requests, from 1 or
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
	if err := strict.Decode(raw, &data); err != nil {
		return err
	}
	if strict.HasNull(raw) {
		return strict.ErrNull
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

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
