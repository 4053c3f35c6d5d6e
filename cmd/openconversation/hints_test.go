package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// printed is a command that a run prints. The words stand as a shell would take them here: no name needs quotes.
var printed = regexp.MustCompile(` with: openconversation (convert .*)`)

// requests is the number of conversions and descriptions so far.
func (b *bench) requests() int {
	return b.server.Count(conversion) + b.server.Count(generated.OperationGetChat)
}

// No hint leads in a circle: whoever does what is printed, as long as something is, comes to an end, and each step that does
// not is one that has called something new.
func TestHintsLeadToAnEnd(t *testing.T) {
	quota := dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion)
	unknownChat := dingtalktest.Code(generated.CodeInvalidChatID).For(conversion)
	away := dingtalktest.Raw(501, "text/html", nil).For(conversion)
	pass := dingtalktest.Pass().For(conversion)
	undescribed := dingtalktest.Raw(501, "text/html", nil).For(generated.OperationGetChat)
	for name, tt := range map[string]struct {
		in     string
		faults []dingtalktest.Fault
		before func(b *bench)
		flags  []string
		most   int // steps
	}{
		"nothing wrong":           {chats(30, 30), nil, nil, nil, 1},
		"unknown chats":           {chats(30, 30), []dingtalktest.Fault{pass, unknownChat.Times(3)}, nil, nil, 2},
		"unknown, and stay so":    {"unknown1\nunknown2\n" + chats(30, 30), nil, nil, nil, 2},
		"no ids":                  {"..\na b\n" + chats(30, 30), nil, nil, nil, 1},
		"quota":                   {chats(30, 30), []dingtalktest.Fault{pass.Times(5), quota}, nil, nil, 2},
		"quota at once":           {chats(30, 30), []dingtalktest.Fault{quota}, nil, nil, 1},
		"network":                 {chats(30, 30), []dingtalktest.Fault{pass.Times(5), away.Times(3)}, nil, nil, 2},
		"network is gone":         {chats(30, 30), []dingtalktest.Fault{pass.Times(5), away.Times(6)}, nil, nil, 3},
		"limit":                   {chats(30, 30), nil, nil, []string{"--limit", "7"}, 2},
		"limit above nonsense":    {strings.Repeat("a b\n", 20) + chats(30, 30), nil, nil, []string{"--limit", "7"}, 2},
		"max-calls":               {chats(30, 30), nil, nil, []string{"--max-calls", "7"}, 6},
		"a wrong column":          {chats(30, 30), []dingtalktest.Fault{unknownChat.Times(20)}, nil, nil, 1},
		"a wrong column, again":   {chats(30, 30), []dingtalktest.Fault{unknownChat.Times(20)}, func(b *bench) { b.run() }, nil, 1},
		"descriptions fail":       {chats(5, 5), []dingtalktest.Fault{undescribed.Times(2)}, nil, []string{"--check"}, 2},
		"again failed, stopped":   {chats(30, 30), []dingtalktest.Fault{unknownChat.Times(9), pass.Times(21), pass.Times(3), quota}, func(b *bench) { b.run() }, []string{"--again", "failed"}, 2},
		"again all, stopped":      {chats(30, 30), []dingtalktest.Fault{pass.Times(30), pass.Times(9), quota}, func(b *bench) { b.run() }, []string{"--again", "all"}, 2},
		"again all, without luck": {chats(30, 30), []dingtalktest.Fault{pass.Times(30), quota}, func(b *bench) { b.run() }, []string{"--again", "all"}, 1},
		"edited":                  {chats(30, 30), nil, func(b *bench) { b.run("--limit", "3"); b.write(b.out, "mine\n") }, nil, 1},
		"no output":               {chats(30, 30), nil, func(b *bench) { b.run("--limit", "3"); _ = os.Remove(b.out) }, nil, 1},
		"torn journal": {chats(30, 30), nil, func(b *bench) {
			b.run("--limit", "3")
			b.write(b.out+".journal", b.read(b.out + ".journal")[:300])
		}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "in.txt", tt.in)
			b.server.FailNext(tt.faults...)
			flags := append([]string{"--concurrency", "1"}, tt.flags...)
			if tt.before != nil {
				tt.before(b)
			}
			args := b.args(flags...)
			for step := 1; ; step++ {
				calls := b.requests()
				got := call{args: args, env: serverEnv(b.server)}.run()
				next := printed.FindStringSubmatch(got.stderr)
				if next == nil {
					if step > tt.most {
						t.Errorf("%d steps, want %d at most", step, tt.most)
					}
					break
				}
				if step > tt.most || b.requests() == calls {
					t.Fatalf("step %d: %q\n%s", step, args, got.stderr)
				}
				args = strings.Fields(next[1])
			}
			if left, _ := os.ReadFile(b.out); tt.most > 1 && (strings.Contains(string(left), ",not-tried,") || len(left) == 0) {
				t.Errorf("chats are left\n%s", left)
			}
		})
	}
}

