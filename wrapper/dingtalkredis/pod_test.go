//go:build redis

package dingtalkredis_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// podTask is the environment variable that makes this test's binary one process of a fleet.
const podTask = "DINGTALKREDIS_TEST_POD"

// task tells a process to convert the chats from First up to, not including, Last.
type task struct {
	First, Last int
	Redis       string        // URL
	URL         string        // of the emulator
	Pods        int           // of the fleet, if positive
	Rate        float64       // of the shared limiter, if positive
	Budget      int           // if positive
	Available   bool          // the budget is
	Calls       int           // under way at once
	Timeout     time.Duration // for Redis, if positive
}

// report is what it prints. Then it has nothing to do, until it is killed.
type report struct {
	Converted int
	Refused   int // by the budget
	NotTried  int
	Failed    int
	Error     string // of the first that failed
}

func chat(n int) string { return fmt.Sprintf("chat%06d", n) }

// runPod is the main function of a process of a fleet.
func runPod(text string) int {
	var job task
	_ = json.Unmarshal([]byte(text), &job)
	r, err := job.run()
	if err != nil {
		r.Error = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func (j task) client() (*dingtalk.Client, error) {
	rdb, err := dingtalkredis.Open(j.Redis)
	if err != nil {
		return nil, err
	}
	fleet, err := dingtalkredis.New(rdb, creds, dingtalkredis.WithBaseURL(j.URL), dingtalkredis.WithPods(max(j.Pods, 1)),
		dingtalkredis.WithTimeout(cmp.Or(j.Timeout, time.Second)))
	if err != nil {
		return nil, err
	}
	opts := []dingtalk.Option{dingtalk.WithBaseURL(j.URL), dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithCache(fleet.Cache(time.Hour))}
	if j.Rate > 0 {
		opts = append(opts, dingtalk.WithLimiter(fleet.Limiter(j.Rate)))
	}
	if j.Budget > 0 {
		mode := map[bool]dingtalkredis.BudgetOption{true: dingtalkredis.Available()}[j.Available]
		opts = append(opts, dingtalk.WithBudget(fleet.Budget(j.Budget, mode)))
	}
	return dingtalk.NewClient(creds, opts...)
}

func chats(first, last int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := first; n < last && yield(chat(n)); n++ {
		}
	}
}

func (j task) run() (r report, err error) {
	client, err := j.client()
	if err != nil {
		return r, err
	}
	for c, err := range client.OpenConversationIDs(context.Background(), chats(j.First, j.Last), dingtalk.WithConcurrency(max(j.Calls, 1))) {
		switch {
		case err == nil && c.OpenConversationID == dingtalktest.OpenConversationIDOf(c.ChatID):
			r.Converted++
		case errors.Is(err, dingtalk.ErrNotTried):
			r.NotTried++
		case errors.Is(err, dingtalk.ErrQuotaExhausted):
			r.Refused++
		default:
			if r.Failed++; r.Failed == 1 {
				r.Error = fmt.Sprintf("%s: %q, %v", c.ChatID, c.OpenConversationID, err)
			}
		}
	}
	return r, nil
}

type pod struct {
	cmd *exec.Cmd
	out io.Reader
}

func startPod(t testing.TB, job task) *pod {
	t.Helper()
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), podTask+"="+string(text))
	cmd.Stderr = os.Stderr
	_, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &pod{cmd, out}
}

func (p *pod) hear(t testing.TB) (r report) {
	if err := json.NewDecoder(p.out).Decode(&r); err != nil {
		t.Errorf("a process ended early: %v", err)
	}
	return r
}

// convertAll splits total chats, from first on, among processes, and adds their reports up.
func convertAll(t testing.TB, processes int, job task, first, total int) (sum report) {
	t.Helper()
	var pods []*pod
	for n := range processes {
		job.First, job.Last = first+n*(total/processes), first+(n+1)*(total/processes)
		pods = append(pods, startPod(t, job))
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, p := range pods {
		all.Go(func() {
			r := p.hear(t)
			mu.Lock()
			defer mu.Unlock()
			sum.Converted, sum.Refused, sum.NotTried = sum.Converted+r.Converted, sum.Refused+r.Refused, sum.NotTried+r.NotTried
			sum.Failed, sum.Error = sum.Failed+r.Failed, sum.Error+r.Error
		})
	}
	all.Wait()
	return sum
}
