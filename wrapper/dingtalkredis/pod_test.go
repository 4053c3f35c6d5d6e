//go:build redis

package dingtalkredis_test

import (
	"bufio"
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

// task configures a process.
type task struct {
	Redis     string  // address; empty for a process that shares nothing
	URL       string  // of the emulator
	Pods      int     // of the fleet, if positive
	Rate      float64 // of the shared limiter, if positive
	Budget    int     // if positive
	Available bool    // the budget is
	Calls     int     // under way at once
	Patient   bool    // waits for a late Redis
}

// order tells a running process to convert the chats from First up to, not including, Last.
type order struct{ First, Last int }

// report is its answer to an order.
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
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	client, err := job.client()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	_ = out.Encode("ready")
	for {
		var o order
		if err := in.Decode(&o); errors.Is(err, io.EOF) {
			return 0
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		_ = out.Encode(job.run(client, o))
	}
}

func (j task) client() (*dingtalk.Client, error) {
	opts := []dingtalk.Option{dingtalk.WithBaseURL(j.URL)}
	if j.Redis == "" {
		return dingtalk.NewClient(creds, opts...)
	}
	fleetOpts := []dingtalkredis.Option{dingtalkredis.WithBaseURL(j.URL)}
	if j.Pods > 0 {
		fleetOpts = append(fleetOpts, dingtalkredis.WithPods(j.Pods))
	}
	if j.Patient {
		fleetOpts = append(fleetOpts, dingtalkredis.WithTimeout(patience))
	}
	rdb, err := dingtalkredis.Open(j.Redis)
	if err != nil {
		return nil, err
	}
	fleet, err := dingtalkredis.New(rdb, creds, fleetOpts...)
	if err != nil {
		return nil, err
	}
	opts = append(opts, dingtalk.WithTokenStore(fleet.TokenStore()), dingtalk.WithCache(fleet.Cache(time.Hour)))
	if j.Rate > 0 {
		opts = append(opts, dingtalk.WithLimiter(fleet.Limiter(j.Rate)))
	}
	if j.Budget > 0 {
		mode := map[bool]dingtalkredis.BudgetOption{true: dingtalkredis.Available()}[j.Available]
		opts = append(opts, dingtalk.WithBudget(fleet.Budget(j.Budget, mode)))
	}
	return dingtalk.NewClient(creds, opts...)
}

func (o order) chats() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := o.First; n < o.Last && yield(chat(n)); n++ {
		}
	}
}

func (j task) run(client *dingtalk.Client, o order) (r report) {
	for c, err := range client.OpenConversationIDs(context.Background(), o.chats(), dingtalk.WithConcurrency(max(j.Calls, 1))) {
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
	return r
}

// pod is a process of a fleet, as its parent sees it.
type pod struct {
	t   testing.TB
	cmd *exec.Cmd
	in  *json.Encoder
	out *bufio.Reader
}

// startPods starts processes that wait for orders, and kills them when the test ends.
func startPods(t testing.TB, n int, job task) []*pod {
	t.Helper()
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var pods []*pod
	for range n {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(os.Environ(), podTask+"="+string(text))
		cmd.Stderr = os.Stderr
		in, errIn := cmd.StdinPipe()
		out, errOut := cmd.StdoutPipe()
		if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		p := &pod{t: t, cmd: cmd, in: json.NewEncoder(in), out: bufio.NewReader(out)}
		t.Cleanup(p.kill)
		pods = append(pods, p)
	}
	for _, p := range pods {
		if line, err := p.out.ReadString('\n'); err != nil {
			t.Fatalf("a process did not start: %q, %v", line, err)
		}
	}
	return pods
}

func (p *pod) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// tell gives an order, whose report hear returns.
func (p *pod) tell(o order) {
	if err := p.in.Encode(o); err != nil {
		p.t.Error(err)
	}
}

func (p *pod) hear() (r report) {
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err != nil {
		p.t.Errorf("a process ended early: %v", err)
	}
	return r
}

// convertAll splits total chats, from first on, among the processes, and adds their reports up.
func convertAll(pods []*pod, first, total int) (sum report) {
	each := total / len(pods)
	for n, p := range pods {
		p.tell(order{first + n*each, first + (n+1)*each})
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range pods {
		wg.Go(func() {
			r := p.hear()
			mu.Lock()
			defer mu.Unlock()
			sum.Converted += r.Converted
			sum.Refused += r.Refused
			sum.NotTried += r.NotTried
			sum.Failed += r.Failed
			if sum.Error == "" {
				sum.Error = r.Error
			}
		})
	}
	wg.Wait()
	return sum
}