// The command that a stopped run prints is one that goes on with it, typed into a shell as it stands.
func TestPrintedCommandGoesOn(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to type into")
	}
	csv := "id,it's $HOME `x` *\n" + chat + ",a\n" + chat + ",b\n" + chat + ",c\n"
	for name, tt := range map[string]struct {
		file, content string
		flags         []string
	}{
		"names with quotes and blanks": {"it's in.csv", csv, []string{"--column", "it's $HOME `x` *"}},
		"format and column":            {"in.dat", strings.ReplaceAll(csv, ",", "\t"), []string{"--format", "tsv", "--column", "it's $HOME `x` *"}},
		"field":                        {"in.jsonl", `{"a b":"a"}` + "\n" + `{"a b":"b"}` + "\n" + `{"a b":"c"}` + "\n", []string{"--column", "a b"}},
		"pace":                         {"in.txt", "a\nb\nc\n", []string{"--qps", "0.5e3", "--timeout", "1m", "--progress", "none", "--max-calls", "100"}},
		"Redis":                        {"in.txt", "a\nb\nc\n", []string{"--redis", "redis://127.0.0.1:1/0", "--monthly-budget", "0", "--organization", "my corp"}},
		"host and secret":              {"in.txt", "a\nb\nc\n", []string{"--base-url", "URL", "--app-secret-file", "my secret"}},
		"the emulator":                 {"in.txt", chat + "\n..\nb\n", []string{"--emulator"}}, // which has failures of its own
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.file, tt.content)
			b.out = filepath.Join(filepath.Dir(b.in), "it's out")
			env := serverEnv(b.server)
			if name == "host and secret" {
				tt.flags[1], tt.flags[3] = b.server.URL, filepath.Join(filepath.Dir(b.in), tt.flags[3])
				b.write(tt.flags[3], env[connect.EnvAppSecret])
				env = map[string]string{connect.EnvAppKey: env[connect.EnvAppKey]}
			}
			b.server.FailNext(dingtalktest.Pass().For(conversion), dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion))
			got := finish(t, command(t, env, append([]string{"convert", "-i", b.in, "-o", b.out, "--concurrency", "1"}, tt.flags...)...))
			next := regexp.MustCompile(` with: (.*)`).FindStringSubmatch(got.stderr)
			if next == nil {
				t.Fatalf("%+v", got)
			}
			typed := command(t, env)
			typed.Path, typed.Args, typed.Env = shell, []string{shell, "-c", next[1]}, append(typed.Env, "PATH="+os.Getenv("PATH"))
			got = finish(t, typed)
			if again := name == "the emulator"; again && got.code != 1 || !again && (got.code != 0 || !strings.Contains(got.stderr, "3 rows: 3 converted, 0 failed")) {
				t.Errorf("%s\n%+v", next[1], got)
			}
		})
	}
}
