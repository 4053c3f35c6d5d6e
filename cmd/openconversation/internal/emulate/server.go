// Package emulate serves the emulator of DingTalk: for other processes, or for the commands of this one.
package emulate

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/specs"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest/admin"
)

// Server is an emulator that is being served.
type Server struct {
	URL      string // such as http://127.0.0.1:40001, or unix:PATH
	scheme   string // http or https
	admin    string // the same of the admin API; empty if it is not served
	emulator *dingtalktest.Emulator
	http2    bool
	servers  []*http.Server
	ended    chan error // why serving ended; http.ErrServerClosed after Stop
}

// options are the flags of emulator that are no settings.
type options struct {
	listen, admin  string
	allowRemote    bool
	tls, http2     bool
	tlsNames       []string
	tlsCAFile      string
	printEnv       bool
	readyFile, log string
	health         string

	scenario            string
	source              specs.Source
	chats               []string
	faults, tokenFaults []string
}

// Serve starts an emulator at address, whose host must be of the loopback interface: its credentials are public.
func Serve(ctx context.Context, address string, errorLog io.Writer, opts ...dingtalktest.Option) (*Server, error) {
	o := options{listen: address}
	return o.start(ctx, errorLog, dingtalktest.New(append(opts, withoutRecord)...), nil)
}

// withoutRecord is for an emulator whose record nobody could read.
func withoutRecord(s *dingtalktest.Settings) { s.RecordSize = 0 }

// serve answers what arrives at a listener, over TLS if there is a certificate.
func (s *Server) serve(at *listening, handler http.Handler, errorLog io.Writer, made *certificate) {
	server := &http.Server{
		Handler: at.checkHost(handler), ConnContext: dingtalktest.ConnContext, ErrorLog: log.New(errorLog, "emulator: ", 0),
		// A whole request has no limit: a hanging fault or a latency takes as long as it is to.
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(s.http2) // not by itself: faults that are bytes on the bare connection have no meaning over it
	server.Protocols.SetUnencryptedHTTP2(s.http2)
	s.servers = append(s.servers, server)
	if made == nil {
		go func() { s.ended <- server.Serve(at) }()
		return
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{made.server}, MinVersion: tls.VersionTLS12}
	go func() { s.ended <- server.ServeTLS(at, "", "") }()
}

// start serves what the flags say.
func (o *options) start(ctx context.Context, errorLog io.Writer, emulator *dingtalktest.Emulator, made *certificate) (*Server, error) {
	at, err := place{flag: "--listen", address: o.listen, remote: o.allowRemote}.open(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{scheme: "http", emulator: emulator, ended: make(chan error, 2), http2: o.http2}
	if made != nil {
		s.scheme = "https"
	}
	s.URL = at.url(s.scheme)
	s.serve(at, emulator, errorLog, made)
	if o.admin == "" {
		return s, nil
	}
	control, err := place{flag: "--admin", address: o.admin, remote: o.allowRemote}.open(ctx)
	if err != nil {
		s.Stop()
		return nil, err
	}
	s.serve(control, admin.Handler(emulator), errorLog, nil)
	s.admin = control.url("http")
	return s, nil
}

// Stop lets requests under way end in two seconds, apart from those that would hang, and closes the listeners.
func (s *Server) Stop() {
	s.emulator.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, server := range s.servers {
		if server.Shutdown(ctx) != nil {
			_ = server.Close() // cuts what is left
		}
	}
}

// wait returns when serving ends by itself, with why.
func (s *Server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.ended:
		return lang.Errorf("emulator: %w", err)
	}
}

// variable is an environment variable that --print-env and --ready-file set.
type variable struct{ name, value string }

func (o *options) variables(s *Server) []variable {
	key, secret := s.emulator.Credentials()
	list := []variable{
		{explain.EnvBaseURL, s.URL}, {explain.EnvAppKey, key}, {explain.EnvAppSecret, secret}, {"DINGTALK_EMULATOR_PID", strconv.Itoa(os.Getpid())},
	}
	if path, ok := strings.CutPrefix(s.URL, unixPrefix); ok {
		list[0].value = s.scheme + "://localhost"
		list = append(list, variable{"DINGTALK_EMULATOR_SOCKET", path})
	}
	if s.admin != "" {
		list = append(list, variable{"DINGTALK_EMULATOR_ADMIN", s.admin})
	}
	if o.tlsCAFile != "" {
		list = append(list, variable{"DINGTALK_EMULATOR_CA_FILE", o.tlsCAFile})
	}
	return list
}

// announce says where the emulator is: to people, or to a shell.
func (o *options) announce(w *term.World, s *Server, c *certificate) error {
	list := o.variables(s)
	var plain, exports strings.Builder
	for _, v := range list {
		fmt.Fprintf(&plain, "%s=%s\n", v.name, v.value)
		fmt.Fprintf(&exports, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, "'", `'\''`))
	}
	if o.allowRemote && !strings.HasPrefix(o.listen, unixPrefix) {
		w.Note("emulator: --allow-remote: whoever reaches this machine can use it and control it, and its credentials are public; it holds nothing of worth")
	}
	if o.readyFile != "" {
		if err := writeWhole(o.readyFile, plain.String()); err != nil {
			return explain.Usage("%s: %w", "--ready-file", err)
		}
	}
	if o.printEnv {
		err := w.Print(exports.String())
		// A shell that evaluates this reads until the end.
		if closer, ok := w.Out.(io.Closer); ok && err == nil {
			err = closer.Close()
		}
		return err
	}
	text := w.Lang.Sprintf("listening on %s with %s=%s %s=%s", s.URL, list[1].name, list[1].value, list[2].name, list[2].value) + "\n"
	if s.admin != "" {
		text += w.Lang.Sprintf("admin API on %s, which GET /openapi.yaml describes", s.admin) + "\n"
	}
	if c != nil && o.tlsCAFile == "" {
		text += string(c.authority)
	}
	return w.Print(text)
}

