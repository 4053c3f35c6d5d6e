package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
)

// emulator is a process of `openconversation emulator`, driven through its admin API: as a test in any other language does it.
type emulator struct {
	url, key, secret, admin string
	ca                      string // with TLS, the file of its authority
	stop                    func()
}

// startEmulator starts a process on free ports of the loopback interface: with TLS, if it is to write its authority to a file.
func (r *runner) startEmulator(ctx context.Context, ca string) (*emulator, error) {
	ctx, cancel := context.WithCancel(ctx)
	process := exec.CommandContext(ctx, r.command, "emulator", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--print-env")
	if ca != "" {
		process.Args = append(process.Args, "--tls", "--tls-ca-file", ca)
	}
	e := &emulator{ca: ca, stop: func() { cancel(); _ = process.Wait() }} // It ends by a signal.
	var stderr bytes.Buffer
	process.Stderr = &stderr
	stdout, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	var said []byte
	if err == nil {
		said, err = io.ReadAll(stdout) // until the emulator closes it, once it serves
	}
	env := map[string]string{}
	for line := range strings.Lines(string(said)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env[name] = strings.Trim(value, "'")
	}
	e.url, e.key, e.secret, e.admin = env["DINGTALK_BASE_URL"], env["DINGTALK_APP_KEY"], env["DINGTALK_APP_SECRET"], env["DINGTALK_EMULATOR_ADMIN"]
	if err != nil || e.admin == "" {
		e.stop()
		return nil, fmt.Errorf("the emulator did not start: %q %w: %s", said, err, tail(stderr.String()))
	}
	return e, nil
}

// tell calls the admin API: a method and a path, a body or nil, and where the answer goes or nil.
func (e *emulator) tell(ctx context.Context, call string, body, into any) error {
	method, path, _ := strings.Cut(call, " ")
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, e.admin+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	if err := cmp.Or(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s: %s: %s", call, response.Status, tail(string(answer)))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// prepare sets the emulator up for a case, from a fresh start.
func (e *emulator) prepare(ctx context.Context, test testCase) error {
	err := e.tell(ctx, "POST /reset", nil, nil)
	if err == nil && len(test.Settings) > 0 {
		err = e.tell(ctx, "PATCH /settings", test.Settings, nil)
	}
	if err == nil && len(test.Faults) > 0 {
		err = e.tell(ctx, "POST /faults", test.Faults, nil)
	}
	return err
}
