package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/connect"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/term"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

const (
	spends      = "openconversation: this spends one call of the organisation's monthly quota: the conversion of " + chat + "\n"
	undecided   = "not checked  %s  unknown: the order in which the service checks is not documented\n"
	doctorLocal = "ok           host         127.0.0.1 is an address\n" +
		"ok           connection   HOST answers, without TLS, as is allowed on a loopback address\n"
	doctorSet  = "ok           credentials  DINGTALK_APP_KEY and DINGTALK_APP_SECRET are set\n"
	doctorToks = doctorSet + doctorLocal + "ok           token        the service issued an access token\n"
	doctorCall = "ok           permission   the app may convert chats\n" +
		"ok           address      calls from this machine's address are accepted\n"
	notRefused    = "ok           permission   not refused\nok           address      not refused\n"
	doctorUnknown = "ok           conversion   the call was answered; the chat is unknown; for proof give --chat of a group of yours\n"
)

// unmade are the lines of checks that were not made.
func unmade(checks ...string) string {
	var b strings.Builder
	for _, check := range checks {
		b.WriteString("not checked  " + check + "\n")
	}
	return b.String()
}

// checks are those of doctor, in their order.
var checks = []string{"credentials", "host", "connection", "token", "permission", "address", "conversion"}

func hintOf(kind string) string {
	if kind == "authority" {
		return "hint: if that is the authority of your company's proxy, have its root certificate in a PEM file and set SSL_CERT_FILE to the file's name; there is no flag that skips the check\n"
	}
	for _, sentinel := range explain.Sentinels() {
		if explain.Kind(sentinel) == kind {
			return "hint: " + explain.Hint(sentinel).String() + "\n"
		}
	}
	return "no such kind: " + kind
}

// pageSize is how long the page of a banned address is, which does not matter.
var pageSize = regexp.MustCompile(`(text/html, )[0-9]+ bytes \(HTTP 403,`)

