// Package admin controls a running emulator over HTTP, for tests in other processes and other languages: what it saw,
// what it is to do next, and what it is set up for. openapi.yaml describes it.
//
// Everything is one of the methods of [dingtalktest.Emulator]: a program that has the emulator in its own process needs
// none of this.
package admin

import (
	"context"
	_ "embed" // openapi.yaml
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

//go:embed openapi.yaml
var description []byte

// OpenAPI is the description of the API, OpenAPI 3.0.3 as YAML.
func OpenAPI() []byte { return slices.Clone(description) }

const (
	defaultWait = 10 // seconds
	maxWait     = 60 // seconds
	maxCount    = 100_000
)

// Handler serves the admin API. Serve it on its own listener. It asks for no credentials, and refuses requests that a browser
// sends for a page of another site.
func Handler(e *dingtalktest.Emulator) http.Handler {
	a := api{e}
	mux, operations := http.NewServeMux(), map[string]func(*http.Request) (any, error){
		"GET /healthz":        func(*http.Request) (any, error) { return map[string]string{"status": "ok"}, nil },
		"GET /openapi.yaml":   func(*http.Request) (any, error) { return document(description), nil },
		"POST /reset":         done(e.Reset),
		"GET /requests":       a.requests,
		"DELETE /requests":    done(e.ResetRequests),
		"GET /counts":         func(*http.Request) (any, error) { return e.Counts(), nil },
		"GET /faults":         func(*http.Request) (any, error) { return e.Faults(), nil },
		"POST /faults":        a.queue,
		"DELETE /faults":      done(e.ClearFaults),
		"GET /fault-kinds":    func(*http.Request) (any, error) { return dingtalktest.FaultKinds(), nil },
		"GET /groups":         a.groups,
		"POST /groups":        a.setGroup,
		"GET /messages":       func(*http.Request) (any, error) { return e.Messages(), nil },
		"POST /messages/read": a.markRead,
		"GET /settings":       func(*http.Request) (any, error) { return e.Settings(), nil },
		"PATCH /settings":     a.configure,
		"POST /tokens":        func(*http.Request) (any, error) { return map[string]string{"accessToken": e.IssueToken()}, nil },
		"POST /tokens/reject": done(e.RejectTokens),
		"POST /tokens/expire": done(e.ExpireTokens),
		"GET /quota":          func(*http.Request) (any, error) { return map[string]int{"used": e.QuotaUsed()}, nil },
		"DELETE /quota":       done(e.ResetQuota),
		"GET /clock":          a.clock,
		"POST /clock":         a.advance,
	}
	for pattern, handle := range operations {
		mux.HandleFunc(pattern, answering(handle))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNotFound
		for pattern := range operations {
			if strings.HasSuffix(pattern, " "+r.URL.Path) {
				status = http.StatusMethodNotAllowed
			}
		}
		problem(w, statusError{status, http.StatusText(status) + ": GET /openapi.yaml describes this API"})
	})
	return sameSite(mux)
}

// requests answers GET /requests.
func (a api) requests(r *http.Request) (any, error) {
	query := r.URL.Query()
	f := dingtalktest.Filter{
		Operation: query.Get("operation"), ChatID: query.Get("chatId"), Code: generated.Code(query.Get("code")), Fault: query.Get("fault"),
	}
	status, err1 := number(query, "status", 100, 999, 0)
	after, err2 := number(query, "after", 0, 9_000_000_000_000_000_000, 0)
	wait, err3 := number(query, "wait", 0, maxCount, 0)
	timeout, err4 := number(query, "timeout", 0, maxWait, defaultWait)
	if err := errors.Join(err1, err2, err3, err4, known(query, "operation", "chatId", "status", "code", "fault", "after", "wait", "timeout")); err != nil {
		return nil, err
	}
	f.Status, f.After = int(status), after
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(timeout)*time.Second)
	defer cancel()
	found, late := a.emulator.WaitRequests(ctx, int(wait), f)
	seen := struct {
		Requests []dingtalktest.Request `json:"requests"`
		Dropped  int64                  `json:"dropped"`
	}{found, a.emulator.Dropped()}
	if late != nil {
		return withStatus{http.StatusRequestTimeout, seen}, nil
	}
	return seen, nil
}

// queue answers POST /faults: all of them or none.
func (a api) queue(r *http.Request) (any, error) {
	var queue []dingtalktest.Fault
	if err := readJSON(r, &queue); err != nil {
		return nil, err
	}
	return nil, a.emulator.Queue(queue...)
}

func (a api) configure(r *http.Request) (any, error) {
	var given json.RawMessage
	if err := readJSON(r, &given); err != nil {
		return nil, err
	}
	if err := a.emulator.ConfigureJSON(given); err != nil {
		return nil, err
	}
	return a.emulator.Settings(), nil
}

func (a api) clock(*http.Request) (any, error) {
	return map[string]time.Time{"now": a.emulator.Now().UTC()}, nil
}

func (a api) advance(r *http.Request) (any, error) {
	var move struct {
		Advance dingtalktest.Duration `json:"advance" required:"true"`
	}
	if err := readJSON(r, &move); err != nil {
		return nil, err
	}
	d := time.Duration(move.Advance)
	if a.emulator.Now().Add(d).Year() > 2200 {
		return nil, errors.New("the time would be later than 2200")
	}
	a.emulator.AdvanceClock(d)
	return a.clock(r)
}

// maxReaders is how many users may be added in one request.
const maxReaders = 1000

// groups answers GET /groups: those that were created or changed, or the one of a chat id.
func (a api) groups(r *http.Request) (any, error) {
	query := r.URL.Query()
	if err := known(query, "chatId"); err != nil {
		return nil, err
	}
	if !query.Has("chatId") {
		return a.emulator.Groups(), nil
	}
	found := []dingtalktest.Group{}
	if g, ok := a.emulator.Group(query.Get("chatId")); ok {
		found = append(found, g)
	}
	return found, nil
}

// setGroup answers POST /groups.
func (a api) setGroup(r *http.Request) (any, error) {
	var g dingtalktest.Group
	if err := readJSON(r, &g); err != nil {
		return nil, err
	}
	a.emulator.SetGroup(g)
	set, _ := a.emulator.Group(g.ChatID) // complete
	return set, nil
}

// markRead answers POST /messages/read.
func (a api) markRead(r *http.Request) (any, error) {
	var read struct {
		ProcessQueryKey string   `json:"processQueryKey" required:"true" min:"1" max:"1000"`
		UserIDs         []string `json:"userIds" required:"true" min:"1" max:"1000"`
	}
	if err := readJSON(r, &read); err != nil {
		return nil, err
	}
	switch {
	case len(read.UserIDs) == 0 || len(read.UserIDs) > maxReaders:
		return nil, fmt.Errorf("userIds: give 1 to %d users", maxReaders)
	case !a.emulator.MarkRead(read.ProcessQueryKey, read.UserIDs...):
		return nil, statusError{http.StatusNotFound, "no message has this processQueryKey"}
	}
	return nil, nil
}
