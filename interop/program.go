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
	"maps"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// program is the program of a language. The process of a model client starts with the first case and lives until a case makes
// it fail, since some take a second to start. Each line that it reads is a JSON object: a client to make, in place of the one
// before, or calls to make at once. It answers each with a line: an array with the outcome of the making, or of each call.
type program struct {
	language
	path  string
	codes string // the file of the error codes
	ca    string // the file of an authority, for programs that read it when they start, as Node.js does

	process *exec.Cmd
	stdin   io.WriteCloser
	lines   *bufio.Scanner // of all its output
}

// runCase runs a case against an emulator that is prepared for it.
func (p *program) runCase(ctx context.Context, test testCase, e *emulator) (o outcome) {
	if err := e.prepare(ctx, test); err != nil {
		return outcome{crash: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // a case needs seconds, on an idle machine
	defer cancel()
	run := p.steps
	if p.sample {
		run = p.convert
	}
	if err := run(ctx, test, e, &o); err != nil {
		o.crash = err.Error()
		if end := p.stop(); end != nil {
			o.crash += "; it ended with: " + end.Error()
		}
	}
	if o.crash != "" {
		o.crash += "; " + tail(o.log)
	}
	if err := e.tell(context.WithoutCancel(ctx), "GET /requests", nil, &o.recorded); err != nil {
		o.crash = cmp.Or(o.crash, "no record: "+err.Error())
	}
	return o
}

// convert runs a sample: one conversion, with the address as its SDK takes it. It prints one JSON object on its last line.
func (p *program) convert(ctx context.Context, test testCase, e *emulator, o *outcome) error {
	issued := struct{ AccessToken string }{test.Token}
	if test.Token == "" {
		if err := e.tell(ctx, "POST /tokens", nil, &issued); err != nil {
			return err
		}
	}
	scheme, host, _ := strings.Cut(e.url, "://")
	command := exec.CommandContext(ctx, p.path, scheme, host, issued.AccessToken, cmp.Or(test.ChatID, referenceChat))
	command.Env, command.WaitDelay = environment(), time.Second
	output, err := command.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	last := lines[len(lines)-1]
	o.log = strings.Join(lines[:len(lines)-1], "\n")
	var got map[string]any
	if err == nil {
		err = json.Unmarshal([]byte(last), &got)
	}
	if err != nil {
		return fmt.Errorf("%w: %q", err, last)
	}
	o.got, o.wrong = append(o.got, got), differ(got, test.Want, p.language)
	return nil
}

// steps runs the steps of a case with a model client.
func (p *program) steps(ctx context.Context, test testCase, e *emulator, o *outcome) error {
	if p.process == nil {
		if err := p.start(context.WithoutCancel(ctx)); err != nil { // it outlives the case
			p.process = nil
			return err
		}
	}
	kill := p.process.Process
	defer context.AfterFunc(ctx, func() { _ = kill.Kill() })()
	client := map[string]any{"url": e.url, "appKey": e.key, "appSecret": cmp.Or(test.Secret, e.secret)}
	if test.HTTPS && !test.Foreign {
		client["ca"] = e.ca // a file to trust
	}
	if test.Limit > 0 {
		client["timeout"] = test.Limit
	}
	made, err := p.ask(map[string]any{"client": client}, o)
	if err == nil && made[0]["failure"] != nil {
		err = fmt.Errorf("there is no client: %v", made[0]["failure"])
	}
	for _, one := range test.steps() {
		if err == nil {
			err = p.do(ctx, one, client, e, o)
		}
	}
	return err
}

func (p *program) start(ctx context.Context) (err error) {
	p.process = exec.CommandContext(ctx, p.path, p.codes)
	p.process.Env, p.process.WaitDelay = environment("NODE_EXTRA_CA_CERTS="+p.ca), time.Second
	if p.stdin, err = p.process.StdinPipe(); err != nil {
		return err
	}
	stdout, err := p.process.StdoutPipe()
	if err != nil {
		return err
	}
	p.process.Stderr, p.lines = p.process.Stdout, bufio.NewScanner(stdout)
	return p.process.Start()
}

// stop ends the process by the end of its input, or by a signal after ten seconds, and returns how it ended.
func (p *program) stop() error {
	if p.process == nil {
		return nil
	}
	_ = p.stdin.Close() // A process that is gone already has closed it.
	timer := time.AfterFunc(10*time.Second, func() { _ = p.process.Process.Kill() })
	defer timer.Stop()
	for p.lines.Scan() {
		continue // output at its end answers nothing
	}
	err := p.process.Wait()
	p.process = nil
	return err
}

// do takes one step.
func (p *program) do(ctx context.Context, one step, client map[string]any, e *emulator, o *outcome) error {
	calls := one.calls()
	var line any = map[string]any{"calls": calls}
	if len(one.Meets) > 0 {
		if err := e.tell(ctx, "POST /faults", one.meets(), nil); err != nil {
			return err
		}
	}
	switch {
	case one.Admin != "":
		return e.tell(ctx, one.Admin, dated(one.Body), nil)
	case one.Pause > 0 && len(calls) == 0:
		time.Sleep(time.Duration(one.Pause * float64(time.Second)))
		return ctx.Err()
	case one.URL != "":
		client = maps.Clone(client)
		client["url"] = one.URL
		line, calls = map[string]any{"client": client}, make([][2]string, 1)
	}
	begun := time.Now()
	got, err := p.ask(line, o)
	o.got = append(o.got, got...)
	if took := time.Since(begun).Seconds(); err == nil && one.Within > 0 && took > one.Within {
		err = fmt.Errorf("the calls took %.1f s, not %g", took, one.Within)
	}
	if err == nil && len(got) != len(calls) {
		err = fmt.Errorf("%d outcomes, not %d", len(got), len(calls))
	}
	for i := range got {
		o.wrong = append(o.wrong, differ(got[i], one.Want, p.language)...)
	}
	return err
}

// ask writes a line and reads the answer: a line that is an array. Some generated clients print more.
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

// dated replaces the text {now+3} with the date in three seconds.
func dated(body any) any {
	raw, _ := json.Marshal(body) // It was JSON.
	date := time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat)
	return json.RawMessage(bytes.ReplaceAll(raw, []byte("{now+3}"), []byte(date)))
}