func TestDoctor(t *testing.T) {
	fault := func(f dingtalktest.Fault) dingtalktest.Fault {
		return f.For(generated.OperationChatIDToOpenConversationID).Always()
	}
	tokenFault := func(f dingtalktest.Fault) dingtalktest.Fault {
		return f.For(generated.OperationGetAccessToken).Always()
	}
	permission, address := fmt.Sprintf(undecided, "permission "), fmt.Sprintf(undecided, "address    ")
	conversion := fmt.Sprintf(undecided, "conversion ")
	afterToken := unmade("permission", "address", "conversion")
	html := []byte("<html></html>")
	tests := []struct {
		name   string
		opts   []dingtalktest.Option
		fault  dingtalktest.Fault
		args   []string
		secret string // of the app, as the command has it
		code   int
		stdout string // after what all have in common
		hint   string
		calls  int
	}{
		{name: "well", stdout: doctorCall + "ok           conversion   the chat was converted\n", calls: 1},
		{
			name: "the example is unknown", fault: fault(dingtalktest.Code(generated.CodeInvalidChatID)), calls: 1,
			stdout: notRefused + doctorUnknown,
		},
		{
			name: "the chat is unknown", args: []string{"--chat", unknown}, calls: 1,
			stdout: notRefused + doctorUnknown,
		},
		{
			name: "its owner is not visible", opts: []dingtalktest.Option{func(s *dingtalktest.Settings) { s.OwnersNotVisible = []string{chat} }}, calls: 1,
			stdout: notRefused + "ok           conversion   the call was answered; this chat's owner is outside the app's visible range\n",
		},
		{
			name: "wrong secret", secret: "wrong", code: 3, hint: "unauthenticated",
			stdout: "FAIL         token        credentials or access token rejected (while fetching an access token): invalidClientIdOrSecret: 无效的clientId或者clientSecret (HTTP 400, request ID)\n" + afterToken,
		},
		{
			name: "something else answers", fault: tokenFault(dingtalktest.Raw(200, "text/html", html)), code: 5, hint: "unexpected-response",
			stdout: "FAIL         token        unexpected response (while fetching an access token): the answer is text/html, 13 bytes (HTTP 200, request ID)\n" + afterToken,
		},
		{
			name: "redirect", fault: tokenFault(dingtalktest.Raw(302, "", nil).WithHeader("Location", "https://example.com/login")), code: 5, hint: "redirect",
			stdout: "FAIL         token        redirect refused (while fetching an access token): to example.com (HTTP 302, request ID)\n" + afterToken,
		},
		{
			name: "banned before", opts: []dingtalktest.Option{func(s *dingtalktest.Settings) { s.BannedAddress = true }}, code: 4, hint: "blocked",
			stdout: "FAIL         token        address banned for a while (while fetching an access token): the answer is text/html, N bytes (HTTP 403, try again after 5 minutes)\n" + afterToken,
		},
		{
			name: "missing scope", opts: []dingtalktest.Option{dingtalktest.WithoutPermission()}, code: 3, hint: "permission-denied", calls: 1,
			stdout: "FAIL         permission   permission denied: Forbidden.AccessDenied.AccessTokenPermissionDenied: MESSAGE: grant qyapi_chat_read (HTTP 403, request ID)\n" + address + conversion,
		},
		{
			name: "address not allowed", opts: []dingtalktest.Option{func(s *dingtalktest.Settings) { s.AddressNotAllowed = true }}, code: 3, hint: "ip-not-allowed", calls: 1,
			stdout: permission + "FAIL         address      address not allowed: Forbidden.AccessDenied.IpNotInWhiteList: MESSAGE (HTTP 403, request ID)\n" + conversion,
		},
		{
			name: "banned", fault: fault(dingtalktest.BanJSON()), code: 4, hint: "blocked", calls: 1,
			stdout: permission + "FAIL         address      address banned for a while (HTTP 200, try again after 5 minutes)\n" + conversion,
		},
		{
			name: "quota used up", opts: []dingtalktest.Option{dingtalktest.WithMonthlyQuota(0)}, code: 4, hint: "quota-exhausted", calls: 1,
			stdout: permission + address + "FAIL         conversion   monthly quota exhausted: Forbidden.AccessDenied.ApiCountLimitForOrg: MESSAGE (HTTP 403, request ID)\n",
		},
		{
			name: "throttled", fault: fault(dingtalktest.Code(generated.CodeAppQPSLimit).WithHeader("Retry-After", "120")), code: 4, hint: "throttled", calls: 1,
			stdout: permission + address + "FAIL         conversion   throttled: Forbidden.AccessDenied.QpsLimitForAppkeyAndApi: MESSAGE (HTTP 403, request ID, try again after 2 minutes)\n",
		},
		{
			name: "an unknown code", fault: fault(dingtalktest.Code("some.code")), code: 3, hint: "rejected", calls: 1,
			stdout: permission + address + "FAIL         conversion   request rejected: some.code: some.code (HTTP 400, request ID)\n",
		},
		{
			name: "the service fails", fault: fault(dingtalktest.Raw(501, "text/html", html)), code: 5, hint: "unavailable", calls: 1,
			stdout: permission + address + "FAIL         conversion   service unavailable: the answer is text/html, 13 bytes (HTTP 501, request ID)\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := dingtalktest.NewServer(t, append(tt.opts, dingtalktest.WithCredentials("k", canary))...)
			server.FailNext(tt.fault)
			secret := canary
			if tt.secret != "" {
				secret = tt.secret
			}
			env := map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: secret, connect.EnvBaseURL: server.URL}
			want := result{tt.code, doctorSet + doctorLocal + tt.stdout, spends}
			if strings.HasPrefix(tt.stdout, doctorCall) || tt.calls > 0 {
				want.stdout = doctorToks + tt.stdout
			}
			if len(tt.args) > 0 {
				want.stderr = strings.ReplaceAll(want.stderr, chat, tt.args[1])
			}
			if tt.hint != "" {
				want.stderr += hintOf(tt.hint)
			}
			for _, row := range generated.ErrorCodes {
				want.stdout = strings.ReplaceAll(want.stdout, string(row.Code)+": MESSAGE", string(row.Code)+": "+cmp.Or(row.Message, row.Description))
			}
			got := call{args: append([]string{"doctor"}, tt.args...), env: env}.run()
			if strings.Contains(got.stdout+got.stderr, secret) {
				t.Error("the secret was printed")
			}
			got.stdout = pageSize.ReplaceAllString(strings.ReplaceAll(got.stdout, strings.TrimPrefix(server.URL, "http://"), "HOST"), "${1}N bytes (HTTP 403,")
			got.check(t, want)
			if n := server.Count(generated.OperationChatIDToOpenConversationID); n != tt.calls {
				t.Errorf("%d conversions were sent, want %d", n, tt.calls)
			}
		})
	}
}

