package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// ask sends a request and returns status and body.
func ask(t *testing.T, client *http.Client, method, url, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// service is an emulator in a process of its own, with the variables of its ready file.
type service struct {
	cmd    *exec.Cmd
	env    map[string]string
	stderr *bytes.Buffer
	ready  string
	ended  chan error
}

// startService starts an emulator and waits for its ready file.
func startService(t *testing.T, flags ...string) *service {
	t.Helper()
	s := &service{ready: filepath.Join(t.TempDir(), "ready"), stderr: new(bytes.Buffer), ended: make(chan error, 1)}
	s.cmd = command(t, append([]string{"emulator", "--ready-file", s.ready}, flags...)...)
	s.cmd.Stderr = s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		content, err := os.ReadFile(s.ready)
		if err == nil {
			s.env = variables(t, string(content))
			return s
		}
		select {
		case err := <-s.ended:
			t.Fatalf("it ended: %v %s", err, s.stderr)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not ready")
		}
	}
}

func (s *service) stop(t *testing.T) {
	t.Helper()
	skipWithoutSignals(t, syscall.SIGTERM)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("it ended with %v %s", err, s.stderr)
	}
	if _, err := os.Stat(s.ready); !os.IsNotExist(err) {
		t.Errorf("the ready file is still there: %v", err)
	}
}

func variables(t *testing.T, lines string) map[string]string {
	t.Helper()
	env := map[string]string{}
	for line := range strings.Lines(lines) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			t.Fatalf("no variable: %q", line)
		}
		env[name] = value
	}
	return env
}

// convert converts a chat in a process that has the emulator's variables and nothing else.
func (s *service) convert(t *testing.T, id string, more ...string) result {
	t.Helper()
	cmd := command(t, "convert", id)
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, more...)
	return finish(t, cmd)
}

// A team's test in another process sets the emulator up, has it fail, and sees what its client did.
func TestEmulatorIsControlledFromAnotherProcess(t *testing.T) {
	s := startService(t, "--admin", "127.0.0.1:0", "--any-chat")
	admin := s.env["DINGTALK_EMULATOR_ADMIN"]
	if got := finish(t, command(t, "emulator", "--health", admin)); got.code != 0 || got.stdout != "ok\n" {
		t.Errorf("health: %+v", got)
	}
	for _, c := range []struct{ faults, want string }{
		{`["InvalidAuthentication"]`, "0:" + dingtalktest.OpenConversationIDOf("x") + " calls 2, tokens 2"},
		{`["sticky-token"]`, "3: calls 1, tokens 2"},
		{`[{"fault":502,"times":2,"operation":"chatIdToOpenConversationId"}]`, "0:" + dingtalktest.OpenConversationIDOf("x") + " calls 3, tokens 1"},
		{`[{"fault":"truncated","operation":"chatIdToOpenConversationId"}]`, ""},
	} {
		if status, answer := ask(t, http.DefaultClient, "POST", admin+"/reset", ""); status != 204 {
			t.Fatalf("%d %s", status, answer)
		}
		if status, answer := ask(t, http.DefaultClient, "POST", admin+"/faults", c.faults); status != 204 {
			t.Fatalf("%d %s", status, answer)
		}
		got := s.convert(t, "x")
		var counts map[string]struct{ Requests int }
		_, answer := ask(t, http.DefaultClient, "GET", admin+"/counts", "")
		if err := json.Unmarshal([]byte(answer), &counts); err != nil {
			t.Fatal(err)
		}
		said := fmt.Sprintf("%d:%s calls %d, tokens %d", got.code, strings.TrimSpace(got.stdout), counts["chatIdToOpenConversationId"].Requests, counts["getAccessToken"].Requests)
		if c.want != "" && said != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.faults, said, c.want, got.stderr)
		}
	}
	if _, answer := ask(t, http.DefaultClient, "GET", admin+"/requests?wait=1&fault=truncated", ""); !strings.Contains(answer, `"REDACTED"`) {
		t.Errorf("%s", answer)
	}
	s.stop(t)
	if s.stderr.Len() > 0 {
		t.Errorf("it said %s", s.stderr)
	}
	if got := finish(t, command(t, "emulator", "--health", admin)); got.code != explain.Unavailable || !strings.Contains(got.stderr, "refused") {
		t.Errorf("health of nothing: %+v", got)
	}
}

const scenario = `# a comment
anyChat: true
chats:
  4555: cidNumber==
groups:
  - {chatId: chat1, name: Sales, robots: [robot1]}
credentials: {mykey: mysecret}
time: 2030-01-01T00:00:00Z
monthlyQuota: 3
faults:
  - 502
  - {fault: hang, operation: getAccessToken, delay: 1ms}
`

