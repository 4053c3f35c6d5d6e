package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// soakSwitch is the environment variable that says how many requests to send: `.ci/run soak` sends a million.
const soakSwitch = "OPENCONVERSATION_SOAK"

// resident is how much memory a process has in use, in kilobytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	match := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if err != nil || match == nil {
		t.Fatalf("%v %s", err, status)
	}
	kilobytes, _ := strconv.Atoi(string(match[1]))
	return kilobytes
}

// However many requests an emulator gets that records them, keeps groups and messages, and logs, its memory does not grow.
func TestMemoryIsFlat(t *testing.T) {
	total := 20_000
	if n, err := strconv.Atoi(os.Getenv(soakSwitch)); err == nil {
		total = n
	}
	s := startService(t, "--admin", "127.0.0.1:0", "--any-chat", "--log", os.DevNull)
	_, answer := ask(t, "POST", s.admin+"/tokens", "")
	token := strings.Split(answer, `"`)[3]
	const workers = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	send := func(from, until int) {
		var all sync.WaitGroup
		for worker := range workers {
			all.Go(func() {
				for i := from + worker; i < until; i += workers {
					op, body := conversion, ""
					path := strings.ReplaceAll(op.Path, "{chatId}", fmt.Sprint("chat", i))
					switch i % 10 {
					case 7:
						op, body = generated.OperationCreateGroup, `{"name":"n","owner":"u","useridlist":["u"]}`
						path = op.Path
					case 8:
						op = generated.OperationOrgGroupSend
						path, body = op.Path, `{"msgKey":"k","msgParam":"{\"content\":\"`+strings.Repeat("x", 200)+`\"}","openConversationId":"cidOf`+fmt.Sprint(i)+`","robotCode":"dingue4kfzdxbyn0pjqd"}`
					case 9:
						path = fmt.Sprint("/v1.0/no/such/path/", i)
					}
					r, err := http.NewRequestWithContext(t.Context(), op.Method, s.env[connect.EnvBaseURL]+path, strings.NewReader(body))
					if err != nil {
						t.Error(err)
						return
					}
					r.Header.Set(generated.TokenHeader, token)
					r.Header.Set("Content-Type", "application/json")
					response, err := client.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			})
		}
		all.Wait()
	}
	// What is bounded is full after these: 1,000 requests, and 10,000 groups and messages each where so many come.
	send(0, total/4)
	before := resident(t, s.cmd.Process.Pid)
	send(total/4, total)
	after := resident(t, s.cmd.Process.Pid)
	t.Logf("%d requests: %d MB after the first quarter, %d MB at the end", total, before>>10, after>>10)
	if after > before+before/4+8<<10 {
		t.Errorf("the emulator grew from %d kB to %d kB", before, after)
	}
	if _, answer := ask(t, "GET", s.admin+"/requests?status=999", ""); !strings.Contains(answer, fmt.Sprintf(`"dropped":%d`, total-1000)) {
		t.Errorf("%s", answer)
	}
	s.stop(t)
	if said := s.stderr.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "the record is full") {
		t.Errorf("it said %q", said)
	}
}
