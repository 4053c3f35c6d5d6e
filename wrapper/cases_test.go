package dingtalk_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// sharedCase is a case that every language's client is held to; interop/README.md describes it.
type sharedCase struct {
	Name, ChatID, Secret string
	Row                  int // of docs/faults.md
	HTTPS, Foreign       bool
	Settings             json.RawMessage
	Faults               []dingtalktest.Fault
	Steps                []caseStep
	Want                 map[string]any
	Requests             map[string]int
	GapSeconds           float64
	Go                   struct {
		Attempts    int    // at most, for a call
		Timeout     string // of an attempt
		StaticToken bool
	}
}

type caseStep struct {
	Meets                  []json.RawMessage // faults for the conversions, messages or chats of this step
	Convert, Send, GetChat []string
	URL, Admin             string
	Body                   json.RawMessage
	PauseSeconds           float64
	Want                   map[string]any
}

func loadCases(t *testing.T) (cases []sharedCase) {
	t.Helper()
	raw, err := os.ReadFile("../interop/cases.json")
	if err == nil {
		err = json.Unmarshal(raw, &cases) // package interop refuses unknown fields
	}
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestCases holds the client to interop/cases.json: answers of the service, and what comes of them. Its subtests are
// called by the case; those of a row of docs/faults.md begin with row_NN.
func TestCases(t *testing.T) {
	for _, c := range loadCases(t) {
		name := c.Name
		if c.Row > 0 {
			name = fmt.Sprintf("row_%02d_%s", c.Row, name)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// caseRun is a case under way: a client with a clock of its own, and the emulator that it calls.
type caseRun struct {
	*sharedCase
	emulator *dingtalktest.Emulator
	client   *dingtalk.Client
	creds    dingtalk.Credentials
	clock    *handClock
	control  string // URL of the emulator's admin API
}

func (c *sharedCase) run(t *testing.T) {
	r := &caseRun{sharedCase: c, clock: newHandClock()}
	r.emulator = dingtalktest.New(dingtalktest.WithClock(r.clock.Now))
	r.control = serve(t, admin.Handler(r.emulator).ServeHTTP)
	server, options := httptest.NewUnstartedServer(r.emulator), []dingtalk.Option{r.clock.option()}
	if c.HTTPS {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() { r.emulator.Close(); server.CloseClientConnections(); server.Close() })
	if c.HTTPS && !c.Foreign {
		options = append(options, dingtalk.WithHTTPClient(server.Client()))
	}
	if c.Settings != nil {
		if err := r.emulator.ConfigureJSON(c.Settings); err != nil {
			t.Fatal(err)
		}
	}
	r.emulator.FailNext(c.Faults...)
	if c.Go.Attempts > 0 {
		options = append(options, dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: c.Go.Attempts}))
	}
	if limit, err := time.ParseDuration(c.Go.Timeout); err == nil {
		options = append(options, dingtalk.WithTimeout(limit))
	}
	creds := appCredentials
	creds.AppSecret = cmp.Or(c.Secret, creds.AppSecret)
	r.creds = creds
	if c.Go.StaticToken {
		r.creds = dingtalk.StaticToken(r.emulator.IssueToken())
	}
	r.client = newClient(t, server.URL, r.creds, options...)
	steps := c.Steps
	if steps == nil {
		steps = []caseStep{{Convert: []string{cmp.Or(c.ChatID, dingtalktest.ChatID)}}}
	}
	for i, s := range steps {
		r.step(t, fmt.Sprintf("step %d", i+1), s)
	}
	if counts := r.counts(); c.Requests != nil && !maps.Equal(counts, c.Requests) {
		t.Errorf("requests %v, want %v", counts, c.Requests)
	}
	var waited time.Duration
	for _, wait := range r.clock.waited() {
		waited += wait
	}
	if waited.Seconds() < c.GapSeconds {
		t.Errorf("waited %s, want %g s", waited, c.GapSeconds)
	}
}

func (r *caseRun) counts() map[string]int {
	counts := map[string]int{}
	for operation, tally := range r.emulator.Counts() {
		counts[operation] = int(tally.Requests)
	}
	return counts
}

func (r *caseRun) step(t *testing.T, name string, s caseStep) {
	t.Helper()
	want := s.Want
	if want == nil {
		want = r.Want
	}
	r.clock.Move(time.Duration(s.PauseSeconds * float64(time.Second)))
	operation := convertOp
	switch {
	case s.Send != nil:
		operation = generated.OperationOrgGroupSend
	case s.GetChat != nil:
		operation = generated.OperationGetChat
	case s.Admin != "":
		r.tell(t, s.Admin, s.Body)
	case s.URL != "":
		client, err := dingtalk.NewClient(r.creds, dingtalk.WithBaseURL(s.URL))
		r.compare(t, name, fmt.Sprint(client), err, want, nil)
	case s.Convert == nil && s.PauseSeconds == 0:
		s.Convert = []string{dingtalktest.ChatID}
	}
	for _, fault := range s.Meets {
		r.emulator.FailNext(aimed(t, fault, operation))
	}
	before := len(r.clock.waited())
	var all sync.WaitGroup
	call := func(ids []string, do func(context.Context, string) (string, error)) {
		for _, id := range ids {
			all.Go(func() {
				result, err := do(within(t), id)
				r.compare(t, name, result, err, want, r.clock.waited()[before:])
			})
		}
	}
	call(s.Convert, r.client.OpenConversationID)
	call(s.Send, func(ctx context.Context, id string) (string, error) {
		sent, err := r.client.OrgGroupSend(ctx, generated.OrgGroupSendRequest{OpenConversationID: id, RobotCode: "robot", MsgKey: "sampleText", MsgParam: "{}"})
		return sent.ProcessQueryKey, err
	})
	call(s.GetChat, func(ctx context.Context, id string) (string, error) {
		chat, err := r.client.GetChat(ctx, generated.GetChatParams{ChatID: id})
		if chat.ChatInfo == nil {
			return "", err
		}
		return *chat.ChatInfo.ChatID, err
	})
	all.Wait()
}

// aimed keeps a fault that names no operation for one.
func aimed(t *testing.T, raw json.RawMessage, operation generated.Operation) dingtalktest.Fault {
	t.Helper()
	var fault dingtalktest.Fault
	if err := json.Unmarshal(raw, &fault); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if strings.Contains(string(raw), `"operation"`) {
		return fault
	}
	return fault.For(operation)
}

// tell calls the emulator's admin API.
func (r *caseRun) tell(t *testing.T, call string, body []byte) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	text := strings.ReplaceAll(string(body), "{now+3}", r.clock.Now().Add(3*time.Second).UTC().Format(http.TimeFormat))
	req, err := http.NewRequestWithContext(t.Context(), method, r.control+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %v, %+v", call, err, resp)
	}
	resp.Body.Close()
}

// compare compares what a call came to. "any" is any text, "sent" what the emulator sent, and "" nothing. Fields of "go"
// are what Go's errors say besides.
func (r *caseRun) compare(t *testing.T, name, id string, err error, want map[string]any, waits []time.Duration) {
	t.Helper()
	got := map[string]any{"id": id, "failure": "", "waits": fmt.Sprint(waits)}
	var e *dingtalk.Error
	if errors.As(err, &e) {
		asError(t, id, err, e.Kind)
		for field, value := range map[string]any{
			"status": e.StatusCode, "code": e.Code, "message": e.Message, "requestId": e.RequestID, "requiredScopes": e.RequiredScopes,
			"attempts": e.Attempts, "local": e.Local, "tokenEndpoint": e.TokenEndpoint, "mayBeDone": e.MayBeDone, "timeout": e.Timeout(),
			"retryAfter": e.RetryAfter.String(), "kind": kindOf(e),
		} {
			raw, _ := json.Marshal(value) //nolint:errchkjson // texts, numbers and truths
			_ = json.Unmarshal(raw, &value)
			got[field] = value
		}
	} else if err == nil && id == "" {
		t.Errorf("%s: neither a result nor an error", name)
	}
	if err != nil {
		got["failure"] = err.Error()
	}
	fields := maps.Clone(want)
	delete(fields, "go")
	if of, ok := want["go"].(map[string]any); ok {
		maps.Copy(fields, of)
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		wanted, value := fields[field], got[field]
		switch text := fmt.Sprint(wanted); {
		case field == "says" && !strings.Contains(fmt.Sprint(got["failure"]), text),
			field == "hides" && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), text):
			t.Errorf("%s: %s %q: %v", name, field, text, err)
		case field == "says", field == "hides",
			(wanted == "any" || wanted == "sent") && value != "" && value != nil,
			wanted == "" && value == nil, field == "waits" && text == value:
		case !reflect.DeepEqual(value, wanted):
			t.Errorf("%s: %s is %#v, want %#v: %v", name, field, value, wanted, err)
		}
	}
}
