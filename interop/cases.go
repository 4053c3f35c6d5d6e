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
	Name   string  `json:"name"`
	Shows  string  `json:"shows"`
	Row    int     `json:"row"`            // of docs/faults.md, which the case proves
	ChatID string  `json:"chatId"`         // to convert once, in place of steps; the reference page's by default
	Token  string  `json:"token"`          // of samples, instead of a valid one
	Secret string  `json:"secret"`         // instead of the right one
	Limit  float64 `json:"timeoutSeconds"` // of the client's requests; 10 by default
	HTTPS  bool    `json:"https"`
	// The client is not given the authority of the emulator's certificate.
	Foreign bool `json:"foreign"`
	// What the emulator's admin API gets: PATCH /settings and POST /faults.
	Settings map[string]any `json:"settings"`
	Faults   []any          `json:"faults"`
	Steps    []step         `json:"steps"`
	Want     map[string]any `json:"want"`       // the outcome of each call whose step has none
	Requests map[string]int `json:"requests"`   // how many each operation got; any other operation got none
	Gap      float64        `json:"gapSeconds"` // at least, between a failed request and its repeat
	Official bool           `json:"official"`   // for samples too
	// What the SDK's own test of the case uses in addition. If "alone" says why, the case is for that test only.
	Go map[string]any `json:"go"`
}

// referenceChat is the chat id of DingTalk's page.
const referenceChat = "chatfaabe59a460527f5fb72fbbdfe3f061e"

// step is one action of a case.
type step struct {
	Meets   []any          `json:"meets,omitempty"`   // faults that its calls meet; one that names no operation is for the step's own
	Convert []string       `json:"convert,omitempty"` // chat ids, all at once
	Send    []string       `json:"send,omitempty"`    // conversations that get a message, all at once
	GetChat []string       `json:"getChat,omitempty"` // chats to describe, all at once
	URL     string         `json:"url,omitempty"`     // makes a client for another address than the emulator's
	Want    map[string]any `json:"want,omitempty"`
	Admin   string         `json:"admin,omitempty"` // a call of the admin API, such as POST /tokens/expire
	Body    any            `json:"body,omitempty"`  // of that call; a text {now+3} in it becomes the date in three seconds, as HTTP writes it
	Pause   float64        `json:"pauseSeconds,omitempty"`
	Within  float64        `json:"withinSeconds,omitempty"` // how long its calls may take
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
	switch {
	case len(s.Send) > 0:
		operation = "orgGroupSend"
	case len(s.GetChat) > 0:
		operation = "getChat"
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

// wants are the outcomes of a case's calls, in their order.
func (c testCase) wants() (wants []map[string]any) {
	for _, s := range c.steps() {
		want := s.Want
		if want == nil {
			want = c.Want
		}
		calls := len(s.Convert) + len(s.Send) + len(s.GetChat)
		if s.URL != "" {
			calls++
		}
		for range calls {
			wants = append(wants, want)
		}
	}
	return wants
}

// loadCases reads cases and refuses unknown fields: a misspelt one would be ignored otherwise.
func loadCases(path, only string) (cases []testCase, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cases); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	cases = slices.DeleteFunc(cases, func(c testCase) bool { return c.Go["alone"] != nil }) // the SDK's own tests run them
	if only != "" {
		cases = slices.DeleteFunc(cases, func(c testCase) bool { return c.Name != only })
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("there is no case %q", only)
	}
	return cases, nil
}

// request is one that the emulator recorded.
type request struct {
	Operation string    `json:"operation"`
	ChatID    string    `json:"chatId"`
	Path      string    `json:"path"`
	Time      time.Time `json:"time"`
	Status    int       `json:"status"`
}

// outcome is the output of a program, and the record of the emulator.
type outcome struct {
	got      []map[string]any
	crash    string // why there is nothing to compare
	log      string // other output
	requests []request
}

// cell is the result of one case in one language.
type cell struct {
	text  string   // ok, the name of a known difference, or FAILED
	notes []string // of a failure
}

// judge compares an outcome with the case's, and a difference with the language's known ones.
func judge(l language, test testCase, o outcome) cell {
	differences, known := o.differences(l, test), l.differs[test.Name]
	switch {
	case len(differences) == 0 && known == "":
		return cell{text: "ok"}
	case len(differences) == 0:
		differences = []string{fmt.Sprintf("passes although languages.go has %s: take it out", known)}
	case known != "":
		return cell{text: known}
	}
	notes := append(differences, fmt.Sprintf("go run ./interop -lang %s -case %s -v", l.name, test.Name))
	if o.log != "" {
		notes = append(notes, "log: "+tail(o.log))
	}
	return cell{text: "FAILED", notes: notes}
}

// differences compares an outcome with what the case wants.
func (o outcome) differences(l language, test testCase) (found []string) {
	if o.crash != "" {
		return []string{o.crash}
	}
	wants := test.wants()
	if len(wants) != len(o.got) {
		return []string{fmt.Sprintf("%d outcomes, not %d", len(o.got), len(wants))}
	}
	for i, want := range wants {
		found = append(found, differ(o.got[i], want, l)...)
	}
	if !l.sample && test.Requests != nil {
		found = append(found, o.traffic(test)...)
	}
	if shown := encode(o.got) + o.log; strings.Contains(shown, "OfWorth") { // a part of each secret of the cases
		found = append(found, "it shows a secret: "+shown)
	}
	return found
}

// timerSlack is how early the timers of some runtimes fire, at most.
const timerSlack = 20 * time.Millisecond

// traffic compares the recorded requests, and how long failed ones waited for their repeat.
func (o outcome) traffic(test testCase) (found []string) {
	counts, failed := map[string]int{}, map[string]time.Time{}
	for _, r := range o.requests {
		counts[r.Operation]++
		call := r.Operation + " " + r.ChatID
		if at, repeats := failed[call]; repeats && test.Gap > 0 && r.Time.Sub(at).Seconds() < test.Gap-timerSlack.Seconds() {
			found = append(found, fmt.Sprintf("%s was repeated after %s, not after %g s", call, r.Time.Sub(at), test.Gap))
		}
		delete(failed, call)
		if r.Status != 200 {
			failed[call] = r.Time
		}
	}
	if !maps.Equal(counts, test.Requests) {
		found = append(found, fmt.Sprintf("the emulator got %s, not %s", encode(counts), encode(test.Requests)))
	}
	return found
}

// requestID is the form of the emulator's.
var requestID = regexp.MustCompile(`^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`)

// differ compares one call's outcome. An empty wanted value allows none; "any" wants some text, and "sent" a request id.
func differ(got, want map[string]any, l language) (found []string) {
	own, _ := want["go"].(map[string]any)
	for _, field := range slices.Sorted(maps.Keys(want)) {
		wanted, value := want[field], got[field]
		if its, ok := own[field]; ok && l.name == "go" {
			wanted = its
		}
		text, _ := value.(string)
		part, _ := wanted.(string)
		switch {
		case field == "go": // for the SDK's own test
		case wanted == "sent" && requestID.MatchString(text), wanted == "any" && text != "", wanted == "" && value == nil:
		case l.sample && !slices.Contains([]string{"id", "code", "message"}, field): // the official SDKs have no other fields
		case l.sample && field == "message" && strings.Contains(text, part): // and wrap the message in one of their own
		case !reflect.DeepEqual(wanted, value):
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
	err := encoder.Encode(value)
	return cmp.Or(strings.TrimSpace(text.String()), fmt.Sprint(err))
}
