package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// However many requests an emulator gets that records them, keeps groups and messages, and logs, its memory does not grow.
func TestMemoryIsFlat(t *testing.T) {
	total := 20_000
	if n, err := strconv.Atoi(os.Getenv(soakSwitch)); err == nil {
		total = n
	}
	s := startService(t, "--admin", "127.0.0.1:0", "--any-chat", "--log", os.DevNull)
	base := s.env[connect.EnvBaseURL]
	_, answer := ask(t, "POST", s.admin+"/tokens", "")
	token := strings.Split(answer, `"`)[3]
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var next atomic.Int64
	send := func(until int64) {
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				for i := next.Add(1); i <= until; i = next.Add(1) {
					op, body := generated.OperationChatIDToOpenConversationID, ""
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
					r, err := http.NewRequestWithContext(t.Context(), op.Method, base+path, strings.NewReader(body))
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
		workers.Wait()
		next.Store(until)
	}
	// What is bounded is full after these: 1,000 requests, and 10,000 groups and messages each where so many come.
	send(int64(total / 4))
	before := resident(t, s.cmd.Process.Pid)
	send(int64(total))
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