func TestScenario(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scenario.yaml")
	for _, c := range []struct{ text, err string }{
		{"anyChat: [", "did not find expected"},
		{"anychat: true", `there is no field "anychat"`},
		{"faults: [nothing]", `there is no fault "nothing"`},
		{"faults: [{fault: reset, operation: nothing}]", `there is no operation "nothing"`},
		{"qps: many", "qps: this is not a whole number"},
		{"- 1", "this is not an object"},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := runArgs(t, "", "emulator", "--scenario", file); got.code != 2 || !strings.Contains(got.stderr, "--scenario "+file+": ") || !strings.Contains(got.stderr, c.err) {
			t.Errorf("%s: %+v", c.text, got)
		}
	}
	if got := runArgs(t, "", "emulator", "--scenario", file+"x"); got.code != 2 || !strings.Contains(got.stderr, "no such file") {
		t.Errorf("%+v", got)
	}

	if err := os.WriteFile(file, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startService(t, "--scenario", file, "--admin", "127.0.0.1:0", "--quota", "7")
	if s.env[connect.EnvAppKey] != "mykey" || s.env[connect.EnvAppSecret] != "mysecret" {
		t.Errorf("credentials %v", s.env)
	}
	if _, group := ask(t, http.DefaultClient, "GET", s.env["DINGTALK_EMULATOR_ADMIN"]+"/groups?chatId=chat1", ""); !strings.Contains(group, `"name":"Sales","owner":"","robots":["robot1"]`) {
		t.Errorf("group %s", group)
	}
	for range 2 {
		_, faults := ask(t, http.DefaultClient, "GET", s.env["DINGTALK_EMULATOR_ADMIN"]+"/faults", "")
		if want := `[{"fault":"page","status":502},{"fault":"hang","operation":"getAccessToken","delay":"1ms"}]`; strings.TrimSpace(faults) != want {
			t.Errorf("faults %s", faults)
		}
		_, settings := ask(t, http.DefaultClient, "GET", s.env["DINGTALK_EMULATOR_ADMIN"]+"/settings", "")
		for _, part := range []string{`"4555":"cidNumber=="`, `"monthlyQuota":7`, `"anyChat":true`} {
			if !strings.Contains(settings, part) {
				t.Errorf("no %s in %s", part, settings)
			}
		}
		ask(t, http.DefaultClient, "DELETE", s.env["DINGTALK_EMULATOR_ADMIN"]+"/faults", "")
		ask(t, http.DefaultClient, "POST", s.env["DINGTALK_EMULATOR_ADMIN"]+"/reset", "") // back to the scenario
	}
	ask(t, http.DefaultClient, "DELETE", s.env["DINGTALK_EMULATOR_ADMIN"]+"/faults", "")
	if got := s.convert(t, "4555"); got.code != 0 || got.stdout != "cidNumber==\n" {
		t.Errorf("%+v", got)
	}
	s.stop(t)
}

// A page in a browser can have its name lead to the loopback interface; its requests say that name.
func TestHostIsChecked(t *testing.T) {
	s := startService(t, "--admin", "localhost:0")
	for _, base := range []string{s.env[connect.EnvBaseURL], s.env["DINGTALK_EMULATOR_ADMIN"]} {
		for host, allowed := range map[string]bool{
			"127.0.0.1": true, "127.0.0.1:9": true, "localhost": true, "LOCALHOST:80": true, "[::1]": true, "[::1]:80": true, "app.localhost": true, "127.8.8.8": true,
			"evil.example": false, "evil.example:80": false, "127.0.0.1.evil.example": false, "10.0.0.1": false, "localhost.evil.example": false, "xlocalhost": false, "[::2]": false,
		} {
			status, answer := ask(t, http.DefaultClient, "GET", base+"/healthz", "", "Host", host)
			if refused := status == http.StatusMisdirectedRequest; refused == allowed || refused && !strings.Contains(answer, "--allow-remote") {
				t.Errorf("%s: %d %s", host, status, answer)
			}
		}
	}
	s.stop(t)
}

func TestEmulatorOnASocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets in the file system are tried on Unix")
	}
	dir, err := os.MkdirTemp("", "oc") //nolint:usetesting // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path, control := filepath.Join(dir, "api"), filepath.Join(dir, "admin")
	over := func(path string) *http.Client {
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}}
	}
	s := startService(t, "--listen", "unix:"+path, "--admin", "unix:"+control)
	if s.env["DINGTALK_EMULATOR_SOCKET"] != path || s.env["DINGTALK_EMULATOR_ADMIN"] != "unix:"+control || s.env[connect.EnvBaseURL] != "http://localhost" {
		t.Errorf("%v", s.env)
	}
	if status, answer := ask(t, over(path), "GET", "http://any.host/v1.0/x", ""); status != 404 {
		t.Errorf("%d %s", status, answer)
	}
	if got := finish(t, command(t, "emulator", "--health", "unix:"+control)); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := finish(t, command(t, "emulator", "--listen", "unix:"+path)); got.code != 2 || !strings.Contains(got.stderr, "another process listens there") {
		t.Errorf("%+v", got)
	}
	// A socket whose process was killed is taken over; a file that is none stays.
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err == nil {
		t.Error("it was not killed")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	s = startService(t, "--listen", "unix:"+path)
	s.stop(t)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := finish(t, command(t, "emulator", "--listen", "unix:"+path)); got.code != 2 || !strings.Contains(got.stderr, "no socket") {
		t.Errorf("%+v", got)
	}
}

