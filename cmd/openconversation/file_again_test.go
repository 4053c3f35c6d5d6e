package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The command that a stopped run prints is one that goes on with it, typed into a shell as it stands.
func TestPrintedCommandGoesOn(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to type into")
	}
	path := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(path, term.CommandName)); err != nil {
		t.Skip("no link can be made here: " + err.Error())
	}
	csv := "id,it's $HOME `x` *\n" + chat + ",a\n" + chat + ",b\n" + chat + ",c\n"
	tests := []struct {
		name, file, content string
		flags               []string
		flagsOfServer       func(b *bench, env map[string]string) []string
	}{
		{"names with quotes and blanks", "it's in.csv", csv, []string{"--column", "it's $HOME `x` *"}, nil},
		{"format and column", "in.dat", strings.ReplaceAll(csv, ",", "\t"), []string{"--format", "tsv", "--column", "it's $HOME `x` *"}, nil},
		{"field", "in.jsonl", `{"a b":"a"}` + "\n" + `{"a b":"b"}` + "\n" + `{"a b":"c"}` + "\n", []string{"--column", "a b"}, nil},
		{"pace", "in.txt", "a\nb\nc\n", []string{"--qps", "0.5e3", "--timeout", "1m", "--progress", "none", "--max-calls", "100"}, nil},
		{"Redis", "in.txt", "a\nb\nc\n", []string{"--redis", "redis://127.0.0.1:1/0", "--monthly-budget", "0", "--organization", "my corp"}, nil},
		{"host and secret", "in.txt", "a\nb\nc\n", nil, func(b *bench, env map[string]string) []string {
			file := filepath.Join(filepath.Dir(b.in), "my secret")
			b.write(file, env[connect.EnvAppSecret])
			delete(env, connect.EnvAppSecret)
			delete(env, connect.EnvBaseURL)
			return []string{"--base-url", b.server.URL, "--app-secret-file", file}
		}},
		{"the emulator", "in.txt", chat + "\n..\nb\n", []string{"--emulator"}, nil}, // which has failures of its own
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, tt.file, tt.content)
			b.out = filepath.Join(filepath.Dir(b.in), "it's out")
			env := serverEnv(b.server)
			args := append([]string{"convert", "-i", b.in, "-o", b.out, "--concurrency", "1"}, tt.flags...)
			if tt.flagsOfServer != nil {
				args = append(args, tt.flagsOfServer(b, env)...)
			}
			b.server.FailNext(dingtalktest.Pass().For(conversion), dingtalktest.Code(generated.CodeOrgQuotaExhausted).For(conversion))
			cmd := command(t, args...)
			for name, value := range env {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			got := finish(t, cmd)
			printed := regexp.MustCompile(` with: (.*)`).FindStringSubmatch(got.stderr)
			if printed == nil {
				t.Fatalf("%+v", got)
			}
			typed := command(t)
			typed.Path, typed.Args, typed.Env = shell, []string{shell, "-c", printed[1]}, append(cmd.Env, "PATH="+path)
			want := 0
			if slices.Contains(tt.flags, "--emulator") {
				want = 1 // the same rows fail again
			}
			if got := finish(t, typed); got.code != want || want == 0 && !strings.Contains(got.stderr, "3 rows: 3 converted, 0 failed") {
				t.Errorf("%s\n%+v", printed[1], got)
			}
		})
	}
}