func TestDoctorCredentials(t *testing.T) {
	rest := unmade("host", "connection", "token", "permission", "address", "conversion")
	call{args: []string{"doctor"}}.run().check(t, result{3,
		"FAIL         credentials  no credentials: set DINGTALK_APP_KEY and DINGTALK_APP_SECRET (or --app-secret-file)\n" + rest,
		"hint: the developer console shows them as Client ID and Client Secret; --emulator needs none\n"})

	dir := t.TempDir()
	call{args: []string{"doctor", "--app-secret-file", filepath.Join(dir, "none")}, env: map[string]string{connect.EnvAppKey: "k"}}.run().check(t, result{3,
		"FAIL         credentials  --app-secret-file: the file cannot be read: " + syscall.ENOENT.Error() + "\n" + rest,
		"hint: write the app's secret, and nothing else, to a file that only you can read\n"})

	server := dingtalktest.NewServer(t)
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(dingtalktest.AppSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call{args: []string{"doctor", "--base-url", server.URL, "--app-secret-file", file}, env: map[string]string{connect.EnvAppKey: dingtalktest.AppKey}}.run()
	if want := "ok           credentials  DINGTALK_APP_KEY and --app-secret-file are set\n"; got.code != 0 || !strings.HasPrefix(got.stdout, want) {
		t.Errorf("%+v", got)
	}
}

func TestDoctorWithEmulator(t *testing.T) {
	got := runArgs(t, "", "doctor", "--emulator")
	if got.code != 0 || got.stderr != "" || strings.Count(got.stdout, "\nok  ") != len(checks)-1 {
		t.Errorf("%+v", got)
	}
}

func TestDoctorJSON(t *testing.T) {
	server := dingtalktest.NewServer(t)
	server.FailNext(dingtalktest.Fault{Kind: "code", Code: generated.CodePermissionDenied, Scopes: []string{"some.scope"}, Operation: conversion.ID})
	got := call{args: []string{"doctor", "--json"}, env: serverEnv(server)}.run()
	var out struct {
		OK     bool
		ChatID string
		Checks []struct{ Check, Status, Kind, Code, RequestID, Hint string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &out); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	var statuses []string
	for i, f := range out.Checks {
		if f.Check != checks[i] {
			t.Errorf("check %d is %s, want %s", i, f.Check, checks[i])
		}
		statuses = append(statuses, f.Status)
	}
	if got.code != 3 || got.stderr != spends || out.OK || out.ChatID != chat || strings.Join(statuses, " ") != "ok ok ok ok fail not-checked not-checked" {
		t.Errorf("%+v", got)
	}
	failed := out.Checks[4]
	if failed.Kind != "permission-denied" || failed.Code != string(generated.CodePermissionDenied) || failed.RequestID == "" || !strings.Contains(failed.Hint, "grant the app some.scope") {
		t.Errorf("%+v", failed)
	}
	got = runArgs(t, "", "doctor", "--emulator", "--json")
	if got.code != 0 || !strings.HasPrefix(got.stdout, `{"ok":true,"chatId":"`+chat+`","checks":[{"check":"credentials","status":"ok",`) || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}

// A host that sends back what it was sent does not make doctor print it.
func TestDoctorDoesNotRepeatTheSecret(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"code": "echo", "message": string(body)})
	}))
	defer echo.Close()
	for _, flag := range []string{"--json=false", "--json"} {
		got := call{args: []string{"doctor", flag}, env: map[string]string{connect.EnvAppKey: "k", connect.EnvAppSecret: canary, connect.EnvBaseURL: echo.URL}}.run()
		if got.code != 3 || !strings.Contains(got.stdout, "echo") || strings.Contains(got.stdout+got.stderr, canary) {
			t.Errorf("%+v", got)
		}
	}
}

func TestDoctorUsage(t *testing.T) {
	server := dingtalktest.NewServer(t)
	tests := []struct {
		args []string
		err  string
	}{
		{[]string{"x"}, "openconversation doctor takes no argument, and was given x\nhint: see openconversation doctor --help\n"},
		{[]string{"--timeout", "-1s"}, "--timeout: -1s is negative\n"},
		{[]string{"--chat", ".."}, "--chat ..: chat id is unknown or malformed: not sent: it would change the request's path (refused by this client)\n"},
		{[]string{"--base-url", "http://example.com"}, "base URL \"http://example.com\": HTTPS is required, since requests carry secrets\n"},
	}
	for _, tt := range tests {
		got := call{args: append([]string{"doctor"}, tt.args...), env: serverEnv(server)}.run()
		got.check(t, result{2, "", "openconversation: " + tt.err})
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	golden(t, "help-doctor", runArgs(t, "", "doctor", "--help").stdout)
}

func TestDoctorEnds(t *testing.T) {
	server := dingtalktest.NewServer(t)
	server.FailNext(dingtalktest.Hang().Always())
	got := call{args: []string{"doctor", "--timeout", "50ms"}, env: serverEnv(server)}.run()
	got.check(t, result{5, doctorSet, spends + "openconversation: stopped by --timeout: 50ms have passed\n" + hintOf("timeout")})

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(term.SignalError{Signal: syscall.SIGTERM})
	got = call{ctx: ctx, args: []string{"doctor"}, env: serverEnv(server)}.run()
	got.check(t, result{143, doctorSet, spends + "openconversation: stopped by SIGTERM\n"})
}

func TestDoctorOnAFullDisk(t *testing.T) {
	for writes := range checks {
		full := &fullAfter{writes: writes}
		got := call{args: []string{"doctor", "--emulator"}, stdout: full}.run()
		got.check(t, result{5, "", "openconversation: standard output: " + errFull.Error() + "\n"})
	}
}

// A refused address is named, if the service names it.
func TestDoctorNamesTheRefusedAddress(t *testing.T) {
	env := answering(t, func(string) (string, int, string) {
		return "", 403, `{"code":"Forbidden.AccessDenied.IpNotInWhiteList","message":"访问ip不在白名单之中,request ip=203.0.113.7 corp(x)","requestid":"ID"}` // synthetic
	})
	got := call{args: []string{"doctor"}, env: env}.run()
	if want := "hint: add 203.0.113.7 to the app's allow list: developer console, security settings\n"; got.code != 3 || !strings.HasSuffix(got.stderr, want) {
		t.Errorf("%+v", got)
	}
}
