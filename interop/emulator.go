package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// emulator is a process of `openconversation emulator`, which is told what to do through its admin API: as a test in any
// other language would do it.
type emulator struct {
	url    string // for clients: its own, or that of a proxy before it
	key    string
	secret string
	ca     string // the file of the authority of its certificate, with TLS
	admin  string
	stop   func()
}

// startEmulator starts a process on free ports of the loopback interface.
func startEmulator(ctx context.Context, program string, withTLS bool) (*emulator, error) {
	dir, err := os.MkdirTemp("", "interop-emulator-*")
	if err != nil {
		return nil, err
	}
	ready, ca := filepath.Join(dir, "ready"), filepath.Join(dir, "ca.pem")
	args := []string{"emulator", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ready-file", ready}
	if withTLS {
		args = append(args, "--tls", "--tls-ca-file", ca)
	}
	ctx, cancel := context.WithCancel(ctx)
	process := exec.CommandContext(ctx, program, args...)
	var said bytes.Buffer
	process.Stdout, process.Stderr = &said, &said
	if err := process.Start(); err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = process.Wait() // It is ended with a signal; what it said is told where it does not start.
		close(ended)
	}()
	e := &emulator{stop: func() {
		cancel()
		<-ended
		_ = os.RemoveAll(dir) // A folder that stays in the place for such harms nobody.
	}}
	for range 600 {
		if file, err := os.Open(ready); err == nil {
			e.read(file)
			_ = file.Close()
			return e, nil
		}
		select {
		case <-ended:
			e.stop()
			return nil, fmt.Errorf("the emulator did not start: %s", tail(said.String()))
		case <-time.After(50 * time.Millisecond):
		}
	}
	e.stop()
	return nil, errors.New("the emulator did not start within half a minute")
}

// read takes over what the emulator says of itself.
func (e *emulator) read(file io.Reader) {
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "DINGTALK_BASE_URL":
			e.url = value
		case "DINGTALK_APP_KEY":
			e.key = value
		case "DINGTALK_APP_SECRET":
			e.secret = value
		case "DINGTALK_EMULATOR_ADMIN":
			e.admin = value
		case "DINGTALK_EMULATOR_CA_FILE":
			e.ca = value
		}
	}
}

// tell calls the admin API: a method and a path, a body or nil, and where the answer goes or nil.
func (e *emulator) tell(ctx context.Context, call string, body, into any) error {
	method, path, _ := strings.Cut(call, " ")
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, e.admin+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
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

// prepare makes the emulator what a case wants, from its start.
func (e *emulator) prepare(ctx context.Context, test testCase) error {
	if err := e.tell(ctx, "POST /reset", nil, nil); err != nil {
		return err
	}
	if len(test.Settings) > 0 {
		if err := e.tell(ctx, "PATCH /settings", test.Settings, nil); err != nil {
			return err
		}
	}
	if len(test.Faults) > 0 {
		return e.tell(ctx, "POST /faults", test.Faults, nil)
	}
	return nil
}

func (e *emulator) token(ctx context.Context) (string, error) {
	var issued struct {
		AccessToken string `json:"accessToken"`
	}
	err := e.tell(ctx, "POST /tokens", nil, &issued)
	return issued.AccessToken, err
}

func (e *emulator) requests(ctx context.Context) ([]seen, error) {
	var answer struct {
		Requests []seen `json:"requests"`
	}
	err := e.tell(ctx, "GET /requests", nil, &answer)
	return answer.Requests, err
}

// count is how many requests the emulator got, however few it kept.
func (e *emulator) count(ctx context.Context) (n int64, err error) {
	var counts map[string]struct {
		Requests int64 `json:"requests"`
	}
	err = e.tell(ctx, "GET /counts", nil, &counts)
	for _, tally := range counts {
		n += tally.Requests
	}
	return n, err
}
