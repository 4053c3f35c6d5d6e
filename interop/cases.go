package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// testCase is one row of cases.json.
type testCase struct {
	Name      string         `json:"name"`
	Shows     string         `json:"shows"`
	Operation string         `json:"operation"` // convert or token
	ChatID    string         `json:"chatId"`
	Token     string         `json:"token"`    // instead of a valid one
	Secret    string         `json:"secret"`   // instead of the right one
	Emulator  setup          `json:"emulator"` // what it does
	Want      map[string]any `json:"want"`     // what the program must print
	Official  bool           `json:"official"` // it makes sense for the official SDKs, too
}

// setup is what the emulator does in a case.
type setup struct {
	Chats         map[string]string `json:"chats"`
	MissingScopes []string          `json:"missingScopes"`
	Error         *struct {
		Code    string `json:"code"`
		Status  int    `json:"status"`
		Message string `json:"message"`
	} `json:"error"`
	Answer *struct {
		Status      int             `json:"status"`
		ContentType string          `json:"contentType"`
		Body        json.RawMessage `json:"body"` // text if it is a string, otherwise sent as it is
	} `json:"answer"`
}

func (s setup) emulator() *dingtalktest.Emulator {
	var options []dingtalktest.Option
	for chat, id := range s.Chats {
		options = append(options, dingtalktest.WithChat(chat, id))
	}
	if len(s.MissingScopes) > 0 {
		options = append(options, dingtalktest.WithoutPermission(s.MissingScopes...))
	}
	emulator := dingtalktest.New(options...)
	if e := s.Error; e != nil {
		emulator.FailNext(dingtalktest.Code(generated.Code(e.Code)).WithStatus(e.Status).WithMessage(e.Message).Always())
	}
	if a := s.Answer; a != nil {
		body := []byte(a.Body)
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
		}
		emulator.FailNext(dingtalktest.Raw(a.Status, a.ContentType, body).Always())
	}
	return emulator
}

// outcome is what a program printed, and what the emulator saw of it.
type outcome struct {
	got       map[string]any
	crash     string // why there is nothing to compare
	log       string // what the program said besides
	token     string // that it was given, or would have been issued
	requestID string // that it was sent
	path      string // that it called
	answered  int    // the HTTP status that the emulator answered
}

// differences says how an outcome is not what was wanted. Where the wanted value is empty, nothing may be reported.
func (o outcome) differences(want map[string]any, official bool) []string {
	if o.crash != "" {
		return []string{o.crash}
	}
	var found []string
	for _, field := range slices.Sorted(maps.Keys(want)) {
		wanted, got := want[field], o.got[field]
		switch {
		case wanted == "sent":
			wanted = o.requestID
		case wanted == "issued":
			wanted = o.token
		case wanted == "" && got == nil:
			continue
		}
		if official {
			// The official SDKs wrap the message in one of their own and have neither status nor request id as a field.
			if field != "id" && field != "code" && field != "message" {
				continue
			}
			message, _ := got.(string)
			if text, ok := wanted.(string); ok && field == "message" && strings.Contains(message, text) {
				continue
			}
		}
		if !reflect.DeepEqual(wanted, got) {
			found = append(found, fmt.Sprintf("%s is %s, not %s", field, encode(got), encode(wanted)))
		}
	}
	if len(found) > 0 && o.got["failure"] != nil {
		found = append(found, fmt.Sprintf("failure: %v", o.got["failure"]))
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
		got := o.got[field]
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