// writeWhole writes a file so that nobody finds half of it.
func writeWhole(name, content string) error {
	beside := fmt.Sprintf("%s.%d", name, os.Getpid())
	err := os.WriteFile(beside, []byte(content), 0o644) //nolint:gosec // what is in it is no secret
	if err == nil {
		err = os.Rename(beside, name)
	}
	if err != nil {
		_ = os.Remove(beside)
	}
	return err
}

// askHealth asks another process's admin API. It is for images without a shell, whose health check has this program alone.
func (o *options) askHealth(ctx context.Context, w *term.World) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	transport, base := &http.Transport{DisableKeepAlives: true}, strings.TrimSuffix(o.health, "/")
	if path, ok := strings.CutPrefix(o.health, unixPrefix); ok {
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil || request.URL.Host == "" {
		return explain.Usage("--health %s: give the URL of an admin API, such as http://127.0.0.1:8081, or unix:PATH", o.health)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("%s: %w", "--health", err)}
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &explain.Error{Code: explain.Unavailable, Err: lang.Errorf("--health %s: answered HTTP %d", o.health, response.StatusCode)}
	}
	return w.Print("ok\n")
}

// logTo returns a function that adds a line of JSON for each request to a file, without header, query and body, and so without
// secrets; "-" is standard error.
func logTo(w *term.World, name string) (write func(dingtalktest.Request), end func(), err error) {
	out, end := w.Err, func() {}
	if name != "-" {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, nil, explain.Usage("%s: %w", "--log", err)
		}
		out, end = file, func() { _ = file.Close() } // each line was written by itself
	}
	lines, failed := log.New(out, "", 0), sync.Once{}
	return func(r dingtalktest.Request) {
		line, err := json.Marshal(r)
		if err = errors.Join(err, lines.Output(0, string(line))); err != nil {
			failed.Do(func() { w.Note("emulator: %w", lang.Errorf("%s: %w", "--log", err)) })
		}
	}, end, nil
}
