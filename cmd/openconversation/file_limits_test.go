package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The budget is never passed, repeats count, and nothing that was paid for is called again.
func TestMaxCalls(t *testing.T) {
	b := newBench(t, "in.txt", chats(100, 100))
	b.server.FailNext(dingtalktest.Raw(502, "text/html", nil).For(conversion).Times(3))
	b.want(4, "openconversation: stopped by --max-calls: 40 calls have been made\nhint: run the rest, with a higher --max-calls if you like; the organisation's quota is not used up\n", "--max-calls", "40")
	if n := b.server.Count(conversion); n != 40 {
		t.Errorf("%d calls", n)
	}
	b.want(4, " to call", "--max-calls", "20", "--concurrency", "1")
	if n := b.server.Count(conversion); n != 60 {
		t.Errorf("%d calls", n)
	}
	b.want(0, "100 rows: 100 converted, 0 failed; 43 calls", "--max-calls", "43")
	if n := b.server.Count(conversion); n != 103 || b.read(b.out) != convertedChats(100, 100) {
		t.Errorf("%d calls", n)
	}
	got := call{args: []string{"convert", "--max-calls", "1", "--concurrency", "1", "a", "b"}, env: serverEnv(b.server)}.run()
	if got.code != 4 || strings.Count(got.stdout, "\n") != 1 || !strings.Contains(got.stderr, "b: stopped by --max-calls: 1 calls have been made\nhint: run the rest, ") {
		t.Errorf("%+v", got)
	}
}

// A request counts when it is sent: what the limiter let go, and then got no token, was no call.
func TestCallsThatWereNotSentAreNotCounted(t *testing.T) {
	b := newBench(t, "in.txt", chats(10, 10))
	env := serverEnv(b.server)
	env[connect.EnvAppSecret] = "wrong"
	got := call{args: b.args("--max-calls", "1"), env: env}.run()
	if got.code != 3 || !strings.Contains(got.stderr, " 0 calls, ") || b.server.Count(conversion) != 0 {
		t.Errorf("%+v", got)
	}
}

// A chat that failed for the network's sake shows it in the output, and is called by the next run.
func TestNetworkFailures(t *testing.T) {
	away := dingtalktest.Raw(501, "text/html", []byte("<html>")).For(conversion)
	pass := dingtalktest.Pass().For(conversion)
	b := newBench(t, "in.txt", chats(10, 10)+"..\n"+chats(20, 20)[10*37:])
	b.server.FailNext(pass.Times(3), away.Times(4), pass.Times(2))
	b.want(1, "4 rows failed for a reason that may pass; try them again with: ", "--concurrency", "1")
	if rows := strings.Split(b.read(b.out), "\n"); !strings.Contains(rows[4], ",,unavailable,\"service unavailable: ") || rows[3] != strings.Split(convertedChats(3, 3), "\n")[3] {
		t.Errorf("%q", rows[3:5])
	}
	b.want(1, "21 rows: 20 converted, 1 failed; 4 calls")
	whole := b.read(b.out)
	for _, good := range []int{8, 15} { // and at the very end, with none behind the last that would tell
		b.server.FailNext(pass.Times(good), away.Always())
		b.want(5, "stays as it is until all chats are called", "--again=all", "--concurrency", "1")
		if b.read(b.out) != whole {
			t.Errorf("the output has changed before all chats were called again")
		}
		b.server.ClearFaults()
		b.want(1, fmt.Sprintf("21 rows: 20 converted, 1 failed; %d calls", 20-good))
		if b.read(b.out) != whole {
			t.Errorf("%s", b.read(b.out))
		}
	}
}

func TestNoNetwork(t *testing.T) {
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	b := newBench(t, "in.txt", chats(50, 50))
	env := serverEnv(b.server)
	env[connect.EnvBaseURL] = "http://" + closed.Addr().String()
	got := call{args: b.args("--concurrency", "8"), env: env}.run()
	if got.code != 5 || !strings.Contains(got.stderr, "service unavailable") || b.files() != "in.txt" {
		t.Errorf("%+v, files %s", got, b.files())
	}
}

func TestErrorsThatEndARun(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault dingtalktest.Fault
		code  int
		text  string
	}{
		{"quota", dingtalktest.Code(generated.CodeOrgQuotaExhausted), 4, "run the rest next month"},
		{"permission", dingtalktest.Code(generated.CodePermissionDenied), 3, "grant the app"},
		{"address", dingtalktest.Code(generated.CodeIPNotAllowed), 3, "allow list"},
		{"token", dingtalktest.Code(generated.CodeInvalidAuthentication).Always(), 3, "check DINGTALK_APP_KEY"},
		{"ban", dingtalktest.BanJSON(), 4, "5 minutes"},
		{"strange answers", dingtalktest.Raw(200, "text/html", []byte("<html>")).Always(), 5, "login page"},
		{"wait that is too long", dingtalktest.Raw(503, "", nil).WithHeader("Retry-After", "3600").Always(), 5, "service unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, "in.txt", chats(60, 60))
			b.server.FailNext(slices.Repeat([]dingtalktest.Fault{dingtalktest.Pass().For(conversion)}, 20)...)
			b.server.FailNext(tt.fault.For(conversion))
			b.want(tt.code, tt.text, "--concurrency", "4")
			if n := b.server.Count(conversion); n > 20+4*5 {
				t.Errorf("%d calls", n)
			}
			b.server.ClearFaults()
			b.want(0, "60 converted, 0 failed")
			if b.read(b.out) != convertedChats(60, 60) {
				t.Errorf("%s", b.read(b.out))
			}
		})
	}
}

func TestThrottlesAreCounted(t *testing.T) {
	b := newBench(t, "in.txt", chats(5, 5))
	b.server.FailNext(dingtalktest.Code(generated.CodeAppQPSLimit).For(conversion).Times(2))
	b.want(0, "5 rows: 5 converted, 0 failed; 7 calls, 2 throttled", "--concurrency", "1")
}

func TestRateIsKept(t *testing.T) {
	b := newBench(t, "in.txt", chats(60, 60), dingtalktest.WithQPS(25)) // a busy machine delivers some late, along with the next
	b.want(0, "60 converted, 0 failed; 60 calls, 0 throttled", "--qps", "20")
}

func TestProgressBar(t *testing.T) {
	b := newBench(t, "in.txt", chats(30, 30), dingtalktest.WithLatency(20*time.Millisecond))
	got := b.run("--progress", "bar", "--concurrency", "1")
	for _, part := range []string{"30 calls, 0 throttled", "100%", "30/30", "rows/s", "\n" + term.CommandName + ": 30 rows: 30 converted"} {
		if !strings.Contains(got.stderr, part) {
			t.Errorf("%q is not in %q", part, got.stderr)
		}
	}
	if got := b.run("--again=all"); strings.Contains(got.stderr, "\r") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("where it is no terminal: %q", got.stderr)
	}
}