// Over TLS the SDK's own rule is tested as in production: this client trusts the authority through the environment alone.
func TestEmulatorOverTLS(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	s := startService(t, "--tls", "--tls-ca-file", ca, "--tls-name", "emulator", "--tls-name", "10.1.2.3", "--any-chat")
	if !strings.HasPrefix(s.env[connect.EnvBaseURL], "https://127.0.0.1:") || s.env["DINGTALK_EMULATOR_CA_FILE"] != ca {
		t.Errorf("%v", s.env)
	}
	if runtime.GOOS == "linux" { // elsewhere Go asks the system's store
		if got := s.convert(t, "x", "SSL_CERT_FILE="+ca); got.code != 0 || got.stdout != dingtalktest.OpenConversationIDOf("x")+"\n" {
			t.Errorf("%+v", got)
		}
	}
	if got := s.convert(t, "x"); got.code == 0 || !strings.Contains(got.stderr, "certificate") {
		t.Errorf("an unknown authority: %+v", got)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("%s", pem)
	}
	for name, valid := range map[string]bool{"localhost": true, "emulator": true, "10.1.2.3": true, "other": false} {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.env[connect.EnvBaseURL], "https://"))
		if (err == nil) != valid {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	s.stop(t)
	for _, flags := range []string{"--tls-ca-file x", "--tls-name x", "--tls --print-env"} {
		if got := runArgs(t, "", append([]string{"emulator"}, strings.Fields(flags)...)...); got.code != 2 {
			t.Errorf("%s: %+v", flags, got)
		}
	}
}

// A shell evaluates what is printed, while the emulator goes on.
func TestPrintEnvInAShell(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("no shell")
	}
	cmd := exec.CommandContext(t.Context(), shell, "-ec", `eval "$("$0" emulator --any-chat --admin 127.0.0.1:0 --print-env &)"
"$0" convert x && "$0" emulator --health "$DINGTALK_EMULATOR_ADMIN" && kill "$DINGTALK_EMULATOR_PID"`, binary)
	got := finish(t, cmd)
	if got.code != 0 || got.stdout != dingtalktest.OpenConversationIDOf("x")+"\nok\n" {
		t.Errorf("%+v", got)
	}
}

func TestRequestLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	s := startService(t, "--log", file, "--fault", "InvalidAuthentication")
	if got := s.convert(t, chat); got.code != 0 {
		t.Errorf("%+v", got)
	}
	s.stop(t)
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for lines := bufio.NewScanner(bytes.NewReader(log)); lines.Scan(); {
		var r dingtalktest.Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.Header != nil || r.Time.IsZero() {
			t.Errorf("%s: %v", lines.Text(), err)
		}
		got = append(got, fmt.Sprint(r.Seq, r.Operation, r.Status, r.Code))
		if strings.Contains(lines.Text(), dingtalktest.AppSecret) {
			t.Errorf("a secret in %s", lines.Text())
		}
	}
	want := "[1 getAccessToken 200 2 chatIdToOpenConversationId 400 InvalidAuthentication 3 getAccessToken 200 4 chatIdToOpenConversationId 200 ]"
	if text := strings.ReplaceAll(fmt.Sprint(got), "getAccessToken", " getAccessToken "); strings.Join(strings.Fields(text), "") != strings.Join(strings.Fields(want), "") {
		t.Errorf("%v", got)
	}
	if got := runArgs(t, "", "emulator", "--log", filepath.Join(t.TempDir(), "no", "log")); got.code != 2 || !strings.Contains(got.stderr, "--log: ") {
		t.Errorf("%+v", got)
	}
	if pid, err := strconv.Atoi(s.env["DINGTALK_EMULATOR_PID"]); err != nil || pid != s.cmd.Process.Pid {
		t.Errorf("process %v", s.env)
	}
}
