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

const referenceChat = "chatfaabe59a460527f5fb72fbbdfe3f061e" // of DingTalk's page

// step is one action of a case.
type step struct {
	Meets   []any          `json:"meets"`   // faults that its calls meet; one that names no operation is for the step's own
	Convert []string       `json:"convert"` // chat ids, all at once; the reference page's if the step does nothing else
	Send    []string       `json:"send"`    // conversations that get a message, all at once
	GetChat []string       `json:"getChat"` // chats to describe, all at once
	URL     string         `json:"url"`     // makes a client for another address than the emulator's
	Want    map[string]any `json:"want"`
	Admin   string         `json:"admin"` // a call of the admin API, such as POST /tokens/expire
	Body    any            `json:"body"`  // of that call; a text {now+3} in it becomes the date in three seconds, as HTTP writes it
	Pause   float64        `json:"pauseSeconds"`
	Within  float64        `json:"withinSeconds"` // how long its calls may take
}

// calls are the step's calls: what is called, and of what.
func (s step) calls() (calls [][2]string) {
	if s.Convert == nil && s.Send == nil && s.GetChat == nil && s.URL == "" && s.Admin == "" && s.Pause == 0 {
		return [][2]string{{"convert", referenceChat}}
	}
	for name, ids := range map[string][]string{"convert": s.Convert, "send": s.Send, "getChat": s.GetChat} {
		for _, id := range ids {
			calls = append(calls, [2]string{name, id})
		}
	}
	return calls
}

// steps are the case's steps, each with what it wants.
func (c testCase) steps() []step {
	if len(c.Steps) == 0 {
		return []step{{Convert: []string{cmp.Or(c.ChatID, referenceChat)}, Want: c.Want}}
	}
	steps := slices.Clone(c.Steps)
	for i := range steps {
		if steps[i].Want == nil {
			steps[i].Want = c.Want
		}
	}
	return steps
}

var operations = map[string]string{"convert": "chatIdToOpenConversationId", "send": "orgGroupSend", "getChat": "getChat"}

// meets are the step's faults, each for one operation.
func (s step) meets() []any {
	aimed := make([]any, len(s.Meets))
	for i, fault := range s.Meets {
		fields := map[string]any{"fault": fault, "operation": operations[s.calls()[0][0]]}
		if given, ok := fault.(map[string]any); ok {
			maps.Copy(fields, given)
		}
		aimed[i] = fields
	}
	return aimed
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
	cases = slices.DeleteFunc(cases, func(c testCase) bool {
		return c.Go["alone"] != nil || only != "" && c.Name != only // the SDK's own tests run those that are alone
	})
	if len(cases) == 0 {
		return nil, fmt.Errorf("there is no case %q", only)
	}
	return cases, nil
}

// request is one that the emulator recorded.
type request struct {
	Operation, ChatID, Path string
	Time                    time.Time
	Status                  int
}

// outcome is what came of a case: what the program printed, what the emulator recorded, and what of it is not as wanted.
type outcome struct {
	got      []map[string]any
	wrong    []string
	crash    string // why there is nothing to compare
	log      string // other output
	recorded struct{ Requests []request }
}

// cell is the result of one case in one language.
type cell struct {
	text  string   // ok, the name of a known difference, or FAILED
	notes []string // of a failure
}

// judge compares an outcome with the case's, and a difference with the language's known ones.
func judge(l language, test testCase, o outcome) cell {
	wrong, known := o.wrong, l.differs[test.Name]
	if !l.sample && test.Requests != nil {
		wrong = append(wrong, o.traffic(test)...)
	}
	if shown := encode(o.got) + o.log; strings.Contains(shown, "OfWorth") { // a part of each secret of the cases
		wrong = append(wrong, "it shows a secret: "+shown)
	}
	if o.crash != "" {
		wrong = []string{o.crash}
	}
	switch {
	case len(wrong) == 0 && known == "":
		return cell{text: "ok"}
	case len(wrong) == 0:
		wrong = []string{fmt.Sprintf("passes although languages.go has %s: take it out", known)}
	case known != "":
		return cell{text: known}
	}
	notes := append(wrong, fmt.Sprintf("go run ./interop -lang %s -case %s -v", l.name, test.Name))
	if o.log != "" {
		notes = append(notes, "log: "+tail(o.log))
	}
	return cell{text: "FAILED", notes: notes}
}

// traffic compares the recorded requests, and how long failed ones waited for their repeat.
func (o outcome) traffic(test testCase) (found []string) {
	counts, failed := map[string]int{}, map[string]time.Time{}
	for _, r := range o.recorded.Requests {
		counts[r.Operation]++
		call := r.Operation + " " + r.ChatID
		if at, repeats := failed[call]; repeats && test.Gap > 0 && r.Time.Sub(at).Seconds() < test.Gap-0.02 { // some runtimes fire timers early
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
	text, err := json.Marshal(value)
	return cmp.Or(string(text), fmt.Sprint(err))
}

// tail is the end of a text, in one line.
func tail(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[max(0, len(text)-400):], "")
}
