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
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// program is the program of a language. Its process is started for the first case and lives until a case makes it fail, since
// some take a second to start. Each line that it reads is a JSON object: a client to make, in place of the one before, or
// calls to make at once. It prints a line for each: an array with the outcome of the making, or with those of the calls.
type program struct {
	path   string
	sample bool   // of DingTalk's page: one process for one conversion
	codes  string // the file of the error codes
	ca     string // the file of an authority, for what takes it when the process starts, as Node.js does

	process *exec.Cmd
	trusts  string // the authority that the process was started with
	stdin   io.WriteCloser
	lines   *bufio.Scanner
	stderr  said
}

// said is what a process wrote, which may be read while it writes.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// take returns what was written since the last time.
func (s *said) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	return s.text.String()
}

// newClient is the line that makes a client.
type newClient struct {
	URL    string `json:"url"`
	Key    string `json:"appKey"`
	Secret string `json:"appSecret"`
	CA     string `json:"ca,omitempty"` // a file to trust
}

func (p *program) start(ctx context.Context, ca string) (err error) {
	p.process, p.trusts = exec.CommandContext(ctx, p.path, p.codes), ca
	p.process.Env = environment("NODE_EXTRA_CA_CERTS=" + ca)
	p.process.Stderr = &p.stderr
	p.process.WaitDelay = time.Second
	if p.stdin, err = p.process.StdinPipe(); err != nil {
		return err
	}
	stdout, err := p.process.StdoutPipe()
	if err != nil {
		return err
	}
	p.lines = bufio.NewScanner(stdout)
	return p.process.Start()
}

// stop ends the process by the end of its input, or by a signal if it does not heed that, and returns how it ended.
func (p *program) stop() error {
	if p.process == nil {
		return nil
	}
	_ = p.stdin.Close() // A process that is gone already has closed it.
	timer := time.AfterFunc(10*time.Second, func() { _ = p.process.Process.Kill() })
	defer timer.Stop()
	for p.lines.Scan() {
		continue // what it prints at its end is nothing that was asked for
	}
	err := p.process.Wait()
	p.process = nil
	return err
}

// run takes a case's steps.
func (p *program) run(ctx context.Context, test testCase, e *emulator) (o outcome) {
	ca := p.ca
	if test.Foreign {
		ca = ""
	}
	if ca != p.trusts {
		_ = p.stop() // How it ends is told where a case fails.
	}
	p.stderr.take()
	if p.process == nil {
		if err := p.start(context.WithoutCancel(ctx), ca); err != nil { // it outlives the case
			p.process = nil
			return outcome{crash: err.Error()}
		}
	}
	kill := p.process.Process
	done := context.AfterFunc(ctx, func() { _ = kill.Kill() })
	defer done()
	client := newClient{URL: e.url, Key: e.key, Secret: cmp.Or(test.Secret, e.secret)}
	if test.HTTPS && !test.Foreign {
		client.CA = e.ca
	}
	made, err := p.ask(map[string]any{"client": client}, &o)
	if err == nil && made[0]["failure"] != nil {
		err = fmt.Errorf("there is no client: %v", made[0]["failure"])
	}
	for _, one := range test.steps() {
		if err == nil {
			err = p.do(ctx, one, client, e, &o)
		}
	}
	if err != nil {
		o.crash = fmt.Sprintf("%v; it ended with: %v", err, p.stop())
	}
	o.log += p.stderr.take()
	if o.crash != "" {
		o.crash += "; " + tail(o.log)
	}
	return o
}

// do takes one step.
func (p *program) do(ctx context.Context, one step, client newClient, e *emulator, o *outcome) error {
	var line any = step{Convert: one.Convert, Send: one.Send}
	if len(one.Meets) > 0 {
		if err := e.tell(ctx, "POST /faults", one.meets(), nil); err != nil {
			return err
		}
	}
	switch {
	case one.Admin != "":
		return e.tell(ctx, one.Admin, dated(one.Body), nil)
	case one.Pause > 0:
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(one.Pause * float64(time.Second))):
		}
		return ctx.Err()
	case one.URL != "":
		client.URL = one.URL
		line = map[string]any{"client": client}
	}
	got, err := p.ask(line, o)
	o.got = append(o.got, got...)
	return err
}

// ask writes a line and reads the answer to it. Some generated clients print too; what counts is a line that is an array.
func (p *program) ask(line any, o *outcome) (got []map[string]any, err error) {
	raw, err := json.Marshal(line)
	if err == nil {
		_, err = fmt.Fprintf(p.stdin, "%s\n", raw)
	}
	for err == nil && p.lines.Scan() {
		if json.Unmarshal(p.lines.Bytes(), &got) == nil && len(got) > 0 {
			return got, nil
		}
		o.log += p.lines.Text() + "\n"
	}
	return nil, cmp.Or(err, errors.New("printed no outcome"))
}

// dated puts dates in the place of texts such as {now+3}.
func dated(body any) any {
	raw, err := json.Marshal(body)
	if err != nil || body == nil {
		return nil
	}
	return json.RawMessage(inSeconds.ReplaceAllFunc(raw, func(text []byte) []byte {
		seconds, _ := strconv.Atoi(string(text[len("{now+") : len(text)-1]))
		return []byte(time.Now().Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat))
	}))
}

var inSeconds = regexp.MustCompile(`\{now\+\d+\}`)
