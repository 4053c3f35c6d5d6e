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
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/internal/newcomer"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// x is what becomes of the chat x.
var x = dingtalktest.OpenConversationIDOf("x")

// What flags do to the conversions of a command.
func TestEmulatorCommand(t *testing.T) {
	for flags, tt := range map[string]struct {
		chats string // given one command each
		want  string // exit codes and outputs
	}{
		"":                                {chat + " x", "0:" + openID + " 1:"},
		"--any-chat":                      {"x unknown1", "0:" + x + " 1:"},
		"--chat a=cid1== --chat b=cid2==": {"a b c", "0:cid1== 0:cid2== 1:"},
		"--quota 1":                       {chat + " " + chat, "0:" + openID + " 4:"},
		"--latency 1ms --token-lifetime 1h --qps 20":       {chat, "0:" + openID},
		"--fault INVALIDECHATID:2 --fault OwnerNotVisible": {strings.Repeat(chat+" ", 4), "1: 1: 1: 0:" + openID},
		"--fault pass --fault 90020:always":                {strings.Repeat(chat+" ", 3), "0:" + openID + " 4: 4:"},
		"--fault ban":                                      {chat, "4:"},
		"--fault 418":                                      {chat, "1:"},
		"--fault reset":                                    {chat, "0:" + openID},
		"--token-fault invalidClientIdOrSecret --fault permession.checkFailed": {strings.Repeat(chat+" ", 3), "3: 1: 0:" + openID},
	} {
		t.Run(flags, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			reader, writer := io.Pipe()
			done := make(chan result, 1)
			go func() {
				got := call{ctx: ctx, args: append([]string{"emulator"}, strings.Fields(flags)...), stdout: writer}.run()
				writer.CloseWithError(fmt.Errorf("it ended: %+v", got))
				done <- got
			}()
			line, err := bufio.NewReader(reader).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			url := strings.Fields(line)[2]
			if want := fmt.Sprintf("listening on %s with DINGTALK_APP_KEY=%s DINGTALK_APP_SECRET=%s\n", url, dingtalktest.AppKey, dingtalktest.AppSecret); line != want {
				t.Errorf("it printed %q, want %q", line, want)
			}
			env := map[string]string{connect.EnvAppKey: dingtalktest.AppKey, connect.EnvAppSecret: dingtalktest.AppSecret}
			var got []string
			for _, id := range strings.Fields(tt.chats) {
				r := call{args: []string{"convert", "--base-url", url, id}, env: env}.run()
				got = append(got, fmt.Sprintf("%d:%s", r.code, strings.TrimSpace(r.stdout)))
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			cancel(term.SignalError{Signal: syscall.SIGTERM})
			(<-done).check(t, result{})
		})
	}
}

