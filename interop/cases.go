package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// testCase is one row of cases.json.
type testCase struct {
	Name   string `json:"name"`
	Shows  string `json:"shows"`
	Row    int    `json:"row"`    // of docs/faults.md, which the case proves
	ChatID string `json:"chatId"` // to convert once, in place of steps; the reference page's by default
	Token  string `json:"token"`  // of samples, instead of a valid one
	Secret string `json:"secret"` // instead of the right one
	HTTPS  bool   `json:"https"`
	// The client is not given the authority of the emulator's certificate.
	Foreign bool `json:"foreign"`
	// What the emulator's admin API gets: PATCH /settings and POST /faults.
	Settings map[string]any `json:"settings"`
	Faults   []any          `json:"faults"`
	Steps    []step         `json:"steps"`
	Want     map[string]any `json:"want"`       // what each call must come to, unless its step says otherwise
	Requests map[string]int `json:"requests"`   // how many each operation got; those that are not named got none
	Gap      float64        `json:"gapSeconds"` // at least, before the last request of each operation that got several
	Official bool           `json:"official"`   // it makes sense for samples, such as those of the official SDKs, too
	// What the SDK's own test of the case uses in addition. If "alone" says why, the case is for that test only.
	Go map[string]any `json:"go"`
}

// referenceChat is the chat id of DingTalk's page.
const referenceChat = "chatfaabe59a460527f5fb72fbbdfe3f061e"

// step is one thing that is done in a case, in its order.
type step struct {
	// Faults that its calls meet. One that names no operation is for the step's own.
	Meets   []any          `json:"meets,omitempty"`
	Convert []string       `json:"convert,omitempty"` // chat ids, all at once
	Send    []string       `json:"send,omitempty"`    // conversations that get a message, all at once
	GetChat []string       `json:"getChat,omitempty"` // chats to describe; for cases of the SDK alone
	URL     string         `json:"url,omitempty"`     // makes a client for another address than the emulator's
	Want    map[string]any `json:"want,omitempty"`
	Admin   string         `json:"admin,omitempty"` // a call of the admin API, such as POST /tokens/expire
	Body    any            `json:"body,omitempty"`  // of that call; a text {now+3} in it is a date in three seconds, as HTTP writes it
	Pause   float64        `json:"pauseSeconds,omitempty"`
}

func (c testCase) steps() []step {
	if len(c.Steps) == 0 {
		return []step{{Convert: []string{cmp.Or(c.ChatID, referenceChat)}}}
	}
	steps := slices.Clone(c.Steps)
	for i, s := range steps {
		if len(s.Convert)+len(s.Send)+len(s.GetChat) == 0 && s.URL == "" && s.Admin == "" && s.Pause == 0 {
			steps[i].Convert = []string{referenceChat}
		}
	}
	return steps
}

// meets are the step's faults, each for one operation.
func (s step) meets() []any {
	operation := "chatIdToOpenConversationId"
	if len(s.Send) > 0 {
		operation = "orgGroupSend"
	}
	aimed := make([]any, len(s.Meets))
	for i, fault := range s.Meets {
		fields, ok := fault.(map[string]any)
		if !ok { // a word
			fields = map[string]any{"fault": fault}
		}
		if _, named := fields["operation"]; !named {
			fields = maps.Clone(fields)
			fields["operation"] = operation
		}
		aimed[i] = fields
	}
	return aimed
}

// wants are what the calls of a case must come to, in their order.
func (c testCase) wants() (wants []map[string]any) {
	for _, s := range c.steps() {
		want := s.Want
		if want == nil {
			want = c.Want
		}
		calls := len(s.Convert) + len(s.Send)
		if s.URL != "" {
			calls++
		}
		for range calls {
			wants = append(wants, want)
		}
	}
	return wants
}

// seen is a request that the emulator got.
type seen struct {
	Operation string    `json:"operation"`
	Path      string    `json:"path"`
	Time      time.Time `json:"time"`
	Status    int       `json:"status"`
}

// outcome is what a program printed, and what the emulator saw of it.
type outcome struct {
	got      []map[string]any
	crash    string // why there is nothing to compare
	log      string // what the program said besides
	requests []seen
}

// last is the request that came last.
func (o outcome) last() seen {
	if len(o.requests) == 0 {
		return seen{}
	}
	return o.requests[len(o.requests)-1]
}

// first is what the first call came to.
func (o outcome) first() map[string]any {
	if len(o.got) == 0 {
		return nil
	}
	return o.got[0]
}

