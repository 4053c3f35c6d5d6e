package dingtalk_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
		Attempts                     int
		BaseDelay, MaxDelay, MaxWait span // of [dingtalk.Retry]
		Timeout, Deadline            span // of an attempt, of a call
		Chance                       float64
		StaticToken                  bool
	}
}

// span is a time.Duration that JSON spells as Go does.
type span struct{ time.Duration }

func (s *span) UnmarshalText(text []byte) (err error) {
	s.Duration, err = time.ParseDuration(string(text))
	return err
}

type caseStep struct {
	Meets                  []dingtalktest.Fault // faults for the conversions, messages or chats of this step
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
	clock    *handClock
	fetches  atomic.Int64 // token fetches that have ended, as the client logs them
}

// Write makes a run the destination of its client's log.
func (r *caseRun) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"dingtalk token"`)) {
		r.fetches.Add(1)
	}
	return len(line), nil
}

func (c *sharedCase) run(t *testing.T) {
	r := &caseRun{sharedCase: c, clock: newHandClock()}
	r.emulator = dingtalktest.New(dingtalktest.WithClock(r.clock.Now))
	server, options := httptest.NewUnstartedServer(r.emulator), []dingtalk.Option{r.clock.option(), dingtalk.WithLogger(slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})))}
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
		r.tell(t, "PATCH /settings", c.Settings)
	}
	r.emulator.FailNext(c.Faults...)
	r.clock.chance = cmp.Or(c.Go.Chance, r.clock.chance)
	options = append(options, dingtalk.WithTimeout(cmp.Or(c.Go.Timeout.Duration, patience)), dingtalk.WithRetry(dingtalk.Retry{
		MaxAttempts: c.Go.Attempts, BaseDelay: c.Go.BaseDelay.Duration, MaxDelay: c.Go.MaxDelay.Duration, MaxWait: c.Go.MaxWait.Duration,
	}))
	creds := dingtalk.Credentials(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: cmp.Or(c.Secret, dingtalktest.AppSecret)})
	if c.Go.StaticToken {
		creds = dingtalk.StaticToken(r.emulator.IssueToken())
	}
	r.client = newClient(t, server.URL, creds, options...)
	steps := c.Steps
	if steps == nil {
		steps = []caseStep{{Convert: []string{cmp.Or(c.ChatID, dingtalktest.ChatID)}}}
	}
	for i, s := range steps {
		r.step(t, fmt.Sprintf("step %d", i+1), s)
	}
	var counts map[string]int
	for deadline := time.Now().Add(sec); ; time.Sleep(ms) { // a renewal in the background may be on its way
		counts = map[string]int{}
		for operation, tally := range r.emulator.Counts() {
			counts[operation] = int(tally.Requests)
		}
		if c.Requests == nil || maps.Equal(counts, c.Requests) || time.Now().After(deadline) {
			break
		}
	}
	errorIf(t, c.Requests != nil && !maps.Equal(counts, c.Requests), "requests %v, want %v", counts, c.Requests)
	var waited time.Duration
	for _, wait := range r.clock.waited() {
		waited += wait
	}
	errorIf(t, waited.Seconds() < c.GapSeconds, "waited %s, want %g s", waited, c.GapSeconds)
}

func (r *caseRun) step(t *testing.T, name string, s caseStep) {
	t.Helper()
	if s.Want == nil {
		s.Want = r.Want
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
		client, err := dingtalk.NewClient(appCredentials, dingtalk.WithBaseURL(s.URL))
		compare(t, name, fmt.Sprint(client), err, s.Want, nil)
	case s.Convert == nil && s.PauseSeconds == 0:
		s.Convert = []string{dingtalktest.ChatID}
	}
	for _, fault := range s.Meets {
		if fault.Operation == "" {
			fault = fault.For(operation)
		}
		r.emulator.FailNext(fault)
	}
	before := len(r.clock.waited())
	var all sync.WaitGroup
	call := func(ids []string, do func(context.Context, string) (string, error)) {
		for _, id := range ids {
			all.Go(func() {
				ctx, cancel := context.WithDeadline(within(t), r.clock.Now().Add(cmp.Or(r.Go.Deadline.Duration, 1000*time.Hour)))
				defer cancel()
				result, err := do(ctx, id)
				waits := r.clock.waited()[before:]
				for i := range waits {
					waits[i] = waits[i].Round(time.Microsecond) // the jitter may be almost 0 or 1
				}
				compare(t, name, result, err, s.Want, waits)
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

// tell calls the emulator's admin API.
func (r *caseRun) tell(t *testing.T, call string, body []byte) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	text := strings.ReplaceAll(string(body), "{now+3}", r.clock.Now().Add(3*sec).UTC().Format(http.TimeFormat))
	req, answer := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(text)), httptest.NewRecorder()
	req.Header.Set("Content-Type", "application/json")
	admin.Handler(r.emulator).ServeHTTP(answer, req)
	if answer.Code >= 300 {
		t.Fatalf("%s: %d %s", call, answer.Code, answer.Body)
	}
	if _, awaited, ok := strings.Cut(path, "operation=getAccessToken&wait="); ok { // also for what becomes of it
		n, _ := strconv.Atoi(awaited)
		eventually(t, "the token fetch ends", func() bool { return r.fetches.Load() >= int64(n) })
	}
}

// compare compares what a call came to. "any" is any text, "sent" what the emulator sent, and "" nothing. Fields of "go"
// are what Go's errors say besides; "says" is in the error's text, "hides" is not, however it is printed.
func compare(t *testing.T, name, id string, err error, want map[string]any, waits []time.Duration) {
	t.Helper()
	got, e := map[string]string{"id": id, "failure": ""}, new(dingtalk.Error)
	if err != nil {
		got["failure"] = err.Error()
		if errors.As(err, &e) {
			_ = asError(t, id, err, e.Kind)
			got["kind"] = string(kindOf(e))
		}
	} else if id == "" {
		t.Errorf("%s: neither a result nor an error", name)
	}
	for field, value := range map[string]any{
		"status": e.StatusCode, "code": e.Code, "message": e.Message, "requestId": e.RequestID, "requiredScopes": e.RequiredScopes, "attempts": e.Attempts, "waits": waits,
		"retryAfter": e.RetryAfter, "local": e.Local, "tokenEndpoint": e.TokenEndpoint, "mayBeDone": e.MayBeDone, "timeout": e.Timeout(),
	} {
		got[field] = fmt.Sprint(value)
	}
	fields := maps.Clone(want)
	if of, ok := want["go"].(map[string]any); ok {
		maps.Copy(fields, of)
	}
	for field, value := range fields {
		wanted := fmt.Sprint(value)
		good := got[field] == wanted || (wanted == "any" || wanted == "sent") && got[field] != ""
		switch field {
		case "go":
			continue
		case "says":
			good = strings.Contains(got["failure"], wanted)
		case "hides":
			good = !strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), wanted)
		}
		errorIf(t, !good, "%s: %s is %q, want %q: %v", name, field, got[field], wanted, err)
	}
}

// TestFaults causes the faults of docs/faults.md that are Go's own, by row. TestCases has those that are answers of the
// service, for every language.
func TestFaults(t *testing.T) {
	tested := map[int]bool{}
	for _, fault := range []struct {
		rows []int
		what string
		test func(*testing.T)
	}{
		{[]int{1}, "the name is not resolved", testNameNotResolved},
		{[]int{2}, "the connection is refused", testConnectionRefused},
		{[]int{6}, "the TLS handshake hangs", testTLSHandshakeHangs},
		{[]int{16}, "the body is too large", testBodyTooLarge},
		{[]int{20, 21}, "the token is rejected", testRejected},
		{[]int{23}, "the source's token is rejected", testSourceTokenRejected},
		{[]int{27}, "the source fails, or its token is unusable", testSourceFails},
		{[]int{28}, "lifetimes", testLifetimes},
		{[]int{30, 31, 90}, "the clock jumps", testClockJumps},
		{[]int{43}, "the caller's context ends", testCallerEnds},
		{[]int{45}, "a proxy", testProxy},
		{[]int{46}, "HTTP/2", testHTTP2},
		{[]int{59, 67}, "a part panics or ends its goroutine", testPartEnds},
		{[]int{61, 79}, "secrets", testSecrets},
		{[]int{62}, "a final 1xx", testFinal1xx},
		{[]int{62}, "a body that ignores its context", testDeafBody},
		{[]int{81}, "a transport without connections sends twice", testNotAConnection},
		{[]int{26, 63}, "the token endpoint is slow, or hangs", testConvoy},
		{[]int{65, 84}, "hung service, short deadlines", testHastyCallers},
		{[]int{66}, "dead pooled connections", testDeadConnections},
		{[]int{67}, "the input panics or ends its goroutine", testInputEnds},
		{[]int{69}, "formatters and encoders", testFormatters},
		{[]int{78}, "sent once", testSentOnce},
	} {
		name := "row"
		for _, row := range fault.rows {
			name += fmt.Sprintf("_%02d", row)
			tested[row] = true
		}
		t.Run(name+"_"+fault.what, fault.test)
	}
	for _, c := range loadCases(t) {
		tested[c.Row] = true
	}
	var tests strings.Builder
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			tests.WriteString(readFile(t, path))
		}
		return err
	})
	errorIf(t, err != nil, "%v", err)
	for line := range strings.Lines(readFile(t, "testdata/faults.txt")) {
		words := strings.Fields(line)
		n, err := strconv.Atoi(words[0])
		tested[n] = tested[n] || err == nil
		for _, word := range words[1:] {
			name, _, _ := strings.Cut(word, "/")
			errorIf(t, words[0] != "#" && !strings.Contains(tests.String(), "func "+name+"("), "faults.txt: there is no test %s", name)
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|.*$`).FindAllStringSubmatch(readFile(t, "../docs/faults.md"), -1) {
		n, _ := strconv.Atoi(row[1])
		errorIf(t, !tested[n], "no test has row %d, and testdata/faults.txt names none", n)
	}
}

func readFile(t *testing.T, path string) string {
	content, err := os.ReadFile(path)
	errorIf(t, err != nil, "%v", err)
	return string(content)
}