// ask sends a request and returns status and body. An address may be unix:PATH.
func ask(t *testing.T, method, url, body string, host ...string) (int, string) {
	t.Helper()
	path, onSocket := strings.CutPrefix(url, "unix:")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if onSocket {
			network, address = "unix", path
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
	if onSocket {
		url = "http://any.host/v1.0/x"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range host {
		r.Host = name
	}
	r.Header.Set("Content-Type", "application/json")
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
	admin  string
	stderr bytes.Buffer
	ready  string
	ended  chan struct{}
}

// startService starts an emulator and waits for its ready file.
func startService(t testing.TB, flags ...string) *service {
	t.Helper()
	s := &service{ready: filepath.Join(t.TempDir(), "ready"), env: map[string]string{}}
	s.cmd = command(t, nil, append([]string{"emulator", "--ready-file", s.ready}, flags...)...)
	s.cmd.Stderr = &s.stderr
	s.ended = started(t, s.cmd)
	var content []byte
	until(t, "it is ready, or has ended", func() bool {
		content, _ = os.ReadFile(s.ready)
		return content != nil || isClosed(s.ended)
	})
	if content == nil {
		t.Fatalf("it ended: %s", &s.stderr)
	}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		s.env[name] = value
	}
	s.admin = s.env["DINGTALK_EMULATOR_ADMIN"]
	return s
}

func (s *service) stop(t *testing.T) {
	t.Helper()
	skipWithoutSignals(t, syscall.SIGTERM)
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.ended
	if _, err := os.Stat(s.ready); s.cmd.ProcessState.ExitCode() != 0 || !os.IsNotExist(err) {
		t.Errorf("it ended with %v, %v %s", s.cmd.ProcessState, err, &s.stderr)
	}
}

// A team's test in another process sets the emulator up, has it fail, and sees what its client did.
func TestEmulatorIsControlledFromAnotherProcess(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s := startService(t, "--admin", "127.0.0.1:0", "--any-chat", "--log", log)
	finish(t, command(t, nil, "emulator", "--health", s.admin)).check(t, result{0, "ok\n", ""})
	for faults, want := range map[string]string{
		`["InvalidAuthentication"]`: "0:" + x + " calls 2, tokens 2",
		`["sticky-token"]`:          "3: calls 1, tokens 2",
		`[{"fault":502,"times":2,"operation":"chatIdToOpenConversationId"}]`: "0:" + x + " calls 3, tokens 1",
	} {
		ask(t, "POST", s.admin+"/reset", "")
		if status, answer := ask(t, "POST", s.admin+"/faults", faults); status != 204 {
			t.Fatalf("%d %s", status, answer)
		}
		got := finish(t, command(t, s.env, "convert", "x"))
		var counts map[string]struct{ Requests int }
		_, answer := ask(t, "GET", s.admin+"/counts", "")
		if err := json.Unmarshal([]byte(answer), &counts); err != nil {
			t.Fatal(err)
		}
		if said := fmt.Sprintf("%d:%s calls %d, tokens %d", got.code, strings.TrimSpace(got.stdout), counts[conversion.ID].Requests, counts["getAccessToken"].Requests); said != want {
			t.Errorf("%s: %s, want %s (%s)", faults, said, want, got.stderr)
		}
	}
	if _, answer := ask(t, "GET", s.admin+"/requests", ""); !strings.Contains(answer, `"REDACTED"`) {
		t.Errorf("%s", answer)
	}
	s.stop(t)
	if s.stderr.Len() > 0 {
		t.Errorf("it said %s", &s.stderr)
	}
	finish(t, command(t, nil, "emulator", "--health", s.admin)).holds(t, explain.Unavailable, "refused")
	lines, err := os.ReadFile(log)
	if err != nil || strings.Contains(string(lines), dingtalktest.AppSecret) {
		t.Errorf("%v %s", err, lines)
	}
	for line := range strings.Lines(string(lines)) {
		var r dingtalktest.Request
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Header != nil || r.Time.IsZero() || r.Operation == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// A scenario sets up what the admin API does, and a reset goes back to it.
func TestScenario(t *testing.T) {
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
	file := filepath.Join(t.TempDir(), "scenario.yaml")
	write(t, file, scenario)
	s := startService(t, "--scenario", file, "--admin", "127.0.0.1:0", "--quota", "7")
	if s.env[connect.EnvAppKey] != "mykey" || s.env[connect.EnvAppSecret] != "mysecret" {
		t.Errorf("credentials %v", s.env)
	}
	for range 2 {
		for part, path := range map[string]string{
			`"name":"Sales","owner":"","robots":["robot1"]`: "/groups?chatId=chat1", `"4555":"cidNumber=="`: "/settings", `"monthlyQuota":7`: "/settings",
			`[{"fault":"page","status":502},{"fault":"hang","operation":"getAccessToken","delay":"1ms"}]`: "/faults",
		} {
			if _, answer := ask(t, "GET", s.admin+path, ""); !strings.Contains(answer, part) {
				t.Errorf("no %s in %s", part, answer)
			}
		}
		ask(t, "DELETE", s.admin+"/faults", "")
		finish(t, command(t, s.env, "convert", "4555")).check(t, result{0, "cidNumber==\n", ""})
		ask(t, "POST", s.admin+"/reset", "") // back to the scenario
	}
	s.stop(t)
}

// A page in a browser can have its name lead to the loopback interface; its requests say that name.
func TestHostIsChecked(t *testing.T) {
	s := startService(t, "--admin", "localhost:0")
	for _, base := range []string{s.env[connect.EnvBaseURL], s.admin} {
		for host, allowed := range map[string]bool{
			"127.0.0.1": true, "127.0.0.1:9": true, "LOCALHOST:80": true, "[::1]": true, "[::1]:80": true, "app.localhost": true, "127.8.8.8": true,
			"evil.example": false, "evil.example:80": false, "127.0.0.1.evil.example": false, "10.0.0.1": false, "localhost.evil.example": false, "xlocalhost": false, "[::2]": false,
		} {
			status, answer := ask(t, "GET", base+"/healthz", "", host)
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
	s := startService(t, "--listen", "unix:"+path, "--admin", "unix:"+control)
	if s.env["DINGTALK_EMULATOR_SOCKET"] != path || s.admin != "unix:"+control || s.env[connect.EnvBaseURL] != "http://localhost" {
		t.Errorf("%v", s.env)
	}
	if status, answer := ask(t, "GET", "unix:"+path, ""); status != 404 {
		t.Errorf("%d %s", status, answer)
	}
	finish(t, command(t, nil, "emulator", "--health", "unix:"+control)).holds(t, 0)
	refused := func(text string) {
		t.Helper()
		runArgs("emulator", "--listen", "unix:"+path).holds(t, 2, text)
	}
	refused("another process listens there")
	// A socket whose process was killed is taken over; a file that is none stays.
	_ = s.cmd.Process.Kill()
	<-s.ended
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	startService(t, "--listen", "unix:"+path).stop(t)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	write(t, path, "mine")
	refused("no socket")
}

// Over TLS the SDK's own rule is tested as in production: this client trusts the authority through the environment alone.
func TestEmulatorOverTLS(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	s := startService(t, "--tls", "--tls-ca-file", ca, "--tls-name", "emulator", "--tls-name", "10.1.2.3", "--any-chat")
	if !strings.HasPrefix(s.env[connect.EnvBaseURL], "https://127.0.0.1:") || s.env["DINGTALK_EMULATOR_CA_FILE"] != ca {
		t.Errorf("%v", s.env)
	}
	finish(t, command(t, s.env, "convert", "x")).holds(t, 5, "certificate")
	s.env["SSL_CERT_FILE"] = ca
	if runtime.GOOS == "linux" { // elsewhere Go asks the system's store
		finish(t, command(t, s.env, "convert", "x")).check(t, result{0, x + "\n", ""})
	}
	pem, err := os.ReadFile(ca)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("%v %s", err, pem)
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
}

// A shell evaluates what is printed, while the emulator goes on.
func TestPrintEnvInAShell(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("no shell")
	}
	cmd := exec.CommandContext(t.Context(), shell, "-ec", `eval "$("$0" emulator --any-chat --admin 127.0.0.1:0 --print-env &)"
"$0" convert x && "$0" emulator --health "$DINGTALK_EMULATOR_ADMIN" && kill "$DINGTALK_EMULATOR_PID"`, binary)
	finish(t, cmd).check(t, result{0, x + "\nok\n", ""})
}

// What the image, the compose file and the manifest give the command is what it takes, and the image's health check is answered.
// Ports are others here, and addresses the loopback interface's.
func TestDeployedArguments(t *testing.T) {
	const folder = "../../deploy/emulator"
	dir := t.TempDir()
	text := func(name string) string { return newcomer.Read(t, filepath.Join(folder, name)) }
	_, settings, _ := strings.Cut(text("kubernetes.yaml"), "scenario.yaml: |\n")
	settings, _, _ = strings.Cut(settings, "---")
	write(t, filepath.Join(dir, "manifest"), settings)
	here := strings.NewReplacer("/etc/emulator/scenario.yaml", filepath.Join(dir, "manifest"), "/scenario.yaml", filepath.Join(folder, "scenario.yaml"),
		"/certificates", dir, "0.0.0.0:8080", "127.0.0.1:0", "0.0.0.0:8081", "127.0.0.1:0")
	arguments := func(file, of string) (list []string) {
		match := regexp.MustCompile(of + ` (\[".*\])`).FindStringSubmatch(text(file))
		if match == nil || json.Unmarshal([]byte(match[1]), &list) != nil {
			t.Fatalf("%s %s %q", file, of, match)
		}
		for i := range list {
			list[i] = here.Replace(list[i])
		}
		return list
	}
	startService(t, arguments("compose.yaml", "command:")...).stop(t)
	startService(t, arguments("kubernetes.yaml", "args:")...).stop(t)
	s := startService(t, append(arguments("Dockerfile", "ENTRYPOINT")[2:], "--scenario", filepath.Join(folder, "scenario.yaml"))...)
	health := arguments("Dockerfile", "CMD")
	if got := finish(t, command(t, nil, health[1], health[2], s.admin)); got.code != 0 || health[2] != "--health" {
		t.Errorf("%q: %+v", health, got)
	}
	_, settings = ask(t, "GET", s.admin+"/settings", "")
	_, faults := ask(t, "GET", s.admin+"/faults", "")
	if !strings.Contains(settings, `"chat-of-sales":"cidSalesSalesSalesSales0Q=="`) || !strings.Contains(faults, `"retryAfter":"1"`) && !strings.Contains(faults, `"Retry-After":"1"`) {
		t.Errorf("%s %s", settings, faults)
	}
	s.stop(t)
}