// differences says how an outcome is not what was wanted.
func (o outcome) differences(test testCase, sample bool) []string {
	if o.crash != "" {
		return []string{o.crash}
	}
	wants := test.wants()
	if len(wants) != len(o.got) {
		return []string{fmt.Sprintf("%d outcomes, not %d", len(o.got), len(wants))}
	}
	var found []string
	for i, want := range wants {
		found = append(found, differ(o.got[i], want, sample)...)
	}
	if !sample && test.Requests != nil {
		found = append(found, o.traffic(test)...)
	}
	return found
}

// traffic compares what the emulator got, and when.
func (o outcome) traffic(test testCase) (found []string) {
	counts, last, gaps := map[string]int{}, map[string]time.Time{}, map[string]time.Duration{}
	for _, r := range o.requests {
		if counts[r.Operation]++; counts[r.Operation] > 1 {
			gaps[r.Operation] = r.Time.Sub(last[r.Operation])
		}
		last[r.Operation] = r.Time
	}
	if !maps.Equal(counts, test.Requests) {
		found = append(found, fmt.Sprintf("the emulator got %s, not %s", encode(counts), encode(test.Requests)))
	}
	for _, operation := range slices.Sorted(maps.Keys(gaps)) {
		if gap := gaps[operation]; gap.Seconds() < test.Gap {
			found = append(found, fmt.Sprintf("%s was repeated after %s, not after %g s", operation, gap, test.Gap))
		}
	}
	return found
}

// requestID is what the emulator's look like.
var requestID = regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`)

// differ compares what a call came to. Where the wanted value is empty, nothing may be reported; where it is "any", some text must be.
func differ(got, want map[string]any, sample bool) (found []string) {
	for _, field := range slices.Sorted(maps.Keys(want)) {
		if field == "go" {
			continue // of the SDK's own test
		}
		wanted, value := want[field], got[field]
		text, _ := value.(string)
		switch {
		case wanted == "sent" && requestID.MatchString(text), wanted == "any" && text != "", wanted == "" && value == nil:
			continue
		case sample && field != "id" && field != "code" && field != "message":
			// The official SDKs have neither status nor request id as a field.
			continue
		case sample && field == "message":
			// They wrap the message in one of their own.
			if message, ok := wanted.(string); ok && strings.Contains(text, message) {
				continue
			}
		}
		if !reflect.DeepEqual(wanted, value) {
			found = append(found, fmt.Sprintf("%s is %s, not %s", field, encode(value), encode(wanted)))
		}
	}
	if len(found) > 0 && got["failure"] != nil {
		found = append(found, "failure: "+tail(fmt.Sprint(got["failure"])))
	}
	return found
}

func encode(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}

// defect is something that a generator gets wrong in one case.
type defect struct {
	Name string         `json:"defect"`
	Says string         `json:"says"`
	Link string         `json:"link"` // where it is reported; without one the runner's output is the reproduction
	Got  map[string]any `json:"got"`  // what the program prints instead; crash is a part of why it did not
}

// is says whether the outcome is this defect and no other.
func (d defect) is(o outcome) bool {
	for field, wanted := range d.Got {
		got := o.first()[field]
		text, ok := wanted.(string)
		switch {
		case field == "crash":
			if !ok || !strings.Contains(o.crash, text) {
				return false
			}
		case field == "failure":
			failure, _ := got.(string)
			if !ok || !strings.Contains(failure, text) {
				return false
			}
		case wanted == "" && got == nil:
		case !reflect.DeepEqual(wanted, got):
			return false
		}
	}
	return len(d.Got) > 0
}

func loadCases(path, only string) ([]testCase, error) {
	var cases []testCase
	if err := load(path, &cases); err != nil {
		return nil, err
	}
	// A case for the SDK alone is run by its own tests.
	cases = slices.DeleteFunc(cases, func(c testCase) bool { return c.Go["alone"] != nil })
	if only == "" {
		return cases, nil
	}
	for _, c := range cases {
		if c.Name == only {
			return []testCase{c}, nil
		}
	}
	return nil, fmt.Errorf("there is no case %q", only)
}

// loadDefects returns a language's defects by case.
func loadDefects(path string) (map[string]defect, error) {
	defects := map[string]defect{}
	if err := load(path, &defects); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return defects, nil
}

// load reads JSON and refuses fields that nothing reads: a misspelt one would be ignored otherwise.
func load(path string, into any) error {
	return decode(path, into, (*json.Decoder).DisallowUnknownFields)
}

// loadLoosely reads JSON that somebody else wrote.
func loadLoosely(path string, into any) error { return decode(path, into, func(*json.Decoder) {}) }

func decode(path string, into any, set func(*json.Decoder)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	set(decoder)
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
