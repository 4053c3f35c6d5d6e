package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// report is where the results of a run go, one at a time. Its errors are those of standard output.
type report interface {
	converted(dingtalk.Conversion) error
	failed(chatID string, err error) error
}

// textReport prints results to standard output, and failures with what to do about them to standard error.
type textReport struct {
	print  func(string) error
	stderr io.Writer
	pairs  bool // chat id, tab, openConversationId; otherwise the latter alone
	hinted map[string]bool
}

func (t *textReport) converted(c dingtalk.Conversion) error {
	line := printable(c.OpenConversationID) + "\n"
	if t.pairs {
		line = printable(c.ChatID) + "\t" + line
	}
	return t.print(line)
}

// failed gives each hint once: a thousand unknown chats need it no more than one does.
func (t *textReport) failed(chatID string, err error) error {
	fmt.Fprintf(t.stderr, "%s: %s\n", shown(chatID), describe(err))
	if hint := hintFor(err); hint != "" && !t.hinted[hint] {
		fmt.Fprintf(t.stderr, "hint: %s\n", hint)
		t.hinted[hint] = true
	}
	return nil
}

// jsonReport prints one JSON object a line to standard output, for results and failures alike.
type jsonReport struct{ print func(string) error }

type jsonResult struct {
	ChatID             string     `json:"chatId"`
	OpenConversationID string     `json:"openConversationId,omitempty"`
	Error              *jsonError `json:"error,omitempty"`
}

type jsonError struct {
	Kind      string `json:"kind,omitempty"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
	Status    int    `json:"status"`
}

func (j jsonReport) converted(c dingtalk.Conversion) error {
	return j.write(jsonResult{ChatID: c.ChatID, OpenConversationID: c.OpenConversationID})
}

func (j jsonReport) failed(chatID string, err error) error {
	out := &jsonError{Message: describe(err)}
	if row := failureOf(err); row != nil {
		out.Kind = row.kind
	}
	var e *dingtalk.Error
	if errors.As(err, &e) {
		out.Code, out.RequestID, out.Status = string(e.Code), e.RequestID, e.StatusCode
		// The service's own text where there is one; what stands around it in the error's text has fields here.
		if e.Message != "" && e.Err == nil {
			out.Message = e.Message
		}
	}
	return j.write(jsonResult{ChatID: chatID, Error: out})
}

func (j jsonReport) write(v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	return j.print(line + "\n")
}

// marshal is v as JSON without indentation, safe for a terminal.
func marshal(v any) (string, error) {
	raw, err := json.Marshal(v)
	return string(printableJSON(raw)), err
}
